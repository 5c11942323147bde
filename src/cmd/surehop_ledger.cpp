// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_ledger.h"

#include "cmd/engine.h"
#include "cmd/surehop_ledger_reader.h"
#include "cmd/surehop_request.h"
#include "control/ledger_json.h"
#include "store/verify.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>

namespace surehop {

namespace {

constexpr int exit_broken = 1;
constexpr std::size_t rows_at_once = 1'000;
constexpr std::size_t longest_line = 1 << 20; // of a file

std::string verified_text(const Verified& v) {
    std::string out;
    if (v.cut)
        out += fmt::format("rows up to {} were removed as too old on {}\n", v.cut->last.id,
                           format_time(v.cut->at));
    if (v.fault)
        return out + fmt::format("BROKEN: {}; the {} rows before it are as they were written\n",
                                 v.fault->text, v.rows);
    out += v.rows == 0 ? fmt::format("there is no row to check\n")
                       : fmt::format("{} rows, from {} to {}, are as they were written; head {}\n",
                                     v.rows, v.after.id + 1, v.last.id, v.last.text());
    switch (v.noted) {
    case Noted::not_asked:
        break;
    case Noted::found:
        out += "the head that was noted is in the chain\n";
        break;
    case Noted::before:
        out += "the head that was noted belongs to a row that is not there any more: it proves "
               "nothing now\n";
        break;
    case Noted::other:
        out += "BROKEN: the head that was noted is not in the chain: since then, rows up to it "
               "were written anew\n";
        break;
    case Noted::beyond:
    case Noted::unreached:
        out += "BROKEN: the chain ends before the head that was noted: rows are missing at its "
               "end\n";
        break;
    }
    return out;
}

int tell(const LedgerQuestion& question, const Verified& verified) {
    fmt::print("{}",
               question.json ? print_json(to_json(verified), 2) + "\n" : verified_text(verified));
    return verified.good() ? EX_OK : exit_broken;
}

int verify_file(const LedgerQuestion& question, const std::optional<ChainHead>& noted) {
    std::ifstream in(question.file);
    std::string line(longest_line, '\0');
    const auto next = [&]() -> std::optional<Json> {
        if (!in.getline(line.data(), static_cast<std::streamsize>(line.size())))
            return std::nullopt;
        return parse_json(std::string_view(line.c_str(), std::strlen(line.c_str())))
            .value_or(Json());
    };
    if (!in)
        return complain(fmt::format("cannot read {}: {}", question.file, std::strerror(errno)),
                        EX_UNAVAILABLE);
    const auto first = next();
    const auto after = parse_ledger_begin(first.value_or(Json()));
    if (!after)
        return complain(fmt::format("{}: {}", question.file, after.error()), EX_UNAVAILABLE);
    Verifier verifier(*after, noted);
    while (const auto json = next()) {
        const auto row = parse_ledger_row(*json);
        if (!row) {
            const std::int64_t id = verifier.end().last.id + 1;
            verifier.fault(
                {ChainFault::Kind::changed, id, std::nullopt,
                 fmt::format("what should be row {} cannot be read: {}", id, row.error())});
            break;
        }
        if (!verifier.next(row->row, row->chain))
            break;
    }
    const Verified verified = verifier.end();
    if (!verified.fault && !in.eof())
        return complain(fmt::format("{}: a line is longer than {} octets, or cannot be read",
                                    question.file, longest_line),
                        EX_UNAVAILABLE);
    return tell(question, verified);
}

Result<ChainHead> head_before(Database& database, std::int64_t id) {
    const auto cut = latest_cut(database);
    if (!cut)
        return Error{cut.error()};
    const ChainHead begin = *cut ? (*cut)->last : ChainHead{};
    if (id <= begin.id + 1)
        return begin;
    const auto rows = rows_after(database, id - 2, 1);
    if (!rows)
        return Error{rows.error()};
    if (rows->empty() || rows->front().row.id != id - 1)
        return Error{fmt::format("row {} of the ledger is missing", id - 1)};
    return ChainHead{id - 1, rows->front().chain};
}

Status print_rows(Database& database, const ChainHead& after, std::int64_t last) {
    fmt::print("{}\n", print_json(ledger_begin(after)));
    for (std::int64_t at = after.id; at < last;) {
        const auto rows = rows_after(database, at, rows_at_once);
        if (!rows)
            return Error{rows.error()};
        if (rows->empty())
            break;
        for (const ChainedRow& row : *rows)
            if (row.row.id <= last)
                fmt::print("{}\n", print_json(to_json(row)));
        at = rows->back().row.id;
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
        return Error{fmt::format("the rows cannot be written: {}", std::strerror(errno))};
    return Done{};
}

} // namespace

int ledger_head(const LedgerQuestion& question) {
    int status = EX_OK;
    auto database = open_ledger(question.config, status);
    if (!database)
        return status;
    const auto head = chain_head(*database);
    if (!head)
        return complain(head.error(), EX_UNAVAILABLE);
    fmt::print("{}\n", question.json ? print_json(Json{{"head", head->text()}}, 2) : head->text());
    return EX_OK;
}

int ledger_verify(const LedgerQuestion& question) {
    std::optional<ChainHead> noted;
    if (!question.noted.empty()) {
        noted = ChainHead::parse(question.noted);
        if (!noted || noted->id == 0)
            return complain("--head: write a head as the log has it, ID:HASH", EX_USAGE);
    }
    if (!question.file.empty())
        return verify_file(question, noted);
    int status = EX_OK;
    auto database = open_ledger(question.config, status);
    if (!database)
        return status;
    const auto verified = [&] {
        RowCounter counter;
        return verify_store(*database, noted, std::ref(counter));
    }();
    return verified ? tell(question, *verified) : complain(verified.error(), EX_UNAVAILABLE);
}

int ledger_export(const LedgerQuestion& question) {
    const auto period = read_period(question.since, question.until, Time{}, SystemClock().now());
    if (!period)
        return complain(period.error(), EX_USAGE);
    int status = EX_OK;
    auto database = open_ledger(question.config, status);
    if (!database)
        return status;
    const auto range = rows_within(*database, *period);
    if (!range)
        return complain(range.error(), EX_UNAVAILABLE);
    if (range->first == 0 || range->first > range->last)
        return complain("the ledger has no row of that time", exit_broken);
    const auto after = head_before(*database, range->first);
    if (!after)
        return complain(after.error(), EX_UNAVAILABLE);
    const auto printed = print_rows(*database, *after, range->last);
    return printed ? EX_OK : complain(printed.error(), EX_IOERR);
}

} // namespace surehop
