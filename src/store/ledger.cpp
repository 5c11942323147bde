// SPDX-License-Identifier: Apache-2.0
#include "store/ledger.h"

#include "address/path.h"
#include "store/held.h"
#include "store/ledger_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace surehop {

namespace {

// The MTA gives the queue id when it takes the first recipient; the message may come slowly.
constexpr Seconds before_arrival{600};
constexpr Seconds after_arrival{3600};
constexpr std::int64_t most_of_message = 50'000; // rows

// Each part reads its own index backwards and stops early: a busy sender costs no more than a rare
// one. The comparison with '' lets SQLite use the partial indexes.
const std::string& search() {
    static const std::string statement = [] {
        std::string parts;
        const auto part = [&](const char* column, int place) {
            parts += fmt::format("{}SELECT id FROM (SELECT id FROM ledger WHERE {} = ?{} AND "
                                 "{} <> '' ORDER BY id DESC LIMIT ?1)",
                                 parts.empty() ? "" : " UNION ALL ", column, place, column);
        };
        part("reference", 2);
        part("queue_id", 2);
        for (const char* column : {"sender", "recipient"})
            for (const int place : {3, 4, 5})
                part(column, place);
        part("domain", 6);
        return fmt::format("SELECT {} FROM ledger WHERE id IN ({}) ORDER BY id DESC LIMIT ?1",
                           ledger_columns(), parts);
    }();
    return statement;
}

// As what a question may stand in the ledger; "" as nothing.
struct Question {
    std::string address, shown, whole_domain, domain;
};

Question question(std::string_view what, const LedgerAddresses& addresses) {
    Question out;
    const auto path = Path::parse(what);
    out.address = path ? path->text() : std::string(what);
    out.shown = addresses.shown(out.address);
    if (const std::string domain = domain_in(out.address); !domain.empty()) {
        out.whole_domain = "@" + domain;
        if (what.starts_with('@'))
            out.domain = domain;
    } else {
        out.domain = domain_in(fmt::format("@{}", what));
    }
    return out;
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

Status Ledger::write(Database& database, const LedgerRow& row) { return insert_row(database, row); }

Status Ledger::append(std::vector<LedgerRow> rows) {
    if (rows.empty())
        return Done{};
    for (LedgerRow& row : rows)
        addresses_.apply(row);
    return writer_.submit_and_wait(job_for(std::move(rows)));
}

LedgerRow Ledger::as_kept(LedgerRow row) const {
    addresses_.apply(row);
    return row;
}

void Ledger::append_later(std::vector<LedgerRow> rows) {
    for (LedgerRow& row : rows)
        addresses_.apply(row);
    if (!rows.empty())
        writer_.submit_and_forget(job_for(std::move(rows)));
}

Result<std::vector<LedgerRow>> Ledger::trace(std::string_view what, std::size_t most) {
    const auto hold = reader_.lock();
    auto query = reader_.reuse(search());
    if (!query)
        return Error{query.error()};
    constexpr auto limit = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
    const Question asked = question(what, addresses_);
    query->bind(1, static_cast<std::int64_t>(std::min(most, limit))).bind(2, what);
    query->bind(3, asked.address).bind(4, asked.shown);
    query->bind(5, asked.whole_domain).bind(6, asked.domain);
    return rows_of(*query);
}

Result<std::vector<LedgerRow>> Ledger::of_message(std::string_view queue_id, Time arrival) const {
    const auto hold = reader_.lock();
    static const std::string select =
        fmt::format("SELECT {} FROM ledger WHERE queue_id = ?1 AND queue_id <> '' AND time >= ?2 "
                    "AND (kind <> 'decision' OR time <= ?3) ORDER BY id LIMIT ?4",
                    ledger_columns());
    auto query = reader_.reuse(select);
    if (!query)
        return Error{query.error()};
    query->bind(1, queue_id).bind(2, arrival - before_arrival).bind(3, arrival + after_arrival);
    query->bind(4, most_of_message);
    return rows_of(*query);
}

Result<Ledger::Holds> Ledger::holds() const {
    const auto hold = reader_.lock();
    // The first condition lets SQLite use the index of changes.
    auto query = reader_.reuse("SELECT queue_id, kind, detail FROM ledger WHERE kind <> 'decision' "
                               "AND kind IN ('quarantine-hold', 'quarantine-release', "
                               "'quarantine-discard', 'quarantine-failed') ORDER BY id");
    if (!query)
        return Error{query.error()};
    Holds out;
    const auto move = [](auto& from, auto& to, const std::string& queue_id) {
        if (auto found = from.extract(queue_id); !found.empty()) {
            auto& all = to[queue_id];
            all.insert(all.end(), found.mapped().begin(), found.mapped().end());
        }
    };
    for (;;) {
        const auto row = query->step();
        if (!row)
            return Error{row.error()};
        if (!*row)
            return out;
        const std::string queue_id = query->text(0), kind = query->text(1);
        if (kind == "quarantine-hold") {
            auto note = parse_held_note(query->text(2));
            if (!note)
                return Error{note.error()};
            auto& promised = out.open[queue_id];
            promised.insert(promised.end(), note->promised.begin(), note->promised.end());
        } else if (kind == "quarantine-failed") {
            move(out.ended, out.open, queue_id);
        } else {
            move(out.open, out.ended, queue_id);
        }
    }
}

Result<std::optional<Time>> Ledger::kept_since() const {
    const auto hold = reader_.lock();
    auto query = reader_.prepare("SELECT time FROM ledger WHERE EXISTS (SELECT 1 FROM ledger WHERE "
                                 "kind <> 'decision' AND kind = 'retention') ORDER BY id LIMIT 1");
    if (!query)
        return Error{query.error()};
    const auto row = query->step();
    if (!row)
        return Error{row.error()};
    return *row ? std::optional(query->time(0)) : std::nullopt;
}

Result<bool> Ledger::ended_in_order() const {
    const auto hold = reader_.lock();
    auto query = reader_.prepare("SELECT kind FROM ledger WHERE kind <> 'decision' AND kind IN "
                                 "('start', 'stop') ORDER BY id DESC LIMIT 1");
    if (!query)
        return Error{query.error()};
    const auto row = query->step();
    if (!row)
        return Error{row.error()};
    return !*row || query->text(0) == "stop";
}

Result<std::optional<LedgerRow>> Ledger::latest_configuration() const {
    const auto hold = reader_.lock();
    auto query = reader_.prepare(
        fmt::format("SELECT {} FROM ledger WHERE kind <> 'decision' AND kind IN ('start', "
                    "'reload') ORDER BY id DESC LIMIT 1",
                    ledger_columns()));
    if (!query)
        return Error{query.error()};
    const auto row = query->step();
    if (!row)
        return Error{row.error()};
    return *row ? std::optional(row_of(*query)) : std::nullopt;
}

} // namespace surehop
