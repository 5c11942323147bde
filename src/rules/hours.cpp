// SPDX-License-Identifier: Apache-2.0
#include "rules/hours.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace surehop {

namespace {

constexpr auto days =
    std::to_array<std::string_view>({"mon", "tue", "wed", "thu", "fri", "sat", "sun"});
constexpr int week = static_cast<int>(days.size());

std::optional<int> day_of(std::string_view text) {
    const auto found = std::ranges::find(days, lower(text));
    if (found == days.end())
        return std::nullopt;
    return static_cast<int>(std::distance(days.begin(), found));
}

// "08:00" to "24:00".
std::optional<int> minute_of(std::string_view text) {
    if (text.size() != 5 || text[2] != ':')
        return std::nullopt;
    const auto hour = parse_number(text.substr(0, 2), 24);
    const auto minute = parse_number(text.substr(3), 59);
    if (!hour || !minute || (*hour == 24 && *minute != 0))
        return std::nullopt;
    return static_cast<int>(*hour * 60 + *minute);
}

} // namespace

Result<Hours> Hours::parse(std::string_view text) {
    const Error bad{fmt::format("'{}' is no window of time", printable(text, 60))};
    Hours out;
    out.text_ = text;
    std::string_view times = trim(text);
    if (const auto blank = times.find(' '); blank != std::string_view::npos) {
        const std::string_view which = times.substr(0, blank);
        const auto dash = which.find('-');
        const auto first = day_of(which.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : day_of(which.substr(dash + 1));
        if (!first || !last)
            return bad;
        out.first_day_ = *first;
        out.last_day_ = *last;
        times = trim(times.substr(blank));
    }
    const auto dash = times.find('-');
    if (dash == std::string_view::npos)
        return bad;
    const auto begin = minute_of(times.substr(0, dash)), end = minute_of(times.substr(dash + 1));
    if (!begin || !end || *begin == *end)
        return bad;
    out.begin_ = *begin;
    out.end_ = *end;
    return out;
}

bool Hours::on(int weekday) const {
    return first_day_ <= last_day_ ? first_day_ <= weekday && weekday <= last_day_
                                   : first_day_ <= weekday || weekday <= last_day_;
}

bool Hours::holds(const LocalTime& when) const {
    if (begin_ < end_)
        return on(when.weekday) && begin_ <= when.minute && when.minute < end_;
    const int yesterday = (when.weekday + week - 1) % week;
    return (on(when.weekday) && begin_ <= when.minute) || (on(yesterday) && when.minute < end_);
}

} // namespace surehop
