// SPDX-License-Identifier: Apache-2.0
#include "address/ip_range.h"

#include <gtest/gtest.h>

namespace surehop::test {
namespace {

TEST(IsLoopback, addresses_of_this_machine_as_they_are_written) {
    for (const char* text :
         {"127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"})
        EXPECT_TRUE(is_loopback(text)) << text;
    for (const char* text : {"", "128.0.0.1", "127.1", "127.0.0.1.example", "127.0.0.1:25",
                             "::", "::2", "localhost", "[::1]"})
        EXPECT_FALSE(is_loopback(text)) << text;
}

TEST(IpRange, holds_what_its_bits_say_in_both_families) {
    const auto holds = [](const char* range, const char* address) {
        return IpRange::parse(range)->holds(*parse_ip(address));
    };
    EXPECT_TRUE(holds("10.0.0.0/8", "10.255.0.1"));
    EXPECT_TRUE(holds("10.0.0.0/8", "::ffff:10.0.0.1"));
    EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
    EXPECT_TRUE(holds("192.0.2.1", "192.0.2.1"));
    EXPECT_FALSE(holds("192.0.2.1", "192.0.2.2"));
    EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
    EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
    EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.9"));
    EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
    for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/", "2001:db8::/129", "10.0.0/8", "x/8"})
        EXPECT_FALSE(IpRange::parse(text)) << text;
}

} // namespace
} // namespace surehop::test
