// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <chrono>
#include <string>
#include <string_view>

// Time as surehop speaks of it: whole seconds of UTC. Nothing below cmd/ reads a clock by itself;
// whoever needs the time is given it, or is given a Clock.

namespace surehop {

using Time = std::chrono::sys_seconds;
using Seconds = std::chrono::seconds;
using Millis = std::chrono::milliseconds;

class Clock {
  public:
    virtual ~Clock() = default;
    virtual Time now() const = 0;
};

// RFC 3339 in UTC: 2026-11-21T10:00:00Z.
std::string format_time(Time time);

// Accepts what format_time prints, a date (its last second: "until 31 March" includes that day),
// and +DURATION counted from `now`.
Result<Time> parse_time(std::string_view text, Time now);
// As a beginning: of a date its first second.
Result<Time> parse_begin_time(std::string_view text, Time now);

// A number and a unit: 1500ms, 30s, 5m, 2h, 5d, 4w. Nothing else, no sign, no blank.
Result<Millis> parse_duration(std::string_view text);
std::string format_duration(Millis duration);

} // namespace surehop
