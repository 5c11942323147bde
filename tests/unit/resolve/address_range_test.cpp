// SPDX-License-Identifier: Apache-2.0
#include "resolve/address_range.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

TEST(AddressRange, PublicAddresses) {
    for (const char* address : {
             "1.0.0.0",          "8.8.8.8",           "9.255.255.255",   "11.0.0.0",
             "100.63.255.255",   "100.128.0.0",       "126.255.255.255", "128.0.0.0",
             "169.253.255.255",  "169.255.0.0",       "172.15.255.255",  "172.32.0.0",
             "191.255.255.255",  "192.0.1.0",         "192.0.3.0",       "192.167.255.255",
             "192.169.0.0",      "198.17.255.255",    "198.20.0.0",      "203.0.112.255",
             "223.255.255.255",  "2a00:1450:4001::1", "2001:200::1",     "2001:4860::8888",
             "2001:db7:ffff::",  "2001:db9::",        "2003::1",         "3ffd::1",
             "2620:4f:7fff::1",
             "::ffff:8.8.8.8",   // mapped
             "64:ff9b::8.8.8.8", // NAT64
             "2002:808:808::1",  // 6to4 of 8.8.8.8
         })
        EXPECT_TRUE(is_public_address(address)) << address;
}

TEST(AddressRange, AddressesThatAreNotPublic) {
    for (const char* address : {
             "0.0.0.0",
             "0.255.255.255",
             "10.0.0.0",
             "10.255.255.255",
             "100.64.0.0",
             "100.127.255.255",
             "127.0.0.1",
             "127.255.255.255",
             "169.254.0.0",
             "169.254.169.254",
             "172.16.0.0",
             "172.31.255.255",
             "192.0.0.1",
             "192.0.2.1",
             "192.88.99.1",
             "192.168.0.0",
             "192.168.255.255",
             "198.18.0.0",
             "198.19.255.255",
             "198.51.100.1",
             "203.0.113.1",
             "224.0.0.1",
             "239.255.255.255",
             "240.0.0.1",
             "255.255.255.255",
             "::",
             "::1",
             "::8.8.8.8",
             "64:ff9b:1::1",
             "100::1",
             "fc00::1",
             "fdff::1",
             "fe80::1",
             "fec0::1",
             "ff02::1",
             "2001::1",
             "2001:2::1",
             "2001:1ff::1",
             "2001:db8::1",
             "3ffe::1",
             "3fff:fff::1",
             "4000::1",
             "5f00::1",
             "::ffff:127.0.0.1",
             "::ffff:10.0.0.1",
             "::ffff:169.254.169.254", // mapped
             "64:ff9b::10.0.0.1",
             "64:ff9b::7f00:1", // NAT64
             "2002:a00:1::1",
             "2002:7f00:1::",
             "2002:c0a8:1::1", // 6to4
             // not addresses
             "",
             "localhost",
             "8.8.8",
             "8.8.8.8.8",
             "8.8.8.8 ",
             " 8.8.8.8",
             "08.8.8.8",
             "0x8.8.8.8",
             "134744072",
             "8.8.8.8/32",
             "[2a00::1]",
             "2a00::1%eth0",
             "2a00::g",
         })
        EXPECT_FALSE(is_public_address(address)) << address;
    EXPECT_FALSE(is_public_address(std::string_view("8.8.8.8\0.internal", 17)));
}

TEST(AddressRange, Within) {
    struct {
        const char* address;
        const char* range;
        bool within;
    } const table[] = {
        {"10.1.2.3", "10.0.0.0/8", true},
        {"11.1.2.3", "10.0.0.0/8", false},
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.4", "10.1.2.3", false},
        {"10.1.2.3", "10.1.2.3/32", true},
        {"10.1.2.2", "10.1.2.3/31", true}, // bits beyond the length do not count
        {"10.1.2.4", "10.1.2.3/31", false},
        {"172.31.255.255", "172.16.0.0/12", true},
        {"172.32.0.0", "172.16.0.0/12", false},
        {"8.8.8.8", "0.0.0.0/0", true},
        {"::1", "0.0.0.0/0", false},
        {"8.8.8.8", "::/0", true},
        {"2001:db8::1", "2001:db8::/32", true},
        {"2001:db9::1", "2001:db8::/32", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1", "2001:db8::/127", true},
        {"2001:db8::2", "2001:db8::/127", false},
        {"fd00::1", "fc00::/7", true},
        {"fe00::1", "fc00::/7", false},
        {"::ffff:10.1.2.3", "10.0.0.0/8", true},
        {"10.1.2.3", "::ffff:10.0.0.0/104", true},
        {"10.1.2.3", "nonsense", false},
        {"nonsense", "0.0.0.0/0", false},
        {"", "", false},
    };
    for (const auto& row : table)
        EXPECT_EQ(is_within(row.address, {row.range}), row.within)
            << row.address << " " << row.range;
    EXPECT_FALSE(is_within("10.1.2.3", {}));
    EXPECT_TRUE(is_within("10.1.2.3", {"192.168.0.0/16", "10.0.0.0/8"}));
}

TEST(AddressRange, RangesAreChecked) {
    EXPECT_TRUE(check_ranges({}));
    EXPECT_TRUE(check_ranges({"10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1", "0.0.0.0/0",
                              "::/0", "10.0.0.0/32", "::/128"}));
    for (const char* bad :
         {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0/8", "::/129",
          "::g/8", "10.0.0.0/8/8", "10.0.0.0-10.0.0.9", "localhost", "10.0.0.0/8 "}) {
        const Status status = check_ranges({"10.0.0.0/8", bad});
        ASSERT_FALSE(status) << bad;
        EXPECT_NE(status.error().find(std::string("\"") + bad + "\""), std::string::npos) << bad;
    }
}

} // namespace
} // namespace surehop
