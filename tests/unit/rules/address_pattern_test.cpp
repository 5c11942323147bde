// SPDX-License-Identifier: Apache-2.0
#include "rules/address_pattern.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

using Kind = AddressPattern::Kind;

Path path(std::string_view text) {
    auto parsed = Path::parse(text);
    EXPECT_TRUE(parsed) << text;
    return *std::move(parsed);
}

TEST(AddressPattern, good_and_its_normal_form) {
    struct Row {
        std::string_view text;
        Kind kind;
        std::string_view normal;
    };
    for (const Row& row : {
             Row{"*", Kind::any, "*"},
             Row{"<>", Kind::null_sender, "<>"},
             Row{"user@example.org", Kind::address, "user@example.org"},
             Row{"User@EXAMPLE.org.", Kind::address, "user@example.org"},
             Row{"<user@example.org>", Kind::address, "user@example.org"},
             Row{"\"a b\"@example.org", Kind::address, "\"a b\"@example.org"},
             Row{"\"bob\"@example.org", Kind::address, "bob@example.org"}, // quotes not needed
             Row{"\"a@b\"@example.org", Kind::address, "\"a@b\"@example.org"},
             Row{"bob@[192.0.2.1]", Kind::address, "bob@[192.0.2.1]"},
             Row{"@example.org", Kind::domain, "@example.org"},
             Row{"Example.ORG", Kind::domain, "@example.org"},
             Row{"b\xc3\xbc"
                 "cher.example",
                 Kind::domain, "@xn--bcher-kva.example"},
             Row{"[192.0.2.1]", Kind::domain, "@[192.0.2.1]"},
             Row{"@[IPv6:2001:DB8::1]", Kind::domain, "@[ipv6:2001:db8::1]"},
             Row{"*.example.org", Kind::suffix, "*.example.org"},
             Row{".Example.org", Kind::suffix, "*.example.org"},
             Row{"*.org", Kind::suffix, "*.org"},
         }) {
        const auto pattern = AddressPattern::parse(row.text);
        ASSERT_TRUE(pattern) << row.text << ": " << pattern.error();
        EXPECT_EQ(pattern->kind(), row.kind) << row.text;
        EXPECT_EQ(pattern->text(), row.normal);
        const auto again = AddressPattern::parse(pattern->text());
        ASSERT_TRUE(again) << row.normal;
        EXPECT_EQ(*again, *pattern) << row.text;
    }
}

TEST(AddressPattern, bad_says_what_to_write) {
    for (const std::string_view text : {
             "",                   // nothing
             "@",                  // no domain
             "user@",              // no domain
             "@@example.org",      // two
             "*@example.org",      // not a wildcard that exists
             "\"*\"@example.org",  // nor in quotes
             "bob*@example.org",   // half a wildcard
             "@*.example.org",     // one form only: *.example.org
             "user@*.example.org", // no wildcard there
             "example.*",          // no wildcard there
             "*example.org",       // the star stands for whole labels
             "*.",                 // below nothing
             ".",                  // below nothing
             "..example.org",      // empty label
             "user@exa mple.org",  // blank
             "exa\tmple.org",      // control character
             "192.0.2.1",          // an address is not a name
             "[192.0.2.256]",      // not an address
             "[192.0.2.1",         // not closed
             "@[]",                // empty literal
             "a@b@example.org",    // unquoted @
         }) {
        const auto pattern = AddressPattern::parse(text);
        ASSERT_FALSE(pattern) << text << " became " << pattern->text();
        EXPECT_NE(pattern.error().find("write user@example.org"), std::string::npos) << text;
    }
}

TEST(AddressPattern, matches_paths) {
    struct Row {
        std::string_view pattern, path;
        bool matches;
    };
    for (const Row& row : {
             Row{"*", "bob@example.org", true},
             Row{"*", "<>", true}, // a rule for everybody must hold for bounces too
             Row{"*", "<postmaster>", true},
             Row{"<>", "<>", true},
             Row{"<>", "bob@example.org", false},
             Row{"<>", "<postmaster>", false},
             Row{"bob@example.org", "bob@EXAMPLE.org", true},
             Row{"bob@example.org", "\"bob\"@example.org", true},
             Row{"bob@example.org", "Bob@example.org", true}, // a case is no way around a rule
             Row{"Bob.Smith@example.org", "bob.smith@example.org", true}, // as Postfix folds it
             Row{"\"A b\"@example.org", "\"a B\"@example.org", true},
             Row{"j\xc3\xbcrgen@example.org", "J\xc3\xbcrgen@example.org", true},
             Row{"j\xc3\xbcrgen@example.org", "j\xc3\x9crgen@example.org", false}, // ASCII only
             Row{"bob@example.org", "bob@www.example.org", false},
             Row{"bob@example.org", "<>", false},
             Row{"postmaster@example.org", "PostMaster@example.org", true}, // RFC 5321 §4.5.1
             Row{"postmaster@example.org", "<postmaster>", false},          // another domain: ours
             Row{"bob@[192.0.2.1]", "bob@[192.0.2.1]", true},
             Row{"bob@[192.0.2.1]", "bob@[192.0.2.2]", false},
             Row{"@example.org", "bob@example.org", true},
             Row{"@example.org", "bob@www.example.org", false},
             Row{"@example.org", "<>", false},
             Row{"@example.org", "<postmaster>", false},
             Row{"@example.org", "bob@[192.0.2.1]", false},
             Row{"[192.0.2.1]", "bob@[192.0.2.1]", true},
             Row{"[192.0.2.1]", "bob@example.org", false},
             Row{"[192.0.2.1]", "<>", false},
             Row{"[ipv6:2001:db8::1]", "bob@[IPv6:2001:DB8:0::1]", true},
             Row{"*.example.org", "bob@www.example.org", true},
             Row{"*.example.org", "bob@a.b.example.org", true},
             Row{"*.example.org", "bob@example.org", false}, // below it, not it
             Row{"*.example.org", "bob@badexample.org", false},
             Row{"*.example.org", "<>", false},
         }) {
        const auto pattern = AddressPattern::parse(row.pattern);
        ASSERT_TRUE(pattern) << row.pattern;
        EXPECT_EQ(pattern->matches(path(row.path)), row.matches) << row.pattern << " " << row.path;
    }
}

TEST(AddressPattern, matches_a_domain_alone) {
    const auto domain = *Domain::parse("www.example.org");
    struct Row {
        std::string_view pattern;
        bool alone, matches;
    };
    for (const Row& row : {
             Row{"*", true, true},
             Row{"www.example.org", true, true},
             Row{"example.org", true, false},
             Row{"*.example.org", true, true},
             Row{"*.www.example.org", true, false},
             Row{"[192.0.2.1]", true, false},
             Row{"bob@www.example.org", false, false}, // who is behind a domain cannot be seen
             Row{"<>", false, false},
         }) {
        const auto pattern = AddressPattern::parse(row.pattern);
        ASSERT_TRUE(pattern) << row.pattern;
        EXPECT_EQ(pattern->on_domain_alone(), row.alone) << row.pattern;
        EXPECT_EQ(pattern->matches_domain(domain), row.matches) << row.pattern;
    }
}

TEST(AddressPattern, is_any_until_told_otherwise) {
    EXPECT_EQ(AddressPattern(), *AddressPattern::parse("*"));
    EXPECT_EQ(AddressPattern().text(), "*");
    EXPECT_FALSE(AddressPattern().domain());
}

} // namespace
} // namespace surehop
