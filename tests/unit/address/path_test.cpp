// SPDX-License-Identifier: Apache-2.0
#include "address/path.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop {
namespace {

const std::string label60(60, 'd');
// 3 * 61 + 7 = 190 octets
const std::string domain190 = label60 + "." + label60 + "." + label60 + ".example";

struct Good {
    std::string in;
    std::string local;
    std::string where; // domain, or literal in brackets
    std::string out;
};

void expect_good(const std::vector<Good>& table) {
    for (const auto& [in, local, where, out] : table) {
        for (const std::string& form : {in, "<" + in + ">"}) {
            const auto path = Path::parse(form);
            ASSERT_TRUE(path) << form << ": " << path.error();
            EXPECT_EQ(path->local(), local) << form;
            EXPECT_EQ(path->text(), out) << form;
            EXPECT_EQ(path->domain()    ? path->domain()->text()
                      : path->literal() ? "[" + *path->literal() + "]"
                                        : "",
                      where)
                << form;
            EXPECT_FALSE(path->is_null()) << form;
            const auto again = Path::parse(path->text());
            ASSERT_TRUE(again) << path->text() << ": " << again.error();
            EXPECT_EQ(*again, *path) << form;
        }
    }
}

void expect_bad(const std::vector<std::string>& table, Path::Fault fault = Path::Fault::syntax) {
    for (const std::string& in : table) {
        Path::Failure failure{};
        const auto path = Path::parse(in, &failure);
        ASSERT_FALSE(path) << in << " became " << path->text();
        EXPECT_EQ(failure.fault, fault) << in;
        EXPECT_EQ(failure.text, path.error()) << in;
        EXPECT_FALSE(failure.text.empty()) << in;
        EXPECT_FALSE(Path::parse(in)) << in; // without the second argument too
    }
}

TEST(Path, dot_strings) {
    expect_good({
        {"bob@example.org", "bob", "example.org", "bob@example.org"},
        {"a@b", "a", "b", "a@b"},
        {"first.last+tag@example.org", "first.last+tag", "example.org",
         "first.last+tag@example.org"},
        {"a%b.test@dest.test", "a%b.test", "dest.test", "a%b.test@dest.test"},
        {"host!user@dest.test", "host!user", "dest.test", "host!user@dest.test"},
        {"!#$%&'*+-/=?^_`{|}~@x.test", "!#$%&'*+-/=?^_`{|}~", "x.test",
         "!#$%&'*+-/=?^_`{|}~@x.test"},
    });
    expect_bad({
        "a b@x.test",                   // blank
        " a@x.test",                    // blank
        "a@x.test ",                    // blank
        "a@b@x.test",                   // an @ that must stand in quotes
        "a\\@b@x.test",                 // a backslash outside quotes
        "a(comment)@x.test",            // comment
        "a,b@x.test",                   // list
        "a:b@x.test",                   // group
        "a;b@x.test",                   // group
        "a[b@x.test",                   // bracket
        "Bob <bob@x.test>",             // a name before the path
        "<a>b@x.test",                  // bracket
        "a<b@x.test",                   // bracket
        "@x.test",                      // nothing before the @
        "<@x.test>",                    // nothing before the @
        "a@",                           // nothing after it
        "<u@>",                         // nothing after it
        "<u@.>",                        // nothing after it
        "@",                            // nothing at all
        "<a@x.test",                    // bracket not closed
        "<",                            // bracket not closed
        "<<a@x.test>>",                 // two brackets
        "a@x.test>",                    // bracket not opened
        "a@x..test",                    // empty label
        "a@-x.test",                    // no sub-domain (§4.1.2)
        "a@192.0.2.1",                  // an address without brackets
        "a\x01@x.test",                 // control character
        "a@x.test\r\n",                 // control character
        std::string("a\0b@x.test", 10), // NUL
        "a\x7f@x.test",                 // DEL
    });
}

TEST(Path, stray_dots_are_read_and_print_quoted) {
    // Not RFC 5321, but handed out by providers and accepted by Postfix.
    expect_good({
        {"a..b@x.test", "a..b", "x.test", "\"a..b\"@x.test"},
        {".a@x.test", ".a", "x.test", "\".a\"@x.test"},
        {"a.@x.test", "a.", "x.test", "\"a.\"@x.test"},
        {"\"a..b\"@x.test", "a..b", "x.test", "\"a..b\"@x.test"},
    });
}

TEST(Path, ADR_01_source_route_is_read_and_ignored) {
    expect_good({
        {"@a.test:u@c.test", "u", "c.test", "u@c.test"},
        {"@a.test,@b.test:u@c.test", "u", "c.test", "u@c.test"},
        {"@a.test:\"a:b\"@c.test", "a:b", "c.test", "\"a:b\"@c.test"},
        {"@relay.test:u@[192.0.2.1]", "u", "[192.0.2.1]", "u@[192.0.2.1]"},
    });
    expect_bad({
        "<@a.test>",                   // no mailbox
        "<@a.test:>",                  // no mailbox
        "<@a.test:u>",                 // the mailbox has no domain
        "<@a.test:postmaster>",        // likewise: only <postmaster> may stand alone
        "<@a.test:@c.test>",           // no local part
        "<@a.test,b.test:u@c.test>",   // no @
        "<@a.test,@:u@c.test>",        // no domain
        "<@:u@c.test>",                // no domain
        "<@a.test, @b.test:u@c.test>", // blank
        "<@a..test:u@c.test>",         // empty label
        "<@a.test:@b.test:u@c.test>",  // two routes
        "<@[192.0.2.1]:u@c.test>",     // At-domain is a domain
    });
}

TEST(Path, ADR_02_quoted_strings) {
    expect_good({
        {R"("a@b"@c.test)", "a@b", "c.test", R"("a@b"@c.test)"},
        {R"("\""@c.test)", "\"", "c.test", R"("\""@c.test)"},
        {R"("a\@b"@c.test)", "a@b", "c.test", R"("a@b"@c.test)"},
        {R"("a@b@d"@c.test)", "a@b@d", "c.test", R"("a@b@d"@c.test)"},
        {R"("bob"@c.test)", "bob", "c.test", "bob@c.test"}, // quotes that it does not need
        {R"("b\ob"@c.test)", "bob", "c.test", "bob@c.test"},
        {R"("q uoted"@c.test)", "q uoted", "c.test", R"("q uoted"@c.test)"},
        {R"(" "@c.test)", " ", "c.test", R"(" "@c.test)"},
        {R"("\ "@c.test)", " ", "c.test", R"(" "@c.test)"},
        {R"("a>b"@c.test)", "a>b", "c.test", R"("a>b"@c.test)"},
        {R"("a\\"@c.test)", "a\\", "c.test", R"("a\\"@c.test)"},
        {R"("@a.test:u"@c.test)", "@a.test:u", "c.test", R"("@a.test:u"@c.test)"},
        {R"(""@c.test)", "", "c.test", R"(""@c.test)"},
        {R"("a b")", "a b", "", R"("a b")"},
    });
    expect_bad({
        R"("a@c.test)",        // not closed
        R"("a\"@c.test)",      // the closing quote is quoted
        R"("a\)",              // ends in a backslash
        R"(")",                // not closed
        R"(<">)",              // not closed
        R"("")",               // nothing, and no domain
        R"("a"b@c.test)",      // something after the quote
        R"(a"b"@c.test)",      // something before it
        R"("a"."b"@c.test)",   // obsolete syntax of RFC 5322, not of RFC 5321
        R"("a""b"@c.test)",    // two
        "\"a\tb\"@c.test",     // HTAB is no qtextSMTP
        "\"a\\\tb\"@c.test",   // nor quoted-pairSMTP
        "\"a\nb\"@c.test",     // control character
        "\"a\x7f\"@c.test",    // DEL
        "\"\\\u00fc\"@c.test", // quoted-pairSMTP is ASCII
    });
}

