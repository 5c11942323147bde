// SPDX-License-Identifier: Apache-2.0
#include "store/retention.h"

#include "store/ledger_table.h"

#include <fmt/format.h>

#include <string_view>

namespace surehop {

namespace {

constexpr std::int64_t removed_at_once = 1'000; // some 20 ms
constexpr std::int64_t most_in_cut = 50'000;    // what one row of kind "retention" names
constexpr std::string_view removed_up_to = "removed up to ";

// The last row, from the beginning, that is old.
Result<ChainHead> last_old(Database& database, Time now, Time limit) {
    auto query = database.reuse("SELECT id, time, chain FROM ledger ORDER BY id LIMIT ?1");
    if (!query)
        return Error{query.error()};
    query->bind(1, most_in_cut);
    ChainHead last;
    for (;;) {
        const auto found = query->step();
        if (!found)
            return Error{found.error()};
        if (!*found || (query->time(1) >= limit && query->time(1) <= now))
            return last;
        if (query->time(1) < limit)
            last = {query->number(0), query->text(2)};
    }
}

} // namespace

Result<std::optional<Cut>> latest_cut(Database& database) {
    auto query = database.reuse("SELECT id, time, detail FROM ledger WHERE kind <> 'decision' AND "
                                "kind = 'retention' ORDER BY id DESC LIMIT 1");
    if (!query)
        return Error{query.error()};
    const auto found = query->step();
    if (!found)
        return Error{found.error()};
    if (!*found)
        return std::optional<Cut>();
    const std::string detail = query->text(2);
    std::string_view text = detail;
    if (text.starts_with(removed_up_to))
        if (auto last = ChainHead::parse(
                text.substr(removed_up_to.size(), text.find(';') - removed_up_to.size())))
            return std::optional(Cut{*std::move(last), query->time(1)});
    return Error{fmt::format("row {} of the ledger does not say up to where old rows were removed; "
                             "it is not as surehop writes it",
                             query->number(0))};
}

Result<bool> cut_some(Database& database, Time now, Seconds keep) {
    const auto cut = latest_cut(database);
    if (!cut)
        return Error{cut.error()};
    if (*cut) {
        auto remove = database.reuse("DELETE FROM ledger WHERE id IN (SELECT id FROM ledger WHERE "
                                     "id <= ?1 ORDER BY id LIMIT ?2)");
        if (!remove)
            return Error{remove.error()};
        if (auto done = remove->bind(1, (*cut)->last.id).bind(2, removed_at_once).run(); !done)
            return Error{done.error()};
        if (database.changes() > 0)
            return true;
    }
    const Time limit = now - keep;
    const auto last = last_old(database, now, limit);
    if (!last)
        return Error{last.error()};
    if (last->id == 0)
        return false;
    LedgerRow row;
    row.time = now;
    row.kind = "retention";
    row.detail = fmt::format("{}{}; what is from before {} is not kept", removed_up_to,
                             last->text(), format_time(limit));
    if (auto done = insert_row(database, std::move(row)); !done)
        return Error{done.error()};
    return true;
}

} // namespace surehop
