// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace surehop {
namespace {

TEST(Bytes, hexadecimal) {
    const Bytes octets = {0x00, 0x0f, 0xa0, 0xff};
    EXPECT_EQ(to_hex(octets), "000fa0ff");
    EXPECT_EQ(from_hex("000fa0ff"), octets);
    EXPECT_EQ(from_hex("000FA0fF"), octets);
    EXPECT_EQ(to_hex({}), "");
    EXPECT_EQ(from_hex(""), Bytes{});
    for (const std::string bad : {"0", "000", "0g", "g0", " 0", "0x", "-1", "@0", "`0", "/0", ":0"})
        EXPECT_EQ(from_hex(bad), std::nullopt) << bad;
    EXPECT_EQ(from_hex(std::string_view("0000").substr(0, 3)), std::nullopt); // looks no further
}

TEST(Bytes, sha256_of_FIPS_180_examples) {
    EXPECT_EQ(to_hex(sha256("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(sha256("")),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 4231, test cases 1 and 2.
TEST(Bytes, hmac_sha256) {
    EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

} // namespace
} // namespace surehop