TEST(Path, ADR_03_case_of_the_local_part_counts) {
    EXPECT_EQ(Path::parse("Bob@EXAMPLE.org")->text(), "Bob@example.org");
    EXPECT_NE(*Path::parse("Bob@example.org"), *Path::parse("bob@example.org"));
    EXPECT_EQ(*Path::parse("bob@EXAMPLE.ORG"), *Path::parse("<\"bob\"@example.org.>"));
}

TEST(Path, ADR_04_address_literals) {
    expect_good({
        {"u@[192.0.2.1]", "u", "[192.0.2.1]", "u@[192.0.2.1]"},
        {"u@[127.0.7.9]", "u", "[127.0.7.9]", "u@[127.0.7.9]"},
        {"u@[IPv6:::1]", "u", "[ipv6:::1]", "u@[ipv6:::1]"},
        {"u@[ipv6:2001:DB8:0::1]", "u", "[ipv6:2001:db8::1]", "u@[ipv6:2001:db8::1]"},
        {"u@[IPv6:::ffff:192.0.2.1]", "u", "[ipv6:::ffff:192.0.2.1]", "u@[ipv6:::ffff:192.0.2.1]"},
        {"u@[X-400:C=de;A=Q@r]", "u", "[x-400:c=de;a=q@r]", "u@[x-400:c=de;a=q@r]"},
        {R"("a@b"@[192.0.2.1])", "a@b", "[192.0.2.1]", R"("a@b"@[192.0.2.1])"},
    });
    expect_bad({
        "u@[]",                    // nothing
        "u@[",                     // not closed
        "u@[192.0.2.1",            // not closed
        "u@[192.0.2.1]x",          // something after it
        "u@[192.0.2.1].x.test",    // something after it
        "u@x.test[192.0.2.1]",     // something before it
        "u@[192.0.2.256]",         // no address
        "u@[192.0.2]",             // no address
        "u@[ 192.0.2.1]",          // blank
        "u@[IPv6:192.0.2.1]",      // not IPv6
        "u@[IPv6:2001:db8::1::2]", // no address
        "u@[IPv6:fe80::1%25eth0]", // a zone
        "u@[2001:db8::1]",         // IPv6 without its tag
        "u@[mx.example.org]",      // a host
        "u@[tag:]",                // no content
        "u@[:content]",            // no tag
        "u@[tag-:content]",        // Ldh-str ends in a letter or digit
        "u@[t_g:content]",         // no Ldh-str
        "u@[tag:a[b]",             // dcontent without brackets
        "u@[tag:a\\b]",            // dcontent without backslash
        "u@[tag:a b]",             // dcontent without blank
        "u@[tag:\u00fc]",          // dcontent is ASCII
        "u@[[192.0.2.1]]",         // nested
    });
}

