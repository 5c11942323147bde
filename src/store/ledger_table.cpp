// SPDX-License-Identifier: Apache-2.0
#include "store/ledger_table.h"

#include "base/text.h"

#include <fmt/format.h>

#include <utility>

namespace surehop {

namespace {

std::string insert_statement() {
    std::string values;
    for (int place = 1; place <= ledger_column_count + 1; ++place)
        values += fmt::format("{}?{}", place == 1 ? "" : ", ", place);
    return fmt::format("INSERT INTO ledger ({}, chain) VALUES ({})", ledger_columns(), values);
}

// SQLite's own count of ids, which no deletion takes back.
struct Latest {
    std::int64_t id = 0;
    std::string chain;
};

Result<Latest> latest(Database& database) {
    auto query = database.reuse(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'ledger'), 0), "
        "coalesce((SELECT chain FROM ledger ORDER BY id DESC LIMIT 1), '')");
    if (!query)
        return Error{query.error()};
    const auto row = query->step();
    if (!row)
        return Error{row.error()};
    return Latest{query->number(0), query->text(1)};
}

std::string columns_with(std::string_view times) {
    std::string out = fmt::format("id, time, exception, {}", times);
    for (const LedgerText& one : ledger_texts)
        out += fmt::format(", {}", one.name);
    return out;
}

Result<std::vector<ChainedRow>> select_after(Database& database, const std::string& columns,
                                             std::int64_t id, std::size_t most) {
    auto query = database.reuse(
        fmt::format("SELECT {}, chain FROM ledger WHERE id > ?1 ORDER BY id LIMIT ?2", columns));
    if (!query)
        return Error{query.error()};
    query->bind(1, id).bind(2, static_cast<std::int64_t>(most));
    std::vector<ChainedRow> rows;
    for (;;) {
        const auto found = query->step();
        if (!found)
            return Error{found.error()};
        if (!*found)
            return rows;
        rows.push_back({row_of(*query), query->text(ledger_column_count)});
    }
}

} // namespace

const std::string& ledger_columns() {
    static const std::string columns = columns_with("times");
    return columns;
}

LedgerRow row_of(const Statement& found) {
    LedgerRow row;
    int column = 0;
    row.id = found.number(column++);
    row.time = found.time(column++);
    row.exception = found.number(column++);
    row.times = found.number(column++);
    for (const LedgerText& one : ledger_texts)
        row.*one.text = found.text(column++);
    return row;
}

Result<std::vector<LedgerRow>> rows_of(Statement& query) {
    std::vector<LedgerRow> rows;
    for (;;) {
        const auto found = query.step();
        if (!found)
            return Error{found.error()};
        if (!*found)
            return rows;
        rows.push_back(row_of(query));
    }
}

Status insert_row(Database& database, LedgerRow row) {
    const auto before = latest(database);
    if (!before)
        return Error{before.error()};
    row.id = before->id + 1;
    for (const LedgerText& one : ledger_texts)
        if (std::string& text = row.*one.text; !is_utf8(text))
            text = printable(text, text.size());
    row.domain = domain_of(row);

    static const std::string insert = insert_statement();
    auto statement = database.reuse(insert);
    if (!statement)
        return Error{statement.error()};
    statement->bind(1, row.id).bind(2, row.time).bind(3, row.exception).bind(4, row.times);
    int place = 5;
    for (const LedgerText& one : ledger_texts)
        statement->bind(place++, row.*one.text);
    return statement->bind(place, chain_value(before->chain, row)).run();
}

Result<std::vector<ChainedRow>> rows_after(Database& database, std::int64_t id, std::size_t most) {
    return select_after(database, ledger_columns(), id, most);
}

Result<ChainHead> chain_head(Database& database) {
    auto query = database.reuse("SELECT id, chain FROM ledger ORDER BY id DESC LIMIT 1");
    if (!query)
        return Error{query.error()};
    const auto found = query->step();
    if (!found)
        return Error{found.error()};
    return *found ? ChainHead{query->number(0), query->text(1)} : ChainHead{};
}

Status chain_all(Database& database) {
    constexpr std::size_t at_once = 500;
    static const std::string columns = columns_with("1"); // that column came later
    ChainHead last;
    for (;;) {
        auto rows = select_after(database, columns, last.id, at_once);
        if (!rows)
            return Error{rows.error()};
        if (rows->empty())
            return Done{};
        for (auto& [row, chain] : *rows) {
            row.domain = domain_of(row);
            last = {row.id, chain_value(last.value, row)};
            auto update = database.reuse("UPDATE ledger SET domain = ?2, chain = ?3 WHERE id = ?1");
            if (!update)
                return Error{update.error()};
            if (auto done = update->bind(1, last.id).bind(2, row.domain).bind(3, last.value).run();
                !done)
                return done;
        }
    }
}

} // namespace surehop
