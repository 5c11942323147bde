// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace surehop {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0)
        return Error{"odd"};
    return number / 2;
}

TEST(Result, holds_a_value_or_the_reason) {
    const auto good = half(4), bad = half(3);
    ASSERT_TRUE(good);
    EXPECT_EQ(*good, 2);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error(), "odd");
}

TEST(Result, tells_a_text_from_an_error) {
    const Result<std::string> text = std::string("odd");
    ASSERT_TRUE(text);
    EXPECT_EQ(text->size(), 3U);
}

TEST(Result, gives_its_value_away) {
    Result<std::unique_ptr<int>> held = std::make_unique<int>(7);
    const std::unique_ptr<int> taken = *std::move(held);
    EXPECT_EQ(*taken, 7);
}

TEST(Result, asking_the_wrong_half_is_a_bug_and_throws) {
    EXPECT_THROW((void)*half(3), std::bad_variant_access);
    EXPECT_THROW((void)half(4).error(), std::bad_variant_access);
}

TEST(Result, status) {
    const Status fine = Done{}, broken = Error{"disk full"};
    EXPECT_TRUE(fine);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error(), "disk full");
}

} // namespace
} // namespace surehop
