// SPDX-License-Identifier: Apache-2.0
#include "gate/gate.h"

#include <algorithm>
#include <utility>

namespace surehop {

namespace {

// It accepts no mail, does not exist, or has no address: nothing ever leaves over it.
bool leads_nowhere(const Decision& d) {
    if (d.verdict.outcome == OutcomeKind::no_mail)
        return true;
    const bool named = d.next_hop.kind() == HopKind::domain || d.next_hop.kind() == HopKind::host;
    return named && d.facts && !(d.facts->mx && d.facts->mx->state == State::unknown) &&
           std::ranges::all_of(d.facts->hosts, [](const Host& host) {
               return host.addresses.state == State::absent;
           });
}

// The greater, the weaker. Of several next hops one that leads nowhere does not count; one of the
// house only tells less than another that meets, too.
auto weakness(const Decision& d) {
    const auto rank = [&] {
        if (leads_nowhere(d))
            return 0;
        switch (d.verdict.outcome) {
        case OutcomeKind::no_mail:
            return 0;
        case OutcomeKind::meets:
            return d.next_hop.kind() == HopKind::internal ? 1 : 2;
        case OutcomeKind::unknown:
            return 3;
        case OutcomeKind::falls_short:
            return 4;
        }
        return 4;
    }();
    return std::pair(rank, -static_cast<int>(d.verdict.level));
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
    Decision d;
    d.sender = context.sender;
    d.recipient = context.recipient;
    d.lock = site.lock;

    // 1. Where does it go?
    const Way way = find_way(context, site);
    d.next_hops = way.next_hops;
    d.source = way.source;

    // 2. What is required? Where the message will tell, RCPT refuses only what every rule that may
    // decide refuses.
    if (!context.requiretls) // an exception is for what rules ask, not for what the sender does
        d.exception = allowlist_.match(context.sender, context.recipient, now);
    const auto candidates = site.rules->candidates(context);
    std::optional<Decision> passing, mildest;
    Miss miss;
    for (const Requirement* candidate : candidates) {
        d.requirement = context.requiretls ? with_requiretls(*candidate) : *candidate;
        auto judged = judge_one(d, way, site, now, unlearnt);
        if (candidates.size() == 1)
            return judged;
        if (auto* missing = std::get_if<Miss>(&judged))
            miss = std::move(*missing);
        else if (auto& one = std::get<Decision>(judged); !refuses(one.verdict.action))
            passing = std::move(one);
        else if (!mildest || one.verdict.action <= mildest->verdict.action)
            mildest = std::move(one);
    }
    if (passing) {
        for (const Requirement* candidate : candidates)
            passing->open.push_back(candidate->rule);
        passing->to_learn = std::move(miss.next_hops);
        return *std::move(passing);
    }
    if (!miss.next_hops.empty())
        return miss;
    return *std::move(mildest);
}

std::variant<Decision, Miss> Gate::judge_one(Decision d, const Way& way, const Site& site, Time now,
                                             std::optional<Reason> unlearnt) const {
    // 3. and 4. The MTA may use any next hop of a list: the weakest counts.
    std::optional<Decision> weakest;
    Miss miss;
    for (const NextHop& next_hop : way.next_hops) {
        d.next_hop = next_hop;
        auto judged = judge_hop(d, way.reason, site, now, unlearnt);
        if (auto* missing = std::get_if<Miss>(&judged))
            miss.next_hops.push_back(std::move(missing->next_hops.front()));
        else if (auto& one = std::get<Decision>(judged);
                 !weakest || weakness(one) > weakness(*weakest))
            weakest = std::move(one);
    }
    if (!miss.next_hops.empty())
        return miss;
    // Where our own mail server sends it leads nowhere: no fault of the address, and the MTA waits,
    // too.
    d = *std::move(weakest);
    const bool elsewhere = !d.next_hop.domain() || d.next_hop.domain() != d.recipient.domain();
    if (elsewhere && leads_nowhere(d))
        d.verdict = decide_without_facts(
            d.requirement, OutcomeKind::unknown, Reason::next_hop_nowhere,
            site.lock == Lock::none ? Level::none : demanded(d.next_hop, site, now));
    if (outage_.active())
        d.verdict = during_outage(d.verdict);
    return d;
}

std::variant<Decision, Miss> Gate::judge_hop(Decision d, Reason hidden, const Site& site, Time now,
                                             std::optional<Reason> unlearnt) const {
    const Exception* exception = d.exception ? &*d.exception : nullptr;
    const Level minimum = exception != nullptr ? std::min(d.requirement.minimum, exception->lowest)
                                               : d.requirement.minimum;
    const HopKind kind = d.next_hop.kind();
    d.least_tls = least_tls(d.next_hop, site);
    // What the lock will demand of this mail: to accept what it then holds back until it bounces
    // would help nobody. Nothing required and nothing demanded, nothing looked up.
    const bool bound = site.lock != Lock::none && hidden != Reason::next_hop_hidden;
    const Level held = bound ? demanded(d.next_hop, site, now) : Level::none;
    if (std::max(minimum, held) == Level::none || kind == HopKind::internal) {
        d.verdict = decide_without_facts(d.requirement, OutcomeKind::meets, Reason::none);
        return d;
    }

    // What our own mail server says and we cannot read is not the sender's fault, and the lock will
    // not be able to read it either.
    if (kind == HopKind::hidden && d.source == HopSource::rcpt_host &&
        hidden == Reason::next_hop_invalid) {
        const Level certain = bound ? std::max(minimum, held) : Level::none;
        d.verdict = decide_without_facts(d.requirement, OutcomeKind::unknown, hidden, certain);
        return d;
    }
    // A next hop that cannot be seen: the lock carries it up to the lowest floor that it holds for
    // everybody; beyond that nobody can tell.
    if (kind == HopKind::hidden) {
        const bool carried = hidden == Reason::next_hop_hidden && site.lock != Lock::none &&
                             minimum <= site.rules->lowest_floor();
        d.verdict = decide_without_facts(d.requirement,
                                         carried ? OutcomeKind::meets : OutcomeKind::falls_short,
                                         carried ? Reason::none : hidden);
        return d;
    }

    // 3. What is known of the next hop, and is it still true?
    const FactsPtr facts = book_.use(d.next_hop.key(), now);
    if (!facts || !facts->fresh(now)) {
        if (!unlearnt)
            return Miss{{d.next_hop}};
        d.verdict = decide_without_facts(d.requirement, OutcomeKind::unknown, *unlearnt, held);
        return d;
    }
    d.facts = facts;

    // 4. What does it offer that the lock can hold, and does that meet the requirement?
    const bool overridden = exception != nullptr && exception->overrides_published &&
                            std::max(minimum, held) < Level::authenticated;
    d.assessment =
        bindable(assess(d.next_hop, overridden ? without_policy(*facts) : *facts, now), site.lock);
    d.verdict = decide(d.requirement, exception, d.assessment, held);
    return d;
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
    const auto overriding = domain ? allowlist_.overriding(*domain, now) : std::nullopt;
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
