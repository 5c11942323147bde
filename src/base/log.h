// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/text.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>
#include <type_traits>

// What the daemon tells its operator: log::info("next hop {} learnt in {}", key, time).
//
// Every text among the arguments goes through printable(), so that nothing a stranger sent can
// break a line or a terminal; the format string is ours. Only for the world above the pure core,
// from any thread; one line each. Where they go: cmd/log_start.h; before that is called, spdlog's
// own default applies.

namespace surehop::log {

inline constexpr std::size_t longest_text = 500;

template <class T> auto clean(const T& value) {
    if constexpr (std::is_convertible_v<const T&, std::string_view>)
        return printable(std::string_view(value), longest_text);
    else
        return value;
}
template <class T> using Clean = decltype(clean(std::declval<const T&>()));

template <class... Args>
void write(spdlog::level::level_enum level, fmt::format_string<Clean<Args>...> text,
           const Args&... args) {
    spdlog::logger* const logger = spdlog::default_logger_raw();
    if (!logger->should_log(level))
        return;
    const auto format = [&](const auto&... cleaned) {
        return fmt::vformat(fmt::string_view(text), fmt::make_format_args(cleaned...));
    };
    logger->log(level, format(clean(args)...));
}

template <class... Args> void debug(fmt::format_string<Clean<Args>...> text, const Args&... args) {
    write<Args...>(spdlog::level::debug, text, args...);
}
template <class... Args> void info(fmt::format_string<Clean<Args>...> text, const Args&... args) {
    write<Args...>(spdlog::level::info, text, args...);
}
template <class... Args>
void warning(fmt::format_string<Clean<Args>...> text, const Args&... args) {
    write<Args...>(spdlog::level::warn, text, args...);
}
template <class... Args> void error(fmt::format_string<Clean<Args>...> text, const Args&... args) {
    write<Args...>(spdlog::level::err, text, args...);
}

inline constexpr std::string_view levels[] = {"debug", "info", "warning", "error"};

inline void set_level(std::string_view level) { // one of `levels`; anything else is "info"
    spdlog::set_level(level == "debug"     ? spdlog::level::debug
                      : level == "warning" ? spdlog::level::warn
                      : level == "error"   ? spdlog::level::err
                                           : spdlog::level::info);
}

} // namespace surehop::log
