// SPDX-License-Identifier: Apache-2.0
#include "rules/hours.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

LocalTime at(int weekday, int hour, int minute = 0) { return {weekday, hour * 60 + minute}; }

TEST(Hours, holds_from_the_first_minute_to_before_the_last) {
    constexpr int mon = 0, tue = 1, fri = 4, sat = 5, sun = 6;
    struct Row {
        const char* window;
        LocalTime when;
        bool holds;
    };
    const Row table[] = {
        {"Mon-Fri 08:00-18:00", at(mon, 8), true},
        {"Mon-Fri 08:00-18:00", at(mon, 7, 59), false},
        {"Mon-Fri 08:00-18:00", at(fri, 17, 59), true},
        {"Mon-Fri 08:00-18:00", at(fri, 18), false},
        {"Mon-Fri 08:00-18:00", at(sat, 12), false},
        {"sat 00:00-24:00", at(sat, 23, 59), true},
        {"Sat 00:00-24:00", at(sun, 0), false},
        {"Fri-Mon 00:00-24:00", at(sun, 12), true}, // over the weekend
        {"Fri-Mon 00:00-24:00", at(tue, 12), false},
        {"22:00-06:00", at(tue, 23), true},
        {"22:00-06:00", at(tue, 5, 59), true},
        {"22:00-06:00", at(tue, 6), false},
        // The part after midnight belongs to the day on which it began.
        {"Fri 22:00-06:00", at(sat, 3), true},
        {"Fri 22:00-06:00", at(fri, 3), false},
        {"Sun 22:00-06:00", at(mon, 3), true},
    };
    for (const Row& row : table)
        EXPECT_EQ(Hours::parse(row.window)->holds(row.when), row.holds)
            << row.window << " " << row.when.weekday << " " << row.when.minute;
}

TEST(Hours, what_is_no_window) {
    for (const char* text :
         {"", "08:00", "08:00-08:00", "8:00-18:00", "08:00-18:60", "08:00-25:00", "24:01-24:30",
          "Mo 08:00-18:00", "Mon- 08:00-18:00", "Mon-Fri", "Mon 08.00-18.00", "-", "Mon -"})
        EXPECT_FALSE(Hours::parse(text)) << text;
}

} // namespace
} // namespace surehop
