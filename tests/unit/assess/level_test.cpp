// SPDX-License-Identifier: Apache-2.0
#include "assess/level.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

TEST(Level, IsOrderedAndNamed) {
    constexpr Level ordered[] = {Level::none, Level::encrypted, Level::verified,
                                 Level::authenticated, Level::dane};
    for (std::size_t i = 0; i < std::size(ordered); ++i) {
        EXPECT_EQ(level_of(name_of(ordered[i])), ordered[i]);
        EXPECT_TRUE(i == 0 || ordered[i - 1] < ordered[i]);
    }
    EXPECT_EQ(name_of(Level::authenticated), "authenticated");
    for (const char* bad : {"", "DANE", "dane ", "may", "strongest"})
        EXPECT_EQ(level_of(bad), std::nullopt) << bad;
}

} // namespace
} // namespace surehop
