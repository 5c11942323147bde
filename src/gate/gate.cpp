// SPDX-License-Identifier: Apache-2.0
#include "gate/gate.h"

#include <algorithm>
#include <utility>

namespace surehop {

namespace {

// It accepts no mail, does not exist, or has no address: nothing ever leaves over it.
bool leads_nowhere(const Leg& leg) {
    if (leg.verdict.outcome == OutcomeKind::no_mail)
        return true;
    const bool named =
        leg.next_hop.kind() == HopKind::domain || leg.next_hop.kind() == HopKind::host;
    return named && leg.facts && !(leg.facts->mx && leg.facts->mx->state == State::unknown) &&
           std::ranges::all_of(leg.facts->hosts, [](const Host& host) {
               return host.addresses.state == State::absent;
           });
}

// The greater, the weaker. Of several next hops one that leads nowhere does not count; one of the
// house only tells less than another that meets, too.
auto weakness(const Leg& leg) {
    const auto rank = [&] {
        if (leads_nowhere(leg))
            return 0;
        switch (leg.verdict.outcome) {
        case OutcomeKind::no_mail:
            return 0;
        case OutcomeKind::meets:
            return leg.next_hop.kind() == HopKind::internal ? 1 : 2;
        case OutcomeKind::unknown:
            return 3;
        case OutcomeKind::falls_short:
            return 4;
        }
        return 4;
    }();
    return std::pair(rank, -static_cast<int>(leg.verdict.level));
}

// As if it published no MTA-STS policy. DANE stays among what it offers.
Facts without_policy(Facts facts) {
    facts.sts = StsFacts();
    facts.sts.standing = {State::absent, Reason::sts_txt_none};
    return facts;
}

} // namespace

Gate::Gate(FactsBook& book, Resolver& resolver, const Allowlist& allowlist,
           const Promises& promises, const Outage& outage)
    : book_(book), resolver_(resolver), allowlist_(allowlist), promises_(promises),
      outage_(outage) {}

std::variant<Decision, Miss> Gate::judge_known(const Context& context, const Site& site,
                                               Time now) const {
    return judge(context, site, now, std::nullopt);
}

Decision Gate::judge_unlearnt(const Context& context, const Site& site, Reason reason,
                              Time now) const {
    return std::get<Decision>(judge(context, site, now, reason));
}

std::variant<Decision, Miss> Gate::judge(const Context& context, const Site& site, Time now,
                                         std::optional<Reason> unlearnt) const {
    std::variant<Decision, Miss> known; // a decision is large: it is made where it is returned
    Decision& d = std::get<Decision>(known);
    d.made = now;
    d.sender = context.sender;
    d.recipient = context.recipient;
    d.lock = site.lock;

    // 1. Where does it go?
    Way way = find_way(context, site);
    d.next_hops = std::move(way.next_hops);
    d.source = way.source;

    // 2. What is required? Where the message will tell, RCPT refuses only what every rule that may
    // decide refuses.
    if (!context.requiretls) // an exception is for what rules ask, not for what the sender does
        d.exception = allowlist_.match(context.sender, context.recipient, now);
    const auto candidates = site.rules->candidates(context);
    const auto required = [&](const Requirement* candidate) {
        return context.requiretls ? with_requiretls(*candidate) : *candidate;
    };
    if (candidates.size() == 1) {
        d.requirement = required(candidates.front());
        if (auto miss = judge_one(d, way.reason, site, unlearnt))
            known = *std::move(miss);
        return known;
    }
    std::optional<Decision> passing, mildest;
    Miss missing;
    for (const Requirement* candidate : candidates) {
        Decision one = d;
        one.requirement = required(candidate);
        if (auto miss = judge_one(one, way.reason, site, unlearnt))
            missing = *std::move(miss);
        else if (!refuses(one.verdict.action))
            passing = std::move(one);
        else if (!mildest || one.verdict.action <= mildest->verdict.action)
            mildest = std::move(one);
    }
    if (passing) {
        for (const Requirement* candidate : candidates)
            passing->open.push_back(candidate->rule);
        passing->to_learn = std::move(missing.next_hops);
        known = *std::move(passing);
    } else if (!missing.next_hops.empty()) {
        known = std::move(missing);
    } else {
        known = *std::move(mildest);
    }
    return known;
}

std::optional<Miss> Gate::judge_one(Decision& d, Reason hidden, const Site& site,
                                    std::optional<Reason> unlearnt) const {
    // 3. and 4. The MTA may use any next hop of a list: the weakest counts.
    std::optional<Leg> weakest;
    Miss miss;
    for (const NextHop& next_hop : d.next_hops) {
        auto leg = judge_leg(d, next_hop, hidden, site, unlearnt);
        if (!leg)
            miss.next_hops.push_back(next_hop);
        else if (!weakest || weakness(*leg) > weakness(*weakest))
            weakest = std::move(leg);
    }
    if (!miss.next_hops.empty())
        return miss;
    // Where our own mail server sends it leads nowhere: no fault of the address, and the MTA waits,
    // too.
    const NextHop& used = weakest->next_hop;
    const bool elsewhere = !used.domain() || used.domain() != d.recipient.domain();
    if (elsewhere && leads_nowhere(*weakest))
        weakest->verdict = decide_without_facts(
            d.requirement, OutcomeKind::unknown, Reason::next_hop_nowhere,
            site.lock == Lock::none ? Level::none : demanded(used, site, d.made));
    if (outage_.active())
        weakest->verdict = during_outage(weakest->verdict);
    static_cast<Leg&>(d) = *std::move(weakest);
    return std::nullopt;
}

std::optional<Leg> Gate::judge_leg(const Decision& d, const NextHop& next_hop, Reason hidden,
                                   const Site& site, std::optional<Reason> unlearnt) const {
    const Time now = d.made;
    const Exception* exception = d.exception.get();
    const Level minimum = exception != nullptr ? std::min(d.requirement.minimum, exception->lowest)
                                               : d.requirement.minimum;
    const HopKind kind = next_hop.kind();
    std::optional<Leg> leg(std::in_place);
    leg->next_hop = next_hop;
    leg->least_tls = least_tls(next_hop, site);
    // What the lock will demand of this mail: to accept what it then holds back until it bounces
    // would help nobody. Nothing required and nothing demanded, nothing looked up.
    const bool bound = site.lock != Lock::none && hidden != Reason::next_hop_hidden;
    const Level held = bound ? demanded(next_hop, site, now) : Level::none;
    if (std::max(minimum, held) == Level::none || kind == HopKind::internal) {
        leg->verdict = decide_without_facts(d.requirement, OutcomeKind::meets, Reason::none);
        return leg;
    }

    // What our own mail server says and we cannot read is not the sender's fault, and the lock will
    // not be able to read it either.
    if (kind == HopKind::hidden && d.source == HopSource::rcpt_host &&
        hidden == Reason::next_hop_invalid) {
        const Level certain = bound ? std::max(minimum, held) : Level::none;
        leg->verdict = decide_without_facts(d.requirement, OutcomeKind::unknown, hidden, certain);
        return leg;
    }
    // A next hop that cannot be seen: the lock carries it up to the lowest floor that it holds for
    // everybody; beyond that nobody can tell.
    if (kind == HopKind::hidden) {
        const bool carried = hidden == Reason::next_hop_hidden && site.lock != Lock::none &&
                             minimum <= site.rules->lowest_floor();
        leg->verdict = decide_without_facts(d.requirement,
                                            carried ? OutcomeKind::meets : OutcomeKind::falls_short,
                                            carried ? Reason::none : hidden);
        return leg;
    }

    // 3. What is known of the next hop, and is it still true?
    FactsPtr facts = book_.use(next_hop.key(), now);
    if (!facts || !facts->fresh(now)) {
        if (!unlearnt)
            return std::nullopt;
        leg->verdict = decide_without_facts(d.requirement, OutcomeKind::unknown, *unlearnt, held);
        return leg;
    }

    // 4. What does it offer that the lock can hold, and does that meet the requirement?
    const bool overridden = exception != nullptr && exception->overrides_published &&
                            std::max(minimum, held) < Level::authenticated;
    Assessment whole =
        overridden ? assess(next_hop, without_policy(*facts), now) : assess(next_hop, *facts, now);
    leg->assessment = bindable(std::move(whole), site.lock);
    leg->verdict = decide(d.requirement, exception, leg->assessment, held);
    leg->facts = std::move(facts);
    return leg;
}

Gate::Demand Gate::demand(const NextHop& next_hop, const Site& site, Time now) const {
    const auto& domain = next_hop.domain();
    const Requirement& requirement = site.rules->of_next_hop(domain);
    Demand out;
    out.level = enforced_level(requirement);
    out.audited = demanded_level(requirement);
    // An exception opens its whole next hop. A live promise still wins, whatever the mode of the
    // last resort: it was made under a rule that enforces.
    if (domain)
        if (const auto opening = allowlist_.opening(*domain, now)) {
            out.level = std::min(out.level, opening->lowest);
            out.audited = std::min(out.audited, opening->lowest);
        }
    const auto promised = promises_.highest(next_hop.key(), now);
    out.promised = promised && promised->level > out.level;
    if (out.promised)
        out.level = promised->level;
    out.audited = std::max(out.audited, out.level);
    return out;
}

TlsVersion Gate::least_tls(const NextHop& next_hop, const Site& site) {
    return site.rules->least_tls(next_hop.domain());
}

std::variant<LockAnswer, Miss> Gate::bind_known(const NextHop& asked, const Site& site,
                                                Lock consumer, Time now) const {
    const NextHop next_hop = judged(asked, site);
    if (next_hop.kind() == HopKind::internal)
        return LockAnswer::not_found(Reason::none);
    const FactsPtr facts = book_.use(next_hop.key(), now);
    if (!facts || !facts->fresh(now))
        return Miss{{next_hop}};
    return bind(next_hop, *facts, site, consumer, now);
}

LockAnswer Gate::bind(const NextHop& next_hop, const Facts& facts, const Site& site, Lock consumer,
                      Time now) const {
    const Demand demand = this->demand(next_hop, site, now);
    const TlsVersion least = least_tls(next_hop, site);
    const auto& domain = next_hop.domain();
    const auto overriding = domain ? allowlist_.overriding(*domain, now) : nullptr;
    const Level instead = overriding ? overriding->lowest : Level::none;

    const auto answer_at = [&](Level level) {
        // In place of what is published stands the exception's own level.
        if (const Level floor = std::max(level, instead);
            overriding && floor < Level::authenticated)
            return lock_answer(assess(next_hop, without_policy(facts), now), floor, consumer, least,
                               Published::overridden);
        return lock_answer(assess(next_hop, facts, now), level, consumer, least,
                           Published::honoured, origin_of(next_hop, facts));
    };
    LockAnswer answer = answer_at(demand.level);
    answer.demanded = demand.level;
    answer.promised = demand.promised;
    if (demand.audited > demand.level && answer.kind != LockAnswer::Kind::temporary)
        if (LockAnswer would = answer_at(demand.audited);
            would.kind == LockAnswer::Kind::temporary) {
            would.demanded = demand.audited;
            answer.would = std::make_shared<const LockAnswer>(std::move(would));
        }
    return answer;
}

LockAnswer Gate::bind_unlearnt(const NextHop& asked, const Site& site, Reason reason,
                               Time now) const {
    const Demand demand = this->demand(judged(asked, site), site, now);
    LockAnswer out = LockAnswer::temporary(std::string(sentence_of(reason)), reason, true);
    out.demanded = demand.level;
    out.promised = demand.promised;
    return out;
}

} // namespace surehop
