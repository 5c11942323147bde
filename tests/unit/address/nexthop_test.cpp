// SPDX-License-Identifier: Apache-2.0
#include "address/nexthop.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop {
namespace {

struct Good {
    std::string_view in;
    HopKind kind;
    std::string_view name;
    std::uint16_t port;
    std::string_view key;
};

const std::vector<Good> good = {
    {"example.org", HopKind::domain, "example.org", 25, "example.org"},
    {"Dest.Test", HopKind::domain, "dest.test", 25, "dest.test"}, // Postfix keeps the case
    {"dest.test.", HopKind::domain, "dest.test", 25, "dest.test"},
    {"dest.test.:2525", HopKind::domain, "dest.test", 2525, "dest.test:2525"},
    {"b\u00fccher.test", HopKind::domain, "xn--bcher-kva.test", 25, "xn--bcher-kva.test"},
    {"sts.test:2526", HopKind::domain, "sts.test", 2526, "sts.test:2526"},
    {"example.org:25", HopKind::domain, "example.org", 25, "example.org"},
    {"example.org:smtp", HopKind::domain, "example.org", 25, "example.org"},
    {"example.org:SUBMISSION", HopKind::domain, "example.org", 587, "example.org:587"},
    {"example.org:submissions", HopKind::domain, "example.org", 465, "example.org:465"},
    {"example.org:smtps", HopKind::domain, "example.org", 465, "example.org:465"},
    {"[mx1.sts.test]", HopKind::host, "mx1.sts.test", 25, "[mx1.sts.test]"},
    {"[MX1.sts.test.]:25", HopKind::host, "mx1.sts.test", 25, "[mx1.sts.test]"},
    {"[mx1.sts.test]:65535", HopKind::host, "mx1.sts.test", 65535, "[mx1.sts.test]:65535"},
    {"[127.0.7.9]", HopKind::address, "127.0.7.9", 25, "[127.0.7.9]"},
    {"[127.0.7.9]:2526", HopKind::address, "127.0.7.9", 2526, "[127.0.7.9]:2526"},
    {"[IPv6:::1]", HopKind::address, "::1", 25, "[ipv6:::1]"},
    {"[ipv6:2001:DB8:0:0::1]:25", HopKind::address, "2001:db8::1", 25, "[ipv6:2001:db8::1]"},
    {"[2001:db8::1]:587", HopKind::address, "2001:db8::1", 587, "[ipv6:2001:db8::1]:587"},
};

TEST(NextHop, what_postfix_and_sendmail_say) {
    for (const auto& [in, kind, name, port, key] : good) {
        const auto hop = NextHop::parse(in);
        ASSERT_TRUE(hop) << in << ": " << hop.error();
        EXPECT_EQ(hop->kind(), kind) << in;
        EXPECT_EQ(hop->name(), name) << in;
        EXPECT_EQ(hop->port(), port) << in;
        EXPECT_EQ(hop->key(), key) << in;
        EXPECT_EQ(hop->domain().has_value(), kind != HopKind::address) << in;
        if (hop->domain()) {
            EXPECT_EQ(hop->domain()->text(), name) << in;
        }
        const auto again = NextHop::parse(hop->key());
        ASSERT_TRUE(again) << hop->key() << ": " << again.error();
        EXPECT_EQ(*again, *hop) << in;
    }
}

TEST(NextHop, what_is_none) {
    const std::vector<std::string> bad = {
        "",                                          // nothing
        ":25",                                       // no name
        "[]",                                        // no name
        "[]:25",                                     // no name
        "a.test, b.test",                            // a list
        "a.test,b.test",                             // a list
        "a.test b.test",                             // a list
        "smart1.test:smart2.test",                   // a list as Sendmail writes it
        "5.1.1 User unknown in virtual alias table", // Postfix, for a virtual alias domain
        "5.1.1",                                     // no top-level name is a number
        "a.test\n",                                  // control character
        std::string("a.test\0", 7),                  // NUL
        "a.test:",                                   // no port
        "a.test:0",                                  // no port has this number
        "a.test:65536",                              // nor this
        "a.test:+25",                                // a sign
        "a.test:025025",                             // too many digits
        "a.test:lmtp",                               // not a service that we know
        "a.test:25:25",                              // two ports
        "[mx.test",                                  // bracket not closed
        "mx.test]",                                  // nor opened
        "[mx.test]25",                               // no colon
        "[mx.test]x",                                // something else
        "[mx.test]]:25",                             // one bracket too many
        "[[mx.test]]",                               // nested
        "192.0.2.1",                                 // an address needs brackets
        "192.0.2.1:25",                              // likewise
        "2001:db8::1",                               // likewise
        "[192.0.2.256]",                             // no address
        "[192.0.2]",                                 // no address
        "[192.0.2.01]",                              // octal, or decimal?
        "[IPv6:192.0.2.1]",                          // not IPv6
        "[IPv6:2001:db8::1::2]",                     // no address
        "[IPv6:fe80::1%eth0]",                       // a zone
        "[ipv6:]",                                   // nothing
        "unix:/run/lmtp",                            // no SMTP
        "inet:mx.test:25",                           // the transport's, not the next hop's
        "*.test",                                    // a pattern
        ".test",                                     // Postfix asks the lock for parents
        "xn--abc.test",                              // invalid IDN
    };
    for (const std::string& in : bad) {
        const auto hop = NextHop::parse(in);
        EXPECT_FALSE(hop) << in << " became " << hop->key();
        if (!hop) {
            EXPECT_FALSE(hop.error().empty());
        }
    }
}

TEST(NextHop, error_tells_a_list) {
    for (const std::string_view in : {"a.test, b.test", "a.test,b.test", "[a.test] b.test"})
        EXPECT_NE(NextHop::parse(in).error().find("a list"), std::string::npos) << in;
}

TEST(NextHop, list_is_separated_as_postfix_does) {
    using List = std::vector<std::string_view>;
    EXPECT_EQ(next_hop_list("a.test"), List{"a.test"});
    EXPECT_EQ(next_hop_list("[a.test]:25, [b.test]"), (List{"[a.test]:25", "[b.test]"}));
    EXPECT_EQ(next_hop_list(" a.test,,b.test\tc.test\r\n"), (List{"a.test", "b.test", "c.test"}));
    EXPECT_EQ(next_hop_list(""), List{});
    EXPECT_EQ(next_hop_list(" ,\t"), List{});
}

TEST(NextHop, default_port) {
    EXPECT_EQ(NextHop::parse("a.test", 2525)->key(), "a.test:2525");
    EXPECT_EQ(NextHop::parse("[a.test]", 2525)->port(), 2525);
    EXPECT_EQ(NextHop::parse("a.test:25", 2525)->key(), "a.test");
}

TEST(NextHop, made_of_what_is_known) {
    EXPECT_EQ(NextHop::of_domain(*Domain::parse("a.test")), *NextHop::parse("a.test"));
    EXPECT_EQ(NextHop::of_domain(*Domain::parse("a.test"), 26), *NextHop::parse("a.test:26"));
    EXPECT_EQ(NextHop::of_address("2001:db8::1"), *NextHop::parse("[IPv6:2001:db8::1]"));
    EXPECT_EQ(NextHop::of_address("192.0.2.1", 26), *NextHop::parse("[192.0.2.1]:26"));
    EXPECT_NE(*NextHop::parse("a.test"), *NextHop::parse("[a.test]")); // MX look-up or none
}

TEST(NextHop, internal_and_hidden_have_keys_that_nothing_else_has) {
    const auto internal = NextHop::internal("a.test"), hidden = NextHop::hidden("a.test");
    EXPECT_EQ(internal.kind(), HopKind::internal);
    EXPECT_EQ(hidden.kind(), HopKind::hidden);
    EXPECT_EQ(internal.name(), "a.test");
    EXPECT_EQ(hidden.name(), "a.test");
    EXPECT_FALSE(internal.domain());
    EXPECT_FALSE(hidden.domain());
    EXPECT_NE(internal.key(), hidden.key());
    EXPECT_FALSE(NextHop::parse(internal.key()));
    EXPECT_FALSE(NextHop::parse(hidden.key()));
}

TEST(NextHop, words_of_the_json_contract) {
    EXPECT_EQ(name_of(HopKind::domain), "domain");
    EXPECT_EQ(name_of(HopKind::host), "host");
    EXPECT_EQ(name_of(HopKind::address), "address");
    EXPECT_EQ(name_of(HopKind::internal), "internal");
    EXPECT_EQ(name_of(HopKind::hidden), "hidden");
    EXPECT_EQ(name_of(HopSource::rcpt_host), "rcpt-host");
    EXPECT_EQ(name_of(HopSource::route), "route");
    EXPECT_EQ(name_of(HopSource::recipient_domain), "recipient-domain");
}

TEST(CanonicalAddress, RFC_5952) {
    const std::vector<std::pair<std::string_view, std::string_view>> table = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8::1", "2001:db8::1"},                             // §4.3 lower case
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"}, // §4.1, §4.2.1
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},           // §4.2.2 no :: for one group
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},                    // §4.2.3 the longest run
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},              // §4.2.3 the first of two
        {"::", "::"},
        {"IPv6:::1", "::1"},
        {"ipV6:2001:db8::1", "2001:db8::1"},
        {"::FFFF:192.0.2.1", "::ffff:192.0.2.1"}, // §5
        {"::ffff:c000:201", "::ffff:192.0.2.1"},
    };
    for (const auto& [in, out] : table)
        EXPECT_EQ(canonical_address(in), std::optional<std::string>(out)) << in;
}

TEST(CanonicalAddress, what_is_none) {
    const std::vector<std::string> bad = {
        "",                              // nothing
        "IPv6:",                         // nothing
        "192.0.2",                       // too short
        "192.0.2.1.1",                   // too long
        "192.0.2.256",                   // no octet
        "192.0.02.1",                    // leading zero
        "0x7f000001",                    // inet_aton's
        "2130706433",                    // inet_aton's
        " 192.0.2.1",                    // blank
        std::string("192.0.2.1\0", 10),  // NUL
        std::string("192.0.2.1\0x", 11), // NUL
        "IPv6:192.0.2.1",                // not IPv6
        "IPv6:IPv6:::1",                 // twice
        "2001:db8::1::1",                // :: twice
        "2001:db8:1:2:3:4:5",            // too short
        "2001:db8:1:2:3:4:5:6:7",        // too long
        "12345::",                       // no group
        "fe80::1%eth0",                  // a zone
        "[::1]",                         // brackets
        "example.org",                   // a name
        "dead.beef",                     // a name that looks hexadecimal
    };
    for (const std::string& in : bad)
        EXPECT_EQ(canonical_address(in), std::nullopt) << in;
}

} // namespace
} // namespace surehop
