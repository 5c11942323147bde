// SPDX-License-Identifier: Apache-2.0
#include "cmd/exception_watch.h"

#include "allow/selection.h"
#include "base/log.h"
#include "base/text.h"

#include <fmt/format.h>

#include <utility>

namespace surehop {

namespace {

constexpr std::string_view ending_kind = "allow-ending", ended_kind = "allow-ended";

constexpr Seconds between_looks{60};

} // namespace

bool ExceptionWatch::read_ledger() {
    auto ending = Allowlist::told(reader_, ending_kind);
    auto ended = Allowlist::told(reader_, ended_kind);
    if (!ending || !ended)
        return false; // another time; who writes to the ledger says why
    ending_ = *std::move(ending);
    ended_ = *std::move(ended);
    return true;
}

void ExceptionWatch::tick(Time now) {
    if (now >= looked_ && now - looked_ < between_looks)
        return;
    looked_ = now;
    if (!ready_ && !(ready_ = read_ledger()))
        return;
    for (const Exception& exception : allowlist_.list()) {
        if (ending_is_news(exception, now) && ending_.insert(exception.id).second)
            tell(exception, now, false);
        if (end_is_news(exception, now) && ended_.insert(exception.id).second)
            tell(exception, now, true);
    }
}

void ExceptionWatch::tell(const Exception& exception, Time now, bool ended) {
    LedgerRow row = exception_row(exception, ended ? ended_kind : ending_kind, now);
    row.detail = fmt::format("{} {}; owner {}; {}", ended ? "ended at" : "ends at",
                             format_time(exception.until), exception.owner, exception.reason);
    const std::string text =
        fmt::format("exception {} for {} (owner {}) {} {}", exception.id,
                    exception.recipient.text(), printable(exception.owner),
                    ended ? "has ended, at" : "ends at", format_time(exception.until));
    if (ended)
        log::info("{}", text);
    else
        log::warning("{}", text);
    ledger_.append_later({std::move(row)});
}

} // namespace surehop
