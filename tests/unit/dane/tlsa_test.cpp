// SPDX-License-Identifier: Apache-2.0
#include "dane/tlsa.h"

#include "support/certificate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

// Names such as DANE_28 are the lines of the conformance list that the test proves.

namespace surehop::dane {
namespace {

const std::string digest256(64, 'a'); // 32 octets
const std::string digest512(128, 'b');
const std::string certificate(test::certificate);
const std::string public_key(test::public_key);

Tlsa record(const std::string& text) {
    const auto parsed = parse_text(text);
    if (!parsed) {
        ADD_FAILURE() << parsed.error();
        return {};
    }
    return *parsed;
}

std::vector<Tlsa> records(const std::vector<std::string>& texts) {
    std::vector<Tlsa> out;
    for (const std::string& text : texts)
        out.push_back(record(text));
    return out;
}

void expect_usable(const std::vector<std::string>& published,
                   const std::vector<std::string>& left) {
    EXPECT_EQ(usable(records(published)), records(left)) << testing::PrintToString(published);
}

void expect_unusable(const std::string& text, std::string_view why) {
    const auto reason = unusable_because(record(text));
    ASSERT_TRUE(reason) << text;
    EXPECT_NE(reason->find(why), std::string_view::npos) << text << ": " << *reason;
    EXPECT_TRUE(usable(records({text})).empty()) << text;
}

TEST(Tlsa, rdata) {
    const Bytes octets = {3, 1, 1, 0xd4, 0x0a};
    const auto parsed = parse_rdata(octets);
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(*parsed, (Tlsa{3, 1, 1, {0xd4, 0x0a}}));
    EXPECT_EQ(parse_rdata(Bytes{255, 254, 253, 0})->usage, 255); // any octet may stand there
    for (const Bytes& bad : {Bytes{}, Bytes{3}, Bytes{3, 1}, Bytes{3, 1, 1}})
        EXPECT_FALSE(parse_rdata(bad)) << bad.size();
}

TEST(Tlsa, text) {
    EXPECT_EQ(print(Tlsa{3, 1, 1, {0xd4, 0x0a}}), "3 1 1 d40a");
    EXPECT_EQ(print(Tlsa{255, 0, 9, {0}}), "255 0 9 00");
    for (const std::string good : {
             "3 1 1 d40a",
             "3 1 1 D40A",
             "3 1 1 d4 0a", // RFC 6698 §2.2: blanks within the data
             "3\t1  1\td\n40a ",
             "003 1 1 d40a",
         }) {
        EXPECT_EQ(record(good), (Tlsa{3, 1, 1, {0xd4, 0x0a}})) << good;
        EXPECT_EQ(record(print(record(good))), record(good)) << good;
    }
    for (const std::string bad : {
             "",             // nothing
             "3",            // too short
             "3 1 1",        // no data
             "3 1 1 ",       // no data
             "3 1 1 d",      // half an octet
             "3 1 1 d40",    // half an octet
             "3 1 1 xy",     // not hexadecimal
             "3 1 1 0xd40a", // not hexadecimal
             "256 1 1 d40a", // no octet
             "3 256 1 d40a", // no octet
             "3 1 256 d40a", // no octet
             "-3 1 1 d40a",  // sign
             "3 1 d40a",     // a field is missing
             " 3 1 1 d40a",  // a blank before it
             "311 d40a",     // no blanks
         })
        EXPECT_FALSE(parse_text(bad)) << bad;
}

TEST(Tlsa, usable_records) {
    for (const std::string& text : {
             "3 1 1 " + digest256,
             "3 1 2 " + digest512,
             "3 0 1 " + digest256,
             "3 0 2 " + digest512,
             "2 0 1 " + digest256,
             "2 1 1 " + digest256,
             "2 1 2 " + digest512,
             "2 0 0 " + certificate,
             "3 0 0 " + certificate,
             "2 1 0 " + public_key,
             "3 1 0 " + public_key,
         }) {
        EXPECT_FALSE(unusable_because(record(text))) << text;
        expect_usable({text}, {text});
    }
    expect_usable({}, {});
}

TEST(Tlsa, DANE_18_records_of_the_future_are_unusable) {
    expect_unusable("9 1 1 " + digest256, "usage");
    expect_unusable("255 1 1 " + digest256, "usage"); // PrivCert
    expect_unusable("3 2 1 " + digest256, "selector");
    expect_unusable("3 255 1 " + digest256, "selector");
    expect_unusable("3 1 3 " + digest256, "matching");
    expect_unusable("3 1 9 " + digest256, "matching");
    expect_unusable("9 9 9 " + digest256, "usage");
}

TEST(Tlsa, DANE_21_PKIX_usages_are_unusable) {
    expect_unusable("0 0 1 " + digest256, "PKIX");
    expect_unusable("0 1 1 " + digest256, "PKIX");
    expect_unusable("1 1 1 " + digest256, "PKIX");
    expect_unusable("1 0 0 " + certificate, "PKIX");
    expect_usable({"1 1 1 " + digest256, "3 1 1 " + digest256}, {"3 1 1 " + digest256});
}

TEST(Tlsa, DANE_28_digest_agility) {
    const std::string e1 = "3 1 1 " + digest256, e2 = "3 1 2 " + digest512;
    expect_usable({e1, e2}, {e2}); // only the strongest digest
    expect_usable({e2, e1}, {e2});
    expect_usable({e1, "3 1 1 " + std::string(64, 'c')}, {e1, "3 1 1 " + std::string(64, 'c')});
    // within each usage and selector
    const std::string c1 = "3 0 1 " + digest256, t1 = "2 1 1 " + digest256;
    const std::string t2 = "2 1 2 " + digest512;
    expect_usable({e2, c1}, {e2, c1});
    expect_usable({e1, t2}, {e1, t2});
    expect_usable({e1, t1, e2, t2, c1}, {e2, t2, c1});
    // and Full(0) beside it
    const std::string full = "3 1 0 " + public_key;
    expect_usable({full, e1}, {full, e1});
    expect_usable({full, e1, e2}, {full, e2});
    // The malformed and the unsupported go first: they displace nothing.
    expect_usable({e1, "3 1 2 " + digest256}, {e1});
    expect_usable({e1, "3 1 3 " + digest512}, {e1});
    expect_usable({t1, "0 1 2 " + digest512}, {t1});
}

TEST(Tlsa, DANE_29_digest_length_must_fit) {
    const auto octets = [](std::size_t count) { return std::string(2 * count, 'a'); };
    for (const std::size_t count : {1U, 31U, 33U, 64U})
        expect_unusable("3 1 1 " + octets(count), "SHA2-256");
    for (const std::size_t count : {1U, 32U, 63U, 65U})
        expect_unusable("3 1 2 " + octets(count), "SHA2-512");
    EXPECT_EQ(unusable_because(Tlsa{3, 1, 1, {}}).value_or(""),
              "the data is not as long as a SHA2-256 digest");
}

TEST(Tlsa, full_data_must_be_what_the_selector_says) {
    expect_unusable("3 0 0 " + public_key, "certificate");
    expect_unusable("3 1 0 " + certificate, "public key");
    expect_unusable("3 0 0 " + digest256, "certificate");
    expect_unusable("2 1 0 " + digest256, "public key");
    expect_unusable("2 0 0 " + certificate + "00", "certificate"); // an octet left over
    expect_unusable("3 1 0 " + public_key + "00", "public key");
    expect_unusable("2 0 0 " + certificate.substr(0, 200), "certificate"); // cut
    EXPECT_TRUE(unusable_because(Tlsa{3, 0, 0, {}}));
    EXPECT_TRUE(unusable_because(Tlsa{3, 1, 0, {}}));
}

TEST(Tlsa, a_large_set_of_records) {
    std::vector<Tlsa> many;
    for (std::uint8_t i = 0; i < 200; ++i)
        many.push_back(Tlsa{3, 1, 1, Bytes(32, i)});
    EXPECT_EQ(usable(many), many);
    many.push_back(Tlsa{3, 1, 2, Bytes(64, 1)});
    EXPECT_EQ(usable(many), std::vector<Tlsa>{many.back()});
}

} // namespace
} // namespace surehop::dane
