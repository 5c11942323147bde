// SPDX-License-Identifier: Apache-2.0
#include "store/ledger.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace surehop {

namespace {

constexpr std::string_view insert =
    "INSERT INTO ledger (time, kind, reference, queue_id, sender, recipient, next_hop, rule, "
    "exception, minimum, mode, outcome, level, reason, action, would, detail) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

// Each part reads its own index backwards and stops early: a busy sender costs no more than a rare
// one. The comparison with '' lets SQLite use the partial indexes.
constexpr std::string_view search =
    "SELECT id, time, kind, reference, queue_id, sender, recipient, next_hop, rule, exception, "
    "minimum, mode, outcome, level, reason, action, would, detail FROM ledger WHERE id IN ("
    "SELECT id FROM (SELECT id FROM ledger WHERE reference = ?1 AND reference <> '' "
    "ORDER BY id DESC LIMIT ?2) UNION ALL "
    "SELECT id FROM (SELECT id FROM ledger WHERE queue_id = ?1 AND queue_id <> '' "
    "ORDER BY id DESC LIMIT ?2) UNION ALL "
    "SELECT id FROM (SELECT id FROM ledger WHERE sender = ?1 AND sender <> '' "
    "ORDER BY id DESC LIMIT ?2) UNION ALL "
    "SELECT id FROM (SELECT id FROM ledger WHERE recipient = ?1 AND recipient <> '' "
    "ORDER BY id DESC LIMIT ?2)) ORDER BY id DESC LIMIT ?2";

constexpr std::string_view latest_change =
    "SELECT id, time, kind, reference, queue_id, sender, recipient, next_hop, rule, exception, "
    "minimum, mode, outcome, level, reason, action, would, detail FROM ledger "
    "WHERE kind <> 'decision' AND kind IN ('start', 'reload') ORDER BY id DESC LIMIT 1";

LedgerRow row_of(const Statement& found) {
    LedgerRow row;
    int column = 0;
    row.id = found.number(column++);
    row.time = found.time(column++);
    for (std::string* field : {&row.kind, &row.reference, &row.queue_id, &row.sender,
                               &row.recipient, &row.next_hop, &row.rule})
        *field = found.text(column++);
    row.exception = found.number(column++);
    for (std::string* field : {&row.minimum, &row.mode, &row.outcome, &row.level, &row.reason,
                               &row.action, &row.would, &row.detail})
        *field = found.text(column++);
    return row;
}

Writer::Job job_for(std::vector<LedgerRow> rows) {
    return [rows = std::move(rows)](Database& database) -> Status {
        for (const LedgerRow& row : rows)
            if (auto done = Ledger::write(database, row); !done)
                return done;
        return Done{};
    };
}

} // namespace

Status Ledger::write(Database& database, const LedgerRow& row) {
    auto statement = database.reuse(insert);
    if (!statement)
        return Error{statement.error()};
    int column = 1;
    statement->bind(column++, row.time);
    for (const std::string* field : {&row.kind, &row.reference, &row.queue_id, &row.sender,
                                     &row.recipient, &row.next_hop, &row.rule})
        statement->bind(column++, *field);
    statement->bind(column++, row.exception);
    for (const std::string* field : {&row.minimum, &row.mode, &row.outcome, &row.level, &row.reason,
                                     &row.action, &row.would, &row.detail})
        statement->bind(column++, *field);
    return statement->run();
}

Status Ledger::append(std::vector<LedgerRow> rows) {
    if (rows.empty())
        return Done{};
    return writer_.submit_and_wait(job_for(std::move(rows)));
}

void Ledger::append_later(std::vector<LedgerRow> rows) {
    if (!rows.empty())
        writer_.submit_and_forget(job_for(std::move(rows)));
}

Result<std::vector<LedgerRow>> Ledger::trace(std::string_view what, std::size_t most) {
    const auto hold = reader_.lock();
    auto query = reader_.reuse(search);
    if (!query)
        return Error{query.error()};
    constexpr auto limit = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
    query->bind(1, what).bind(2, static_cast<std::int64_t>(std::min(most, limit)));
    std::vector<LedgerRow> rows;
    for (;;) {
        const auto row = query->step();
        if (!row)
            return Error{row.error()};
        if (!*row)
            return rows;
        rows.push_back(row_of(*query));
    }
}

Result<std::optional<LedgerRow>> Ledger::latest_configuration() const {
    const auto hold = reader_.lock();
    auto query = reader_.prepare(latest_change);
    if (!query)
        return Error{query.error()};
    const auto row = query->step();
    if (!row)
        return Error{row.error()};
    return *row ? std::optional(row_of(*query)) : std::nullopt;
}

} // namespace surehop
