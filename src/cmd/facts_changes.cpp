// SPDX-License-Identifier: Apache-2.0
#include "cmd/facts_changes.h"

#include "assess/changes.h"
#include "base/log.h"

#include <fmt/format.h>

namespace surehop {

namespace {

void tell(RefreshChange change, const NextHop& next_hop, const StsFacts& sts) {
    switch (change) {
    case RefreshChange::fails:
        log::warning("the MTA-STS policy of {} is not confirmed: {}; the one from {} stays in "
                     "force until {}",
                     next_hop.key(), sentence_of(sts.refresh.reason), format_time(sts.fetched),
                     format_time(sts.expires));
        break;
    case RefreshChange::works_again:
        log::info("the MTA-STS policy of {} is confirmed again", next_hop.key());
        break;
    }
}

constexpr Seconds told_once_in{3600};
constexpr std::size_t most_remembered = 10'000;

bool worth_telling(std::map<std::string, Time>& told, const std::string& what, Time now) {
    const auto recently = [&](Time then) { return then <= now && now < then + told_once_in; };
    if (const auto before = told.find(what); before != told.end() && recently(before->second))
        return false;
    if (told.size() >= most_remembered)
        std::erase_if(told, [&](const auto& row) { return !recently(row.second); });
    if (told.size() >= most_remembered)
        return false;
    told[what] = now;
    return true;
}

LedgerRow row_of(const NextHop& next_hop, const Downgrade& downgrade, Time now) {
    LedgerRow row;
    row.time = now;
    row.kind = "downgrade";
    row.next_hop = next_hop.key();
    row.level = name_of(downgrade.level);
    row.reason = token_of(downgrade.reason);
    row.detail = fmt::format("no longer offered: {}", sentence_of(downgrade.reason));
    return row;
}

} // namespace

void tell_changes(Ledger& ledger, ChangeCounts& counts, const NextHop& next_hop,
                  const Facts* before, const Facts& after) {
    if (refresh_fails(after))
        ++counts.refreshes_failed;
    if (const auto change = refresh_change(before, after))
        tell(*change, next_hop, after.sts);
    if (before == nullptr)
        return;
    std::vector<LedgerRow> rows;
    for (const Downgrade& downgrade : downgrades(next_hop, *before, after)) {
        ++counts.downgrades;
        if (!worth_telling(counts.told,
                           next_hop.key() + " " + std::string(name_of(downgrade.level)),
                           after.learnt))
            continue;
        log::warning("{} no longer offers {}: {}", next_hop.key(), name_of(downgrade.level),
                     sentence_of(downgrade.reason));
        rows.push_back(row_of(next_hop, downgrade, after.learnt));
    }
    if (!rows.empty())
        ledger.append_later(std::move(rows));
}

} // namespace surehop
