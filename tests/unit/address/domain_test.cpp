// SPDX-License-Identifier: Apache-2.0
#include "address/domain.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop {
namespace {

const std::string label63(63, 'a');
// 63 + 1 + 63 + 1 + 63 + 1 + 61 = 253
const std::string name253 = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'a');

std::string repeated(std::string_view what, int count) {
    std::string out;
    for (int i = 0; i < count; ++i)
        out += what;
    return out;
}

struct Good {
    std::string in;
    std::string out;
};

void expect_good(const std::vector<Good>& table) {
    for (const auto& [in, out] : table) {
        const auto domain = Domain::parse(in);
        ASSERT_TRUE(domain) << in << ": " << domain.error();
        EXPECT_EQ(domain->text(), out) << in;
        const auto again = Domain::parse(domain->text());
        ASSERT_TRUE(again) << in << ": " << again.error();
        EXPECT_EQ(*again, *domain) << in;
    }
}

void expect_bad(const std::vector<std::string>& table) {
    for (const std::string& in : table) {
        const auto domain = Domain::parse(in);
        EXPECT_FALSE(domain) << in << " became " << domain->text();
        if (!domain) {
            EXPECT_NE(domain.error().find("is not a domain name: "), std::string::npos);
        }
    }
}

TEST(Domain, names_in_ascii) {
    expect_good({
        {"example.org", "example.org"},
        {"localhost", "localhost"},
        {"a.b", "a.b"},
        {"3com.example", "3com.example"},
        {"1.2.3.in-addr.arpa", "1.2.3.in-addr.arpa"},
        {"_mta-sts.example.org", "_mta-sts.example.org"},
        {"MTA-STS.Example.ORG.", "mta-sts.example.org"},
        {"_25._tcp.mx_1.example.org", "_25._tcp.mx_1.example.org"},
        {"r3---sn-4g5e.example.org",
         "r3---sn-4g5e.example.org"}, // hyphens in third and fourth place
        {"ab--cd.example.org", "ab--cd.example.org"},
        {label63 + ".org", label63 + ".org"},
        {name253, name253},
        {name253 + ".", name253},
    });
    expect_bad({
        "",                                 // nothing
        label63 + "a.org",                  // label of 64 octets
        "a." + name253,                     // 255 octets
        name253 + "a",                      // 254 octets
        std::string(100000, 'a'),           // far too long
        ".example.org",                     // empty label
        "example..org",                     // empty label
        "-example.org",                     // hyphen at the beginning of a label
        "example-.org",                     // hyphen at its end
        "example.-",                        // nothing but a hyphen
        "example.org-",                     // hyphen at the end of the last label
        "example." + label63 + "a",         // the last label of 64 octets
        "example.org..",                    // two roots
        "exam ple.org",                     // blank
        " example.org",                     // blank
        "example.org\n",                    // control character
        "example.org\r\nRCPT TO:<x>",       // control characters
        std::string("example\0.org", 12),   // NUL
        std::string("b\xc3\xbc\0.test", 9), // NUL in a name that libidn2 would see as a C string
        "example\x7f.org",                  // DEL
        "*.example.org",                    // a pattern
        "[example.org]",                    // brackets
        "example.org:25",                   // a port
        "user@example.org",                 // an address
        "a/b.example.org",                  // a character of no name
        "a,b.example.org",                  // separates elements of a list in Postfix
        "a\\046b.example.org",              // DNS escape
    });
}

TEST(Domain, addresses_are_not_names) {
    expect_bad({
        "192.0.2.1",                   // IPv4
        "192.0.2.1.",                  // the same with a trailing dot
        "1",                           // what inet_aton takes for 0.0.0.1
        "example.123",                 // no top-level name is a number
        "2001:db8::1",                 // IPv6
        "\uff11.\uff12.\uff13.\uff14", // fullwidth digits map to 1.2.3.4
    });
    expect_good({{"192.0.2.1.example", "192.0.2.1.example"}, {"a.1b", "a.1b"}});
}

TEST(Domain, ADR_09_trailing_dot_is_stripped) {
    expect_good({
        {"dest.test.", "dest.test"},
        {"localhost.", "localhost"},
        {"b\u00fccher.test\u3002", "xn--bcher-kva.test"}, // U+3002 maps to a dot
    });
    expect_bad({
        ".",           // the root alone
        "..",          // empty label
        "dest.test..", // empty label
    });
}

