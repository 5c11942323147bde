// SPDX-License-Identifier: Apache-2.0
#include "report/tally.h"

#include "rules/rule.h"
#include "rules/verdict.h"

#include <algorithm>
#include <vector>

namespace surehop {

namespace {

Fate fate_of(std::string_view action) {
    if (action == name_of(Action::quarantine))
        return Fate::held;
    if (action == name_of(Action::tag))
        return Fate::tagged;
    return action == name_of(Action::accept) ? Fate::accepted : Fate::refused;
}

// As the gate notes it first, where no lock binds delivery.
bool is_unbound(const LedgerRow& row) { return row.detail.starts_with("unbound"); }

// `encrypted` and `verified` are on offer wherever they could be bound: whether a server has TLS
// at all is known only when they are.
Level held_to(const LedgerRow& row) {
    const Level level = level_of(row.level).value_or(Level::none);
    if (is_unbound(row))
        return Level::none;
    if (level >= Level::authenticated)
        return level;
    const bool bound = row.outcome == name_of(OutcomeKind::meets) &&
                       row.mode == name_of(PolicyMode::enforce) && row.exception == 0;
    return bound ? std::min(level, level_of(row.minimum).value_or(Level::none)) : Level::none;
}

// Halves what is kept: the domains that were counted least go.
template <class Map, class Weight> void give_up_rarest(Map& map, std::size_t keep, Weight weight) {
    std::vector<Count> weights;
    weights.reserve(map.size());
    for (const auto& [key, value] : map)
        weights.push_back(weight(value));
    const auto middle = weights.end() - static_cast<std::ptrdiff_t>(keep);
    std::nth_element(weights.begin(), middle, weights.end());
    const Count least = *middle;
    std::size_t left = map.size();
    std::erase_if(map, [&](const auto& one) {
        const bool goes = left > keep && weight(one.second) <= least;
        left -= goes ? 1 : 0;
        return goes;
    });
}

} // namespace

void Tally::add(const LedgerRow& row) {
    ++totals_.rows;
    totals_.first = totals_.first == 0 ? row.id : totals_.first;
    totals_.last = row.id;
    if (row.kind == "decision")
        add_decision(row);
    else if (row.kind == "refusals")
        totals_.summed += static_cast<Count>(std::max<std::int64_t>(row.times, 0));
    else
        add_change(row);
}

void Tally::add_decision(const LedgerRow& row) {
    ++totals_.recipients;
    ++totals_.outcomes[row.outcome];
    ++totals_.actions[row.action];
    if (row.would != row.action && row.mode == name_of(PolicyMode::audit))
        ++totals_.audited[row.would];
    RuleTally& rule = totals_.rules[row.rule];
    ++rule.outcomes[row.outcome];
    ++rule.actions[row.action];

    const auto level = level_of(row.level), minimum = level_of(row.minimum);
    const bool meets = row.outcome == name_of(OutcomeKind::meets);
    const bool excepted = row.exception != 0 && meets && level && minimum && *level < *minimum;
    if (fate_of(row.action) != Fate::refused) {
        if (excepted)
            ++totals_.excepted;
        else if (row.facts.empty() && (row.level.empty() || row.level == name_of(Level::none)))
            ++totals_.not_asked;
        else
            ++totals_.held_to[std::string(name_of(held_to(row)))];
        ++totals_.required[row.minimum.empty() ? std::string(name_of(Level::none)) : row.minimum];
        if (is_unbound(row))
            ++totals_.unbound;
    }
    if (row.exception != 0) {
        ExceptionTally& exception = totals_.exceptions[row.exception];
        ++exception.recipients;
        exception.needed += excepted ? 1 : 0;
    }
    if (row.outcome == name_of(OutcomeKind::falls_short))
        count_domain(totals_.falls_short, row);
    else if (row.outcome == name_of(OutcomeKind::unknown))
        count_domain(totals_.unknown, row);
    else if (row.outcome == name_of(OutcomeKind::no_mail))
        count_domain(totals_.no_mail, row);
    add_message(row);
}

void Tally::add_message(const LedgerRow& row) {
    if (row.queue_id.empty())
        return;
    const Fate fate = fate_of(row.action);
    const auto found = recent_.find(row.queue_id);
    if (found == recent_.end()) {
        if (recent_.size() >= limits_.messages) {
            recent_.erase(order_.front());
            order_.pop_front();
        }
        recent_.emplace(row.queue_id, fate);
        order_.push_back(row.queue_id);
        ++totals_.messages.at(static_cast<std::size_t>(fate));
    } else if (fate > found->second) {
        --totals_.messages.at(static_cast<std::size_t>(found->second));
        found->second = fate;
        ++totals_.messages.at(static_cast<std::size_t>(fate));
    }
}

void Tally::count_domain(DomainTallies& domains, const LedgerRow& row) {
    DomainTally& domain = domains[row.domain];
    ++domain.recipients;
    ++domain.reasons[row.reason];
    if (domains.size() > limits_.domains) {
        totals_.rarest_given_up = true;
        give_up_rarest(domains, limits_.domains / 2,
                       [](const DomainTally& one) { return one.recipients; });
    }
    if (!addresses_ || row.recipient.empty() || row.outcome == name_of(OutcomeKind::no_mail))
        return;
    ++totals_.addresses[row.recipient];
    if (totals_.addresses.size() > limits_.domains) {
        totals_.rarest_given_up = true;
        give_up_rarest(totals_.addresses, limits_.domains / 2, [](Count one) { return one; });
    }
}

void Tally::add_change(const LedgerRow& row) {
    if (row.kind == "downgrade")
        return count_recurrent(totals_.downgrades, row, 1);
    if (row.kind == "lock")
        return count_recurrent(row.action == name_of(Action::defer) ? totals_.held_back
                                                                    : totals_.would_hold_back,
                               row, static_cast<Count>(std::max<std::int64_t>(row.times, 0)));
    ++totals_.changes[row.kind];
    if (row.kind == "incident")
        keep(totals_.incidents, row);
    if (!row.mode.empty()) {
        if (row.mode != totals_.mode && !totals_.mode.empty())
            keep(totals_.modes, row);
        totals_.mode = row.mode;
    }
}

void Tally::count_recurrent(RecurrentTallies& all, const LedgerRow& row, Count times) {
    RecurrentTally& one = all[{row.next_hop, row.reason}];
    one.times += times;
    one.last = row.time;
    if (all.size() <= limits_.domains)
        return;
    totals_.rarest_given_up = true;
    give_up_rarest(all, limits_.domains / 2, [](const RecurrentTally& each) { return each.times; });
}

// The latest are worth more than the first.
void Tally::keep(std::deque<Event>& events, const LedgerRow& row) const {
    if (events.size() >= limits_.events)
        events.pop_front();
    events.push_back({row.time, row.kind, row.mode, row.detail});
}

} // namespace surehop
