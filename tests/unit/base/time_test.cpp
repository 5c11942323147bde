// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace surehop {
namespace {

using namespace std::chrono_literals;

constexpr Time at(std::int64_t seconds) { return Time{Seconds{seconds}}; }

constexpr Time now = at(1795255200); // 2026-11-21T10:00:00Z

TEST(Time, format_and_parse) {
    const std::vector<std::pair<Time, std::string_view>> table = {
        {at(0), "1970-01-01T00:00:00Z"},          {now, "2026-11-21T10:00:00Z"},
        {at(1709251199), "2024-02-29T23:59:59Z"}, // leap day
        {at(4294967296), "2106-02-07T06:28:16Z"}, // beyond 32 bits
        {at(-1), "1969-12-31T23:59:59Z"},
    };
    for (const auto& [time, text] : table) {
        EXPECT_EQ(format_time(time), text);
        const auto parsed = parse_time(text, now);
        ASSERT_TRUE(parsed) << parsed.error();
        EXPECT_EQ(*parsed, time) << text;
    }
}

TEST(Time, a_date_includes_its_day) {
    EXPECT_EQ(format_time(*parse_time("2027-03-31", now)), "2027-03-31T23:59:59Z");
    EXPECT_EQ(format_time(*parse_time("2028-02-29", now)), "2028-02-29T23:59:59Z");
}

TEST(Time, as_a_beginning_a_date_is_its_first_second) {
    const auto begin = parse_begin_time("2027-03-31", now);
    ASSERT_TRUE(begin);
    EXPECT_EQ(format_time(*begin), "2027-03-31T00:00:00Z");
    for (const char* text : {"2027-03-31T12:00:00Z", "+30d", "+100000000s"}) {
        const auto same = parse_begin_time(text, now);
        ASSERT_TRUE(same) << text;
        EXPECT_EQ(*same, *parse_time(text, now)) << text;
    }
    EXPECT_FALSE(parse_begin_time("soon", now));
}

TEST(Time, a_length_counts_from_now) {
    EXPECT_EQ(*parse_time("+30d", now), now + std::chrono::days{30});
    EXPECT_EQ(*parse_time("+0s", now), now);
    EXPECT_EQ(*parse_time("+1500ms", now), now + 1s);
}

TEST(Time, what_is_none) {
    for (const std::string bad : {
             "",                          // nothing
             "+",                         // no length
             "+30",                       // no unit
             "30d",                       // no sign
             "+-30d",                     // two signs
             "-30d",                      // the past
             "tomorrow",                  // no time
             "2027-3-31",                 // one digit
             "2027-02-29",                // no such day
             "2027-04-31",                // no such day
             "2027-13-01",                // no such month
             "2027-00-01",                // no such month
             "2027-01-00",                // no such day
             "2027/03/31",                // slashes
             "2027-03-31x",               // something after it
             "2027-03-31 12:00:00Z",      // blank
             "2027-03-31t12:00:00Z",      // lower case
             "2027-03-31T12:00:00",       // no zone
             "2027-03-31T12:00:00z",      // lower case
             "2027-03-31T12:00:00+01:00", // another zone
             "2027-03-31T12:00:00.5Z",    // fraction
             "2027-03-31T12:00Z",         // no seconds
             "2027-03-31T12:00:00Zx",     // something after it
             "2027-03-31T24:00:00Z",      // no such hour
             "2027-03-31T23:60:00Z",      // no such minute
             "2027-03-31T23:59:60Z",      // a leap second is no time of ours
             "2027-03-31T+1:00:00Z",      // sign
             "+2027-03-31",               // sign
             " 2027-03-31",               // blank
         })
        EXPECT_FALSE(parse_time(bad, now)) << bad;
}

TEST(Duration, parse_and_format) {
    const std::vector<std::pair<std::string_view, Millis>> table = {
        {"1500ms", 1500ms},
        {"30s", 30s},
        {"5m", 5min},
        {"2h", 2h},
        {"5d", 120h},
        {"4w", 672h},
        {"0s", 0ms},
        {"90m", 90min},
        {"1ms", 1ms},
        {"36h", 36h},
        {"5218w", std::chrono::weeks{5218}},
    };
    for (const auto& [text, length] : table) {
        const auto parsed = parse_duration(text);
        ASSERT_TRUE(parsed) << parsed.error();
        EXPECT_EQ(*parsed, length) << text;
        EXPECT_EQ(format_duration(length), text);
    }
    EXPECT_EQ(format_duration(60s), "1m"); // the largest unit that fits
    EXPECT_EQ(format_duration(168h), "1w");
    EXPECT_EQ(*parse_duration("0w"), 0ms);
}

TEST(Duration, what_is_none) {
    for (const std::string bad : {
             "",                       // nothing
             "5",                      // no unit
             "s",                      // no number
             "5 s",                    // blank
             " 5s",                    // blank
             "5s ",                    // blank
             "5S",                     // upper case
             "5sec",                   // no unit of ours
             "5y",                     // no unit of ours
             "1h30m",                  // two
             "1.5h",                   // fraction
             "-5s",                    // sign
             "+5s",                    // sign
             "5300w",                  // beyond a century
             "9999999999999999999s",   // overflow
             "99999999999999999999ms", // overflow
         })
        EXPECT_FALSE(parse_duration(bad)) << bad;
}

} // namespace
} // namespace surehop
