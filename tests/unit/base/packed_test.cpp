// SPDX-License-Identifier: Apache-2.0
#include "base/packed.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace surehop {
namespace {

using namespace std::string_view_literals;

std::string number(std::uint64_t value) {
    Packer out;
    out.number(value);
    return out.take();
}

TEST(Packed, numbers_and_their_octets) {
    struct Row {
        std::uint64_t value;
        std::string_view octets;
    };
    for (const Row& row : {
             Row{0, "\0"sv},
             Row{1, "\x01"sv},
             Row{127, "\x7f"sv},
             Row{128, "\x80\x01"sv},
             Row{300, "\xac\x02"sv},
             Row{16384, "\x80\x80\x01"sv},
             Row{std::numeric_limits<std::uint64_t>::max(),
                 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv},
         }) {
        EXPECT_EQ(number(row.value), row.octets) << row.value;
        Unpacker in(row.octets);
        EXPECT_EQ(in.number(), row.value);
        EXPECT_TRUE(in.good());
        EXPECT_EQ(in.left(), 0U);
    }
}

TEST(Packed, what_is_no_number) {
    for (const std::string_view octets : {
             ""sv,
             "\x80"sv,                                         // goes on, and does not
             "\x80\0"sv,                                       // longer than it need be
             "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv,     // 2^64 and more
             "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv, //
         }) {
        Unpacker in(octets);
        EXPECT_EQ(in.number(), 0U);
        EXPECT_FALSE(in.good());
    }
    Unpacker in("\x0b"sv);
    EXPECT_EQ(in.number(10), 0U);
    EXPECT_FALSE(in.good()) << "more than is allowed";
}

TEST(Packed, one_after_the_other) {
    Packer out;
    out.letter('p');
    out.text("");
    out.text("a text\0of any octets\xff"sv);
    out.number(7);
    const std::string octets = out.take();
    Unpacker in(octets);
    EXPECT_EQ(in.letter(), 'p');
    EXPECT_EQ(in.text(), "");
    EXPECT_EQ(in.text(), "a text\0of any octets\xff"sv);
    EXPECT_EQ(in.number(), 7U);
    EXPECT_TRUE(in.good());
    EXPECT_EQ(in.left(), 0U);
}

TEST(Packed, damaged_once_is_damaged_for_good) {
    Unpacker in("\x05shortp"sv.substr(0, 4));
    EXPECT_EQ(in.text(), "") << "the text is longer than what is there";
    EXPECT_FALSE(in.good());
    EXPECT_EQ(in.letter(), '\0');
    EXPECT_EQ(in.number(), 0U);
    EXPECT_EQ(in.text(), "");

    Unpacker other("ab"sv);
    EXPECT_FALSE(other.expect(false));
    EXPECT_TRUE(other.expect(true));
    EXPECT_FALSE(other.good());
    EXPECT_EQ(other.letter(), '\0');
}

} // namespace
} // namespace surehop
