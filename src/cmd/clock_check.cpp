// SPDX-License-Identifier: Apache-2.0
#include "cmd/clock_check.h"

#include <fmt/format.h>

#include <sys/timex.h>

namespace surehop {

Json clock_check(Time now) {
    timex state{};
    const bool synchronised = ::adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
    const std::string time = format_time(now);
    return {{"name", "clock"},
            {"state", synchronised ? "ok" : "warning"},
            {"text", synchronised
                         ? fmt::format("{}, synchronised", time)
                         : fmt::format("{}, and nothing keeps it right: run an NTP client, since "
                                       "certificates, policies and exceptions depend on it",
                                       time)}};
}

} // namespace surehop
