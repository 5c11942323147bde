// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_ledger_reader.h"

#include "cmd/surehop_request.h"
#include "conf/load.h"
#include "store/schema.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace surehop {

namespace {

constexpr std::uint64_t worth_telling = 100'000;

// "30d": that long ago. None: it is written otherwise.
std::optional<Time> ago(const std::string& text, Time now) {
    const auto length = parse_duration(text);
    return length ? std::optional(now - std::chrono::floor<Seconds>(*length)) : std::nullopt;
}

} // namespace

std::optional<Database> open_ledger(const std::string& config, int& status) {
    const Loaded loaded = load_file(config);
    status = EX_CONFIG;
    for (const Problem& problem : loaded.errors)
        (void)complain(problem.line(), status);
    if (!loaded)
        return std::nullopt;
    status = EX_UNAVAILABLE;
    auto database = Database::open(loaded.settings->store.path, Database::Access::read_only);
    if (!database) {
        (void)complain(database.error(), status);
        return std::nullopt;
    }
    if (auto current = require_current(*database); !current) {
        (void)complain(current.error(), status);
        return std::nullopt;
    }
    status = EX_OK;
    return *std::move(database);
}

Result<Period> read_period(const std::string& since, const std::string& until, Time earliest,
                           Time now) {
    Period period{earliest, Time::max()};
    if (!since.empty()) {
        const auto time = parse_begin_time(since, now);
        const auto back = ago(since, now);
        if (!time && !back)
            return Error{"--since: " + time.error()};
        period.since = back ? *back : *time;
    }
    if (!until.empty()) {
        const auto time = parse_time(until, now);
        const auto back = ago(until, now);
        if (!time && !back)
            return Error{"--until: " + time.error()};
        period.until = back ? *back : *time;
    }
    if (period.until < period.since)
        return Error{fmt::format("--until: {} is before the beginning, {}",
                                 format_time(period.until), format_time(period.since))};
    return period;
}

Result<RowRange> rows_within(Database& database, const Period& period) {
    auto query = database.prepare(
        "SELECT coalesce((SELECT id FROM ledger WHERE time >= ?1 ORDER BY time, id LIMIT 1), 0), "
        "coalesce((SELECT id FROM ledger WHERE time <= ?2 ORDER BY time DESC, id DESC LIMIT 1), "
        "0)");
    if (!query)
        return Error{query.error()};
    const auto row = query->bind(1, period.since).bind(2, period.until).step();
    if (!row)
        return Error{row.error()};
    return RowRange{query->number(0), query->number(1)};
}

RowCounter::~RowCounter() {
    if (shown_)
        std::fputs("\n", stderr);
}

void RowCounter::operator()(std::uint64_t done, std::uint64_t all) {
    if (all < worth_telling || ::isatty(STDERR_FILENO) != 1)
        return;
    fmt::print(stderr, "\r{} of {} rows", done, all);
    shown_ = true;
}

} // namespace surehop