TEST(Domain, ADR_13_u_labels_become_a_labels) {
    expect_good({
        {"b\u00fccher.test", "xn--bcher-kva.test"},
        {"bu\u0308cher.test", "xn--bcher-kva.test"}, // NFC
        {"B\u00dcCHER.TEST", "xn--bcher-kva.test"},  // upper case outside ASCII
        {"stra\u00dfe.test", "xn--strae-oqa.test"},  // non-transitional: not strasse
        {"\u03c2.test", "xn--3xa.test"},             // final sigma stays one
        {"\u65e5\u672c\u8a9e.test", "xn--wgv71a119e.test"},
        {"\u05d0\u05d1.test", "xn--4dbc.test"},                    // Hebrew
        {"\u0915\u094d\u200d\u0937.test", "xn--11b2ezcw70k.test"}, // ZWJ after a virama
        {"b\u00fccher\u3002test", "xn--bcher-kva.test"},           // ideographic full stop
        {"_dmarc.b\u00fccher.test", "_dmarc.xn--bcher-kva.test"},
        {"r3---sn.b\u00fccher.test", "r3---sn.xn--bcher-kva.test"},
        {"a\u00adb.test", "ab.test"}, // UTS 46 ignores the soft hyphen
        {"xn--bcher-kva.test", "xn--bcher-kva.test"},
        {"XN--BCHER-KVA.test", "xn--bcher-kva.test"},
        {"\uff58n--bcher-kva.test", "xn--bcher-kva.test"}, // fullwidth x: an A-label after mapping
        {"xn--zca.test", "xn--zca.test"},                  // ß
    });
}

TEST(Domain, ADR_13_invalid_idn_is_refused) {
    expect_bad({
        "xn--.test",                      // no punycode
        "xn--abc.test",                   // stands for a character that IDNA does not allow
        "xn--abc-.test",                  // stands for plain ASCII
        "xn--99999999.test",              // overflow
        "xn--a-b-c.test",                 // not punycode
        "xn--b_cher-3ya.test",            // an A-label has letters, digits and hyphens
        "b\u00fc_cher.test",              // so has a U-label
        "xn--b\u00fccher.test",           // both at once
        "\uff58n--99999999.test",         // A-label only after mapping, and invalid
        "a\u05d0.test",                   // left-to-right and right-to-left in one label
        "a\u200db.test",                  // ZWJ without a virama
        "\u0301a.test",                   // begins with a combining mark
        "i\u2764.test",                   // a symbol, DISALLOWED
        "xn--i-7iq.test",                 // the same as an A-label
        "\u2100.test",                    // maps to a/c
        "a\uff20b.test",                  // maps to a@b
        "\u00ad.test",                    // maps to nothing
        "-\u00fc.test",                   // hyphen at the beginning
        "\u00fc-.test",                   // hyphen at the end
        "\u00fc/a.test",                  // a character of no name
        "\u00fc" + label63 + ".test",     // longer than 63 octets as an A-label
        repeated("\u00fc", 60) + ".test", // longer than 63 octets as an A-label
        "\xff.test",                      // not UTF-8
        "b\xc3.test",                     // cut UTF-8
        "\xed\xa0\x80.test",              // a surrogate
        "\xc0\xaf.test",                  // overlong
    });
}

TEST(Domain, ADR_13_label_of_63_octets) {
    // xn-- and 59 octets: "ü" costs three digits after the 55 letters and their hyphen.
    const std::string longest = std::string(55, 'a') + "\u00fc";
    const auto domain = Domain::parse(longest + ".test");
    ASSERT_TRUE(domain) << domain.error();
    EXPECT_EQ(domain->text().find('.'), 63U) << domain->text();
    EXPECT_FALSE(Domain::parse("a" + longest + ".test"));
}

TEST(Domain, ADR_14_compares_as_lower_case_a_labels) {
    EXPECT_EQ(*Domain::parse("EXAMPLE.org"), *Domain::parse("example.ORG."));
    EXPECT_EQ(*Domain::parse("b\u00fccher.test"), *Domain::parse("xn--BCHER-kva.test"));
    EXPECT_NE(*Domain::parse("example.org"), *Domain::parse("example.com"));
    EXPECT_LT(*Domain::parse("a.test"), *Domain::parse("b.test"));
}

TEST(Domain, is_within) {
    const auto within = [](std::string_view a, std::string_view b) {
        return Domain::parse(a)->is_within(*Domain::parse(b));
    };
    EXPECT_TRUE(within("example.org", "example.org"));
    EXPECT_TRUE(within("a.b.example.org", "example.org"));
    EXPECT_TRUE(within("a.b.example.org", "org"));
    EXPECT_FALSE(within("badexample.org", "example.org")); // the end of a label is not a label
    EXPECT_FALSE(within("example.org", "a.example.org"));
    EXPECT_FALSE(within("example.org", "example.com"));
}

TEST(Domain, parent) {
    EXPECT_EQ(Domain::parse("www.example.org")->parent(), "example.org");
    EXPECT_EQ(Domain::parse("org")->parent(), "");
}

TEST(Domain, error_shows_no_octet_that_a_log_cannot_have) {
    const auto domain = Domain::parse("a\r\nb\x1b[31m\xff" + std::string(300, 'x'));
    ASSERT_FALSE(domain);
    for (const char c : domain.error())
        EXPECT_TRUE(c >= 0x20 && c < 0x7f) << domain.error();
    EXPECT_LT(domain.error().size(), 200U);
}

} // namespace
} // namespace surehop
