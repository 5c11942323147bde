// SPDX-License-Identifier: Apache-2.0
#include "allow/selection.h"

#include "base/text.h"

#include <algorithm>
#include <tuple>

namespace surehop {

namespace {

constexpr Seconds worth_telling{std::chrono::days{7}}; // after an end

Time end_of(const Exception& exception) { return exception.removed.value_or(exception.until); }

bool fits(const Exception& e, const Selection& s, Time now) {
    if (s.ending && (e.over(now) || e.until - now > *s.ending))
        return false;
    if (lower(e.owner).find(lower(s.owner)) == std::string::npos)
        return false;
    if (!s.ticket.empty() && !same_ignoring_case(e.ticket, s.ticket))
        return false;
    if (s.recipient && !e.recipient.matches(*s.recipient))
        return false;
    return !s.domain || e.opens(*s.domain);
}

bool is_shown(const Exception& e, Shown shown, Time now) {
    switch (shown) {
    case Shown::current:
        return !e.over(now);
    case Shown::live:
        return e.live(now);
    case Shown::ended:
        return e.over(now);
    case Shown::all:
        return true;
    }
    return true;
}

} // namespace

bool ends_soon(const Exception& exception, Time now) {
    return !exception.over(now) && exception.until - now <= soon_over;
}

bool ending_is_news(const Exception& exception, Time now) {
    return ends_soon(exception, now) && exception.until - exception.from > soon_over;
}

bool end_is_news(const Exception& exception, Time now) {
    return !exception.removed && exception.until <= now && now - exception.until < worth_telling;
}

std::string_view state_of(const Exception& exception, Time now) {
    return exception.over(now) ? "ended" : exception.live(now) ? "live" : "to-come";
}

ExceptionCounts count(std::span<const Exception> exceptions, Time now) {
    ExceptionCounts counts;
    for (const Exception& exception : exceptions) {
        counts.live += exception.live(now) ? 1U : 0U;
        counts.to_come += !exception.over(now) && !exception.live(now) ? 1U : 0U;
        counts.ending += ends_soon(exception, now) ? 1U : 0U;
    }
    return counts;
}

std::optional<Shown> shown_of(std::string_view name) {
    return name == "current" ? std::optional(Shown::current)
           : name == "live"  ? std::optional(Shown::live)
           : name == "ended" ? std::optional(Shown::ended)
           : name == "all"   ? std::optional(Shown::all)
                             : std::nullopt;
}

Selected select(std::span<const Exception> exceptions, const Selection& selection, Time now) {
    Selected out;
    for (const Exception& exception : exceptions) {
        if (!fits(exception, selection, now))
            continue;
        if (is_shown(exception, selection.shown, now))
            out.exceptions.push_back(exception);
        else if (exception.over(now))
            ++out.ended_left_out;
    }
    const auto rank = [&](const Exception& e) {
        return std::tuple(e.over(now) ? 2 : e.live(now) ? 0 : 1, end_of(e), e.id);
    };
    std::sort(out.exceptions.begin(), out.exceptions.end(),
              [&](const Exception& a, const Exception& b) { return rank(a) < rank(b); });
    return out;
}

} // namespace surehop
