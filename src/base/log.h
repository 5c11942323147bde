// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/text.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

// What the daemon tells its operator: log::info("next hop {} learnt in {}", key, time).
//
// Every text among the arguments goes through printable(), so that nothing a stranger sent can
// break a line or a terminal; the format string is ours. Only for the world above the pure core,
// from any thread; one line each. cmd/ calls start() once; before that, spdlog's own default
// applies.

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

enum class Target { standard_error, syslog };

inline constexpr std::string_view levels[] = {"debug", "info", "warning", "error"};

inline void set_level(std::string_view level) { // one of `levels`; anything else is "info"
    spdlog::set_level(level == "debug"     ? spdlog::level::debug
                      : level == "warning" ? spdlog::level::warn
                      : level == "error"   ? spdlog::level::err
                                           : spdlog::level::info);
}

// Replaces spdlog's default logger. May throw spdlog::spdlog_ex (start-up only).
inline void start(const std::string& program, Target target, std::string_view level) {
    std::shared_ptr<spdlog::logger> logger;
    if (target == Target::syslog) {
        auto sink =
            std::make_shared<spdlog::sinks::syslog_sink_mt>(program, LOG_PID, LOG_MAIL, true);
        logger = std::make_shared<spdlog::logger>(program, std::move(sink));
        logger->set_pattern("%v"); // syslog has time, host and process
    } else {
        auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        logger = std::make_shared<spdlog::logger>(program, std::move(sink));
        logger->set_pattern("%Y-%m-%dT%H:%M:%SZ %l: %v", spdlog::pattern_time_type::utc);
    }
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
    set_level(level);
}

} // namespace surehop::log
