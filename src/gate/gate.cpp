// SPDX-License-Identifier: Apache-2.0
#include "gate/gate.h"

#include "gate/route.h"

#include <algorithm>

namespace surehop {

Gate::Gate(FactsBook& book, Resolver& resolver, const Allowlist& allowlist,
           const Promises& promises)
    : book_(book), resolver_(resolver), allowlist_(allowlist), promises_(promises) {}

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
    d.next_hop = way.next_hop;
    d.source = way.source;

    // 2. What is required? Nothing required, nothing looked up.
    d.requirement = site.rules->requirement(context.sender, context.recipient);
    d.exception = allowlist_.match(context.sender, context.recipient, now);
    const Exception* exception = d.exception ? &*d.exception : nullptr;
    const Level minimum = exception != nullptr ? std::min(d.requirement.minimum, exception->lowest)
                                               : d.requirement.minimum;
    if (minimum == Level::none || d.next_hop.kind() == HopKind::internal) {
        d.verdict = decide_without_facts(d.requirement, OutcomeKind::meets, Reason::none);
        return d;
    }

    // A next hop that cannot be seen: the lock carries it up to the lowest floor that it holds for
    // everybody; beyond that nobody can tell.
    if (d.next_hop.kind() == HopKind::hidden) {
        const bool carried = way.reason == Reason::next_hop_hidden && site.lock != Lock::none &&
                             minimum <= site.rules->lowest_floor();
        d.verdict = decide_without_facts(d.requirement,
                                         carried ? OutcomeKind::meets : OutcomeKind::falls_short,
                                         carried ? Reason::none : way.reason);
        return d;
    }

    // 3. What is known of the next hop, and is it still true?
    const FactsPtr facts = book_.find(d.next_hop.key());
    if (!facts || !facts->fresh(now)) {
        if (!unlearnt)
            return Miss{d.next_hop};
        d.verdict = decide_without_facts(d.requirement, OutcomeKind::unknown, *unlearnt);
        return d;
    }
    d.facts = facts;

    // 4. What does it offer that the lock can hold, and does that meet the requirement?
    d.assessment = bindable(assess(d.next_hop, *facts, now), site.lock);
    d.verdict = decide(d.requirement, exception, d.assessment);
    return d;
}

Level Gate::demanded(const NextHop& next_hop, const Site& site, Time now) const {
    const auto& domain = next_hop.domain();
    Level floor = domain ? site.rules->floor(*domain) : site.rules->last_resort_floor();
    // An exception opens its whole next hop. A live promise still wins, whatever the mode of the
    // last resort: it was made under a rule that enforces.
    if (domain)
        if (const auto opening = allowlist_.opening(*domain, now))
            floor = std::min(floor, opening->lowest);
    const auto promised = promises_.highest(next_hop.key(), now);
    return promised ? std::max(floor, promised->level) : floor;
}

std::variant<LockAnswer, Miss> Gate::bind_known(const NextHop& asked, const Site& site,
                                                Lock consumer, Time now) const {
    const NextHop next_hop = judged(asked, site);
    if (next_hop.kind() == HopKind::internal)
        return LockAnswer{LockAnswer::Kind::not_found, "", Level::none, Reason::none};
    const FactsPtr facts = book_.find(next_hop.key());
    if (!facts || !facts->fresh(now))
        return Miss{next_hop};
    return lock_answer(assess(next_hop, *facts, now), demanded(next_hop, site, now), consumer);
}

LockAnswer Gate::bind_unlearnt(Reason reason) {
    return {LockAnswer::Kind::temporary, std::string(sentence_of(reason)), Level::none, reason};
}

} // namespace surehop
