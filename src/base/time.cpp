// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include "base/text.h"

#include <fmt/format.h>

#include <array>

namespace surehop {

namespace {

struct Unit {
    std::string_view name;
    Millis length;
};

constexpr std::array<Unit, 6> units = {{
    {"w", std::chrono::weeks{1}},
    {"d", std::chrono::days{1}},
    {"h", std::chrono::hours{1}},
    {"m", std::chrono::minutes{1}},
    {"s", std::chrono::seconds{1}},
    {"ms", std::chrono::milliseconds{1}},
}};

constexpr std::uint64_t longest = 100ULL * 366 * 24 * 3600 * 1000; // a century, in ms

constexpr std::size_t date_length = 10; // 2027-03-31

// Reads `width` digits at `at`.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t width) {
    if (at + width > text.size())
        return std::nullopt;
    const auto value = parse_number(text.substr(at, width), 9999);
    return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
}

} // namespace

std::string format_time(Time time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Result<Time> parse_time(std::string_view text, Time now) {
    const auto time = parse_begin_time(text, now);
    const bool whole_day = text.size() == date_length && !text.starts_with('+');
    return time && whole_day ? Result<Time>(*time + std::chrono::days{1} - Seconds{1}) : time;
}

Result<Time> parse_begin_time(std::string_view text, Time now) {
    if (text.starts_with('+')) {
        auto length = parse_duration(text.substr(1));
        if (!length)
            return Error{length.error()};
        return now + std::chrono::floor<Seconds>(*length);
    }
    const Error bad{fmt::format(
        "'{}' is not a time; write 2027-03-31, 2027-03-31T12:00:00Z or +30d", printable(text))};
    const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    if (!year || !month || !day || text[4] != '-' || text[7] != '-')
        return bad;
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok())
        return bad;
    if (text.size() == date_length)
        return Time{std::chrono::sys_days{date}};
    const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2),
               second = digits(text, 17, 2);
    if (text.size() != 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
        text[19] != 'Z' || !hour || !minute || !second || *hour > 23 || *minute > 59 ||
        *second > 59)
        return bad;
    return Time{std::chrono::sys_days{date}} + std::chrono::hours{*hour} +
           std::chrono::minutes{*minute} + Seconds{*second};
}

Result<Millis> parse_duration(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9')
        ++end;
    const auto count = parse_number(text.substr(0, end), longest);
    for (const Unit& unit : units)
        if (count && text.substr(end) == unit.name &&
            *count <= longest / static_cast<std::uint64_t>(unit.length.count()))
            return unit.length * static_cast<Millis::rep>(*count);
    return Error{fmt::format("'{}' is not a duration; write 1500ms, 30s, 5m, 2h, 5d or 4w",
                             printable(text))};
}

std::string format_duration(Millis duration) {
    for (const Unit& unit : units)
        if (duration.count() != 0 && duration % unit.length == Millis{0})
            return fmt::format("{}{}", duration / unit.length, unit.name);
    return "0s";
}

} // namespace surehop
