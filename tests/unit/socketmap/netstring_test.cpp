// SPDX-License-Identifier: Apache-2.0
#include "socketmap/netstring.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop {
namespace {

std::vector<std::string> read_all(NetstringReader& reader) {
    std::vector<std::string> out;
    while (auto text = reader.next())
        out.push_back(*std::move(text));
    return out;
}

const std::string ten_thousand(10'000, 'x');

TEST(Netstring, Good) {
    struct Row {
        std::string octets;
        std::vector<std::string> texts;
    };
    const Row table[] = {
        {"5:hello,", {"hello"}},
        {"0:,", {""}},
        {"1:a,2:bb,0:,", {"a", "bb", ""}},
        {"3:a,b,", {"a,b"}}, // a comma and a colon in it
        {"3:1:a,", {"1:a"}},
        {std::string("3:a\0b,", 6), {std::string("a\0b", 3)}},
        {"4:\xc3\xbc\xff\n,", {"\xc3\xbc\xff\n"}},
        {"10000:" + ten_thousand + ",", {ten_thousand}},
        // Not yet whole.
        {"", {}},
        {"5", {}},
        {"5:", {}},
        {"5:hello", {}},
        {"1:a,5:hel", {"a"}},
        {"999999999", {}},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.octets.substr(0, 40));
        NetstringReader whole(10'000), byte_by_byte(10'000);
        whole.feed(row.octets);
        EXPECT_EQ(read_all(whole), row.texts);
        EXPECT_FALSE(whole.broken());
        std::vector<std::string> texts;
        for (const char c : row.octets) {
            byte_by_byte.feed({&c, 1});
            for (std::string& text : read_all(byte_by_byte))
                texts.push_back(std::move(text));
        }
        EXPECT_EQ(texts, row.texts);
        EXPECT_FALSE(byte_by_byte.broken());
    }
}

TEST(Netstring, Bad) {
    const std::string table[] = {
        ":,",                                  // no digits
        ":",                                   //
        "x",                                   // no digit
        "5x:hello,",                           //
        "-1:a,",                               //
        "+1:a,",                               //
        " 1:a,",                               //
        "1 :a,",                               //
        "01:a,",                               // a leading zero
        "00:,",                                //
        "0x1:a,",                              //
        "1:ab,",                               // too short
        "2:a,b",                               //
        "5:hello;",                            // another end
        "5:hello\n",                           //
        "10001:" + ten_thousand + "x,",        // too long
        "9999999999",                          // too many digits
        "18446744073709551617:a,",             // more than fits
        "99999999999999999999999999999999999", //
        std::string("1\0:a,", 5),              //
        "\xd9\xa1:a,",                         // a digit, but not ours
        "GET / HTTP/1.0\r\n\r\n",              // somebody else's protocol
    };
    for (const std::string& octets : table) {
        SCOPED_TRACE(octets.substr(0, 40));
        NetstringReader reader(10'000);
        reader.feed(octets);
        EXPECT_EQ(reader.next(), std::nullopt);
        EXPECT_TRUE(reader.broken());
        reader.feed("1:a,");
        EXPECT_EQ(reader.next(), std::nullopt) << "after a fault nothing more comes";
    }
}

TEST(Netstring, WhatCameBeforeAFaultIsRead) {
    NetstringReader reader(100);
    reader.feed("1:a,1:b,oops");
    const std::vector<std::string> both = {"a", "b"};
    EXPECT_EQ(read_all(reader), both);
    EXPECT_TRUE(reader.broken());
}

TEST(Netstring, Written) {
    EXPECT_EQ(to_netstring(""), "0:,");
    EXPECT_EQ(to_netstring("OK dane-only"), "12:OK dane-only,");
    NetstringReader reader(10'000);
    reader.feed(to_netstring(ten_thousand));
    EXPECT_EQ(reader.next(), ten_thousand);
}

} // namespace
} // namespace surehop