TEST(Path, ADR_05_postmaster_and_other_names_without_a_domain) {
    expect_good({
        {"postmaster", "postmaster", "", "postmaster"},
        {"PostMaster", "PostMaster", "", "PostMaster"},
        {"nodomain", "nodomain", "", "nodomain"},
        {"first.last", "first.last", "", "first.last"},
    });
}

TEST(Path, null_reverse_path) {
    for (const std::string_view in : {"<>", ""}) {
        const auto path = Path::parse(in);
        ASSERT_TRUE(path) << path.error();
        EXPECT_TRUE(path->is_null());
        EXPECT_EQ(path->text(), "");
        EXPECT_FALSE(path->domain());
        EXPECT_FALSE(path->literal());
    }
    EXPECT_FALSE(Path::parse("\"\"@x.test")->is_null());
    EXPECT_FALSE(Path::parse("\"\"@[192.0.2.1]")->is_null());
    expect_bad({"< >", " "});
}

TEST(Path, ADR_06_limits_in_octets) {
    const std::string local64(64, 'l');
    EXPECT_TRUE(Path::parse(local64 + "@x.test"));
    EXPECT_TRUE(Path::parse("\"" + std::string(61, 'l') + " \"@x.test")); // 64 with its quotes
    // < + 64 + @ + 189 + > = 256
    EXPECT_TRUE(Path::parse("<" + local64 + "@" + domain190.substr(1) + ">"));
    EXPECT_TRUE(Path::parse(local64 + "@" + domain190.substr(1)));
    EXPECT_TRUE(Path::parse("u@" + domain190 + "." + std::string(60, 'd'))); // domain of 251
    expect_bad({
        local64 + "l@x.test",                                    // local part of 65
        local64 + "l",                                           // local part of 65, no domain
        "\"" + std::string(62, 'l') + " \"@x.test",              // 65 with its quotes
        "\"" + local64 + "\"@x.test",                            // 66 with its quotes
        "<" + local64 + "@" + domain190 + ">",                   // path of 257
        local64 + "@" + domain190,                               // the same without brackets
        "<@a.test:" + local64 + "@" + domain190.substr(1) + ">", // the source route counts
        "u@" + domain190 + "." + std::string(63, 'd'),           // domain of 254
        std::string(100000, 'a'),                                // far too long
        std::string(100000, '<'),                                // far too long
    });
}

TEST(Path, ADR_13_domains_in_u_labels) {
    expect_good({
        {"u@b\u00fccher.test", "u", "xn--bcher-kva.test", "u@xn--bcher-kva.test"},
        {"u@XN--BCHER-KVA.test", "u", "xn--bcher-kva.test", "u@xn--bcher-kva.test"},
        {"\u00fcser@b\u00fccher.test", "\u00fcser", "xn--bcher-kva.test",
         "\u00fcser@xn--bcher-kva.test"},
        {"\"\u00fc x\"@x.test", "\u00fc x", "x.test", "\"\u00fc x\"@x.test"},
        {"@b\u00fccher.test:u@x.test", "u", "x.test", "u@x.test"},
    });
    expect_bad(
        {
            "u@xn--abc.test",    // stands for no U-label
            "u@mx.XN--99999999", // overflow, any case
            "u@a\u05d0.test",    // mixed directions
            "u@i\u2764.test",    // DISALLOWED
            "u@b\u00fc..test",   // empty label
            "<@xn--abc.test:u@x.test>",
        },
        Path::Fault::invalid_idn);
    expect_bad({
        "\xff@x.test",             // not UTF-8
        "u\xc3@x.test",            // cut
        "\"\xed\xa0\x80\"@x.test", // surrogate
        "u@\xff.test",             // not UTF-8: no IDN either
    });
}

TEST(Path, canonical_form_has_the_limits_too) {
    // A-labels can be longer than U-labels: 3 octets of ü and dot become 8 of "xn--tda.".
    std::string domain;
    for (int i = 0; i < 30; ++i)
        domain += "\u00fc.";
    domain += "test";
    EXPECT_TRUE(Path::parse("u@" + domain)); // 246 octets as A-labels
    expect_bad({std::string(64, 'l') + "@" + domain});
    // And stray dots bring quotes.
    EXPECT_TRUE(Path::parse(std::string(61, 'l') + ".@x.test"));
    expect_bad({std::string(62, 'l') + ".@x.test"});
}

} // namespace
} // namespace surehop
