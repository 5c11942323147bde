// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_report.h"

#include "cmd/engine.h"
#include "cmd/surehop_ledger_reader.h"
#include "cmd/surehop_request.h"
#include "report/render.h"
#include "report/report_json.h"
#include "store/allowlist.h"
#include "store/ledger_table.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace surehop {

namespace {

constexpr std::chrono::days by_default{30};
constexpr std::size_t rows_at_once = 1'000;

// Rows follow one another by id; where the clock was set, not by time.
Result<ChainHead> sum_up(Database& database, const Period& period, Tally& tally) {
    const auto range = rows_within(database, period);
    if (!range)
        return Error{range.error()};
    ChainHead head;
    if (range->first == 0 || range->first > range->last)
        return head;
    const auto all = static_cast<std::uint64_t>(range->last - range->first + 1);
    RowCounter counter;
    for (std::int64_t at = range->first - 1; at < range->last;) {
        const auto rows = rows_after(database, at, rows_at_once);
        if (!rows)
            return Error{rows.error()};
        if (rows->empty())
            break;
        for (const auto& [row, chain] : *rows) {
            if (row.id > range->last)
                break;
            if (row.time < period.since || row.time > period.until)
                continue;
            tally.add(row);
            head = {row.id, chain};
        }
        at = rows->back().row.id;
        counter(std::min(static_cast<std::uint64_t>(at - range->first + 1), all), all);
    }
    return head;
}

} // namespace

int report(const ReportQuestion& question) {
    const Time now = SystemClock().now();
    auto period = read_period(question.since, question.until, Time{}, now);
    if (!period)
        return complain(period.error(), EX_USAGE);
    period->until = std::min(period->until, now);
    if (question.since.empty())
        period->since = period->until - by_default;
    if (period->until < period->since)
        return complain("--since: that time is still to come", EX_USAGE);
    int status = EX_OK;
    auto database = open_ledger(question.config, status);
    if (!database)
        return status;
    const auto exceptions = Allowlist::read(*database);
    if (!exceptions)
        return complain(exceptions.error(), EX_UNAVAILABLE);
    Tally tally(question.addresses);
    const auto head = sum_up(*database, *period, tally);
    if (!head)
        return complain(head.error(), EX_UNAVAILABLE);
    const ReportTerms terms{period->since, period->until, head->id == 0 ? "" : head->text(),
                            question.top, question.addresses};
    const Json json = report_json(tally.totals(), *exceptions, terms, now);
    const std::string out = question.json  ? print_json(json, 2) + "\n"
                            : question.csv ? report_csv(json)
                                           : report_text(json);
    fmt::print("{}", out);
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
        return complain(fmt::format("the report cannot be written: {}", std::strerror(errno)),
                        EX_IOERR);
    return EX_OK;
}

} // namespace surehop
