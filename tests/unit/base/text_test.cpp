// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace surehop {
namespace {

TEST(Text, parse_number) {
    EXPECT_EQ(parse_number("0", 10), 0U);
    EXPECT_EQ(parse_number("10", 10), 10U);
    EXPECT_EQ(parse_number("0010", 10), 10U);
    EXPECT_EQ(parse_number("18446744073709551615", UINT64_MAX), UINT64_MAX);
    for (const std::string& bad : {
             std::string(""),                     // nothing
             std::string("11"),                   // too much
             std::string("18446744073709551616"), // 2^64
             std::string("99999999999999999999999999"),
             std::string("+1"),     // sign
             std::string("-1"),     // sign
             std::string("-0"),     // sign
             std::string(" 1"),     // blank
             std::string("1 "),     // blank
             std::string("1x"),     // letter
             std::string("0x1"),    // hexadecimal
             std::string("1\0", 2), // NUL
         })
        EXPECT_EQ(parse_number(bad, 10), std::nullopt) << bad;
}

TEST(Text, letters_and_digits_are_of_ascii) {
    for (int octet = 0; octet < 256; ++octet) {
        const char c = static_cast<char>(octet);
        const bool digit = std::string_view("0123456789").find(c) != std::string_view::npos;
        const bool letter =
            std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ").find(c) !=
            std::string_view::npos;
        EXPECT_EQ(is_digit(c), digit) << octet;
        EXPECT_EQ(is_letter_or_digit(c), letter || digit) << octet;
    }
}

TEST(Text, case_of_ascii_only) {
    EXPECT_EQ(lower("AbC-Z_@[`{019"), "abc-z_@[`{019");
    EXPECT_EQ(lower("\u00c4"), "\u00c4"); // Ä is not ours to change
    EXPECT_EQ(lower(""), "");
    EXPECT_TRUE(same_ignoring_case("AbC", "aBc"));
    EXPECT_TRUE(same_ignoring_case("", ""));
    EXPECT_FALSE(same_ignoring_case("abc", "abcd"));
    EXPECT_FALSE(same_ignoring_case("abcd", "abc"));
    EXPECT_FALSE(same_ignoring_case("@", "`")); // 0x40 and 0x60 are no letters
    EXPECT_FALSE(same_ignoring_case("[", "{"));
    EXPECT_FALSE(same_ignoring_case("\u00c4", "\u00e4"));
}

TEST(Text, trim) {
    EXPECT_EQ(trim(" \ta b\t "), "a b");
    EXPECT_EQ(trim("a"), "a");
    EXPECT_EQ(trim(""), "");
    EXPECT_EQ(trim(" \t "), "");
    EXPECT_EQ(trim("\na\r"), "\na\r"); // line ends are no blanks
}

TEST(Text, split_and_join) {
    using Parts = std::vector<std::string_view>;
    EXPECT_EQ(split("a,b,,c", ','), (Parts{"a", "b", "", "c"}));
    EXPECT_EQ(split("", ','), (Parts{""}));
    EXPECT_EQ(split(",", ','), (Parts{"", ""}));
    EXPECT_EQ(split("a", ','), (Parts{"a"}));
    const std::vector<std::string> parts = {"a", "", "b"};
    EXPECT_EQ(join(parts, ", "), "a, , b");
    EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, is_ascii) {
    EXPECT_TRUE(is_ascii(""));
    EXPECT_TRUE(is_ascii(std::string("\0\x7f", 2)));
    EXPECT_FALSE(is_ascii("\x80"));
    EXPECT_FALSE(is_ascii("a\u00fc"));
}

TEST(Text, is_utf8_as_RFC_3629_has_it) {
    for (const std::string good : {
             "",
             "abc",
             "\x7f",
             "\xc2\x80",         // first of two octets
             "\xdf\xbf",         // last of two
             "\xe0\xa0\x80",     // first of three
             "\xed\x9f\xbf",     // before the surrogates
             "\xee\x80\x80",     // after them
             "\xef\xbf\xbf",     // last of three
             "\xf0\x90\x80\x80", // first of four
             "\xf4\x8f\xbf\xbf", // U+10FFFF
             "a\u00fc\u20ac\U0001F4E7z",
         })
        EXPECT_TRUE(is_utf8(good)) << good;
    EXPECT_TRUE(is_utf8(std::string(1, '\0')));
    for (const std::string bad : {
             "\x80",             // a tail alone
             "\xbf",             // a tail alone
             "\xc0\x80",         // overlong
             "\xc1\xbf",         // overlong
             "\xe0\x9f\xbf",     // overlong
             "\xf0\x8f\xbf\xbf", // overlong
             "\xed\xa0\x80",     // surrogate
             "\xed\xbf\xbf",     // surrogate
             "\xf4\x90\x80\x80", // beyond U+10FFFF
             "\xf5\x80\x80\x80", // likewise
             "\xff",             // no first octet
             "\xc3",             // cut
             "\xe2\x82",         // cut
             "\xf0\x9f\x93",     // cut
             "\xc3(",            // no tail
             "\xe2\x82(",        // no tail
             "\xf0\x9f\x93(",    // no tail
             "ok\xff",           // further on
         })
        EXPECT_FALSE(is_utf8(bad)) << bad;
}

TEST(Text, printable) {
    EXPECT_EQ(printable("plain ~text~"), "plain ~text~");
    EXPECT_EQ(printable("a\r\nb\x1b[0m\x7f\u00fc"), "a??b?[0m???");
    EXPECT_EQ(printable(std::string("a\0b", 3)), "a?b");
    EXPECT_EQ(printable("abcdef", 6), "abcdef");
    EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
    EXPECT_EQ(printable(std::string(500, 'x')).size(), 123U);
    EXPECT_EQ(printable(""), "");
}

TEST(Text, nearest) {
    constexpr std::array<std::string_view, 4> known = {"minimum", "unknown", "mode", "falls_short"};
    EXPECT_EQ(nearest("minimun", known), "minimum");
    EXPECT_EQ(nearest("fals_short", known), "falls_short");
    EXPECT_EQ(nearest("mod", known), "mode");
    EXPECT_EQ(nearest("mode", known), "mode");
    EXPECT_EQ(nearest("something_else", known), std::nullopt);
    EXPECT_EQ(nearest("xyz", known), std::nullopt);
    EXPECT_EQ(nearest("fal", known), "falls_short"); // cut short
    EXPECT_EQ(nearest("made", known), "mode");
    EXPECT_EQ(nearest("moad", known), std::nullopt); // two of four letters
    EXPECT_EQ(nearest("mode", {}), std::nullopt);
}

} // namespace
} // namespace surehop
