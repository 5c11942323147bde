// SPDX-License-Identifier: Apache-2.0
#include "socketmap/deferrals.h"

#include "base/log.h"
#include "base/text.h"
#include "rules/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace surehop {

namespace {

constexpr Seconds told_once_in{3600};
constexpr std::size_t most_told = 10'000; // in an hour, and
constexpr std::size_t most_logged = 1'000;

LedgerRow row_of(const NextHop& next_hop, const LockAnswer& answer, const LockAnswer& held,
                 PolicyMode mode, Time now) {
    LedgerRow row;
    row.time = now;
    row.kind = "lock";
    row.next_hop = next_hop.key();
    row.minimum = name_of(held.demanded);
    row.mode = name_of(mode);
    row.outcome = name_of(held.unknown ? OutcomeKind::unknown : OutcomeKind::falls_short);
    row.reason = token_of(held.reason);
    row.action =
        name_of(answer.kind == LockAnswer::Kind::temporary ? Action::defer : Action::accept);
    row.would = name_of(Action::defer);
    row.detail =
        held.promised ? held.text + "; so much was promised of mail that was accepted" : held.text;
    return row;
}

} // namespace

void Deferrals::note(const NextHop& next_hop, const LockAnswer& answer, PolicyMode mode, Time now) {
    switch (answer.kind) {
    case LockAnswer::Kind::policy:
        ++counts_.policies;
        break;
    case LockAnswer::Kind::not_found:
        ++counts_.not_found;
        break;
    case LockAnswer::Kind::temporary:
        ++counts_.deferred;
        break;
    }
    const LockAnswer* held =
        answer.kind == LockAnswer::Kind::temporary ? &answer : answer.would.get();
    if (held == nullptr)
        return;
    if (held != &answer)
        ++counts_.would_defer;

    const bool holds = held == &answer;
    tell(row_of(next_hop, answer, *held, mode, now), held->promised,
         fmt::format("{} mail to {}: {}",
                     holds ? "the lock holds back" : "audit: the lock would hold back",
                     next_hop.key(), held->text));
}

void Deferrals::note_unreadable(std::string_view request, std::string_view answer, PolicyMode mode,
                                Time now) {
    ++counts_.deferred;
    LedgerRow row;
    row.time = now;
    row.kind = "lock";
    row.next_hop = printable(request.substr(std::min(request.find(' ') + 1, request.size())), 100);
    row.mode = name_of(mode);
    row.outcome = name_of(OutcomeKind::unknown);
    row.reason = token_of(Reason::next_hop_invalid);
    row.action = row.would = name_of(Action::defer);
    row.detail = fmt::format("asked '{}': {}", printable(request, 100), answer);
    const std::string line = fmt::format("the lock cannot read what it was asked, '{}': {}",
                                         printable(request, 100), answer);
    tell(std::move(row), false, line);
}

// `always`: however many have been told.
void Deferrals::tell(LedgerRow row, bool always, const std::string& line) {
    std::string key = fmt::format("{} {} {} {}", row.next_hop, row.reason, row.minimum, row.action);
    if (!always && told_.size() >= most_told && !told_.contains(key)) {
        key = "";
        row.next_hop = row.reason = row.minimum = "";
        row.detail = "a flood of next hops: the rest is counted";
    }
    if (const auto before = told_.find(key); before != told_.end()) {
        ++before->second.more;
        return;
    }
    if (told_.size() < most_logged)
        log::warning("{}", line);
    told_.emplace(std::move(key), Told{row, row.time, 0});
    ledger_.append_later({std::move(row)});
}

void Deferrals::tell_more(const Told& told, Time now) {
    if (told.more == 0)
        return;
    LedgerRow row = told.row;
    row.time = now;
    row.times = told.more;
    row.detail = fmt::format("{} (asked {} more times since {})", told.row.detail, told.more,
                             format_time(told.since));
    ledger_.append_later({std::move(row)});
}

void Deferrals::tick(Time now) {
    std::erase_if(told_, [&](const auto& one) {
        const Told& told = one.second;
        if (told.since <= now && now < told.since + told_once_in)
            return false;
        tell_more(told, now);
        return true;
    });
}

void Deferrals::end(Time now) {
    for (const auto& [key, told] : told_)
        tell_more(told, now);
    told_.clear();
}

} // namespace surehop
