// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Where the lines of base/log.h go.

namespace surehop::log {

enum class Target : std::uint8_t { standard_error, syslog };

// Once, at the start; may throw spdlog::spdlog_ex. `level`: see set_level(). Where standard error
// is systemd's journal each line begins with its priority (sd-daemon(3)) and has no time of its
// own.
void start(const std::string& program, Target target, std::string_view level);

} // namespace surehop::log
