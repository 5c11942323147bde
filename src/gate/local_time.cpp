// SPDX-License-Identifier: Apache-2.0
#include "gate/local_time.h"

#include <ctime>

namespace surehop {

std::optional<LocalTime> local_time(Time now) {
    const std::time_t seconds = now.time_since_epoch().count();
    std::tm parts{};
    if (::localtime_r(&seconds, &parts) == nullptr)
        return std::nullopt;
    return LocalTime{(parts.tm_wday + 6) % 7, parts.tm_hour * 60 + parts.tm_min};
}

} // namespace surehop
