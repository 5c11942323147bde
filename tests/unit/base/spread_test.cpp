// SPDX-License-Identifier: Apache-2.0
#include "base/spread.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace surehop {
namespace {

TEST(Spread, gives_each_key_a_time_of_its_own) {
    std::set<Seconds> times;
    for (int i = 0; i < 100; ++i) {
        const std::string key = "k" + std::to_string(i);
        const Seconds time = spread(Seconds{60}, key);
        EXPECT_GE(time, Seconds{0});
        EXPECT_LT(time, Seconds{60});
        EXPECT_EQ(spread(Seconds{60}, key), time);
        times.insert(time);
    }
    EXPECT_GT(times.size(), 20U);
    EXPECT_EQ(spread(Seconds{1}, "k"), Seconds{0});
}

} // namespace
} // namespace surehop
