// SPDX-License-Identifier: Apache-2.0
#include "mtasts/policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

// The names of the tests are the lines of the conformance list that they prove.

namespace surehop::mtasts {
namespace {

const std::string whole = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\n"
                          "max_age: 604800\n";

// A good policy with this line in addition.
std::string with(const std::string& line) { return whole + line + "\n"; }

// A policy whose max_age or mx this is.
std::string with_max_age(const std::string& value) {
    return "version: STSv1\nmode: enforce\nmx: mail.example.com\nmax_age: " + value + "\n";
}
std::string with_mx(const std::string& value) {
    return "version: STSv1\nmode: enforce\nmx: " + value + "\nmax_age: 604800\n";
}

Policy good(const std::string& body) {
    const auto policy = parse_policy(body);
    if (!policy) {
        ADD_FAILURE() << body << ": " << policy.error();
        return {};
    }
    const auto again = parse_policy(print_policy(*policy));
    EXPECT_TRUE(again && *again == *policy) << body << " printed: " << print_policy(*policy);
    return *policy;
}

void bad(const std::string& body, std::string_view why) {
    const auto policy = parse_policy(body);
    EXPECT_FALSE(policy) << body;
    if (!policy) {
        EXPECT_NE(policy.error().find(why), std::string::npos) << body << ": " << policy.error();
    }
}

TEST(MtaStsPolicy, means_what_it_says) {
    const Policy policy = good(whole);
    EXPECT_EQ(policy.mode, Mode::enforce);
    EXPECT_EQ(policy.max_age, Seconds{604800});
    EXPECT_EQ(policy.mx,
              (std::vector<MxPattern>{{false, "mail.example.com"}, {true, "example.net"}}));
    EXPECT_EQ(print_policy(policy), whole);
    EXPECT_EQ(policy.mx[0].text(), "mail.example.com");
    EXPECT_EQ(policy.mx[1].text(), "*.example.net");
}

TEST(MtaStsPolicy, STS_40_line_ends) {
    const Policy policy = good(whole);
    std::string crlf, mixed, blanks;
    bool odd = false;
    for (const char c : whole) {
        if (c == '\n') {
            crlf += "\r\n";
            mixed += odd ? "\r\n" : "\n";
            blanks += " \t\r\n";
            odd = !odd;
        } else {
            for (std::string* body : {&crlf, &mixed, &blanks})
                *body += c;
        }
    }
    EXPECT_EQ(good(crlf), policy);
    EXPECT_EQ(good(mixed), policy);
    EXPECT_EQ(good(blanks), policy);
    EXPECT_EQ(good(whole.substr(0, whole.size() - 1)), policy); // none at the end
    EXPECT_EQ(good(whole.substr(0, whole.size() - 1) + " \t"), policy);
    bad(whole.substr(0, whole.size() - 1) + "\r", "line 5");     // CR alone is no line end
    bad("version: STSv1\rmode: none\rmax_age: 1", "line 1");     // likewise
    bad("version: STSv1\nmode: none\r\r\nmax_age: 1", "line 2"); // CR twice
}

TEST(MtaStsPolicy, STS_41_names_and_values_are_case_sensitive) {
    for (const std::string blank : {"", " ", "\t", " \t  "})
        EXPECT_EQ(good("version:" + blank + "STSv1\nmode:" + blank + "testing\nmx:" + blank +
                       "a.test\nmax_age:" + blank + "1")
                      .mode,
                  Mode::testing);
    const std::string rest = "mx: a.test\nmax_age: 1\n";
    bad("version: STSv1\nMode: enforce\n" + rest, "no mode"); // Mode is some other field
    bad("Version: STSv1\nmode: enforce\n" + rest, "no version");
    bad("version: STSv1\nmode: enforce\nMX: a.test\nmax_age: 1\n", "no mx");
    bad("version: STSv1\nmode: enforce\nmx: a.test\nMax_Age: 1\n", "no max_age");
    bad("version: STSv1\nmode: Enforce\n" + rest, "line 2: mode 'Enforce'");
    bad("version: STSv1\nmode: \n" + rest, "line 2");
    bad("version: STSv1\nmode: report\n" + rest, "line 2: mode 'report'");
    bad("version: STSv1\nmode : enforce\n" + rest, "line 2"); // blank before the colon
    bad("version: STSv1\n mode: enforce\n" + rest, "line 2"); // blank before the name
    bad("version: STSv1\nmode enforce\n" + rest, "line 2");   // no colon
    bad("version: STSv1\nmode: enforce;\n" + rest, "line 2"); // something after it
    bad("version: stsv1\nmode: enforce\n" + rest, "line 1: version 'stsv1'");
    bad("version: STSv2\nmode: enforce\n" + rest, "line 1: version 'STSv2'");
    bad("version: STSv1 STSv1\nmode: enforce\n" + rest, "line 1");
}

TEST(MtaStsPolicy, STS_42_required_fields_in_any_order) {
    std::vector<std::string> lines = {"max_age: 86400\n", "mode: enforce\n", "mx: a.test\n",
                                      "version: STSv1\n"};
    const Policy policy = good(lines[0] + lines[1] + lines[2] + lines[3]);
    do {
        EXPECT_EQ(good(lines[0] + lines[1] + lines[2] + lines[3]), policy);
    } while (std::next_permutation(lines.begin(), lines.end()));

    bad(lines[1] + lines[2] + lines[3], "no max_age");
    bad(lines[0] + lines[2] + lines[3], "no mode");
    bad(lines[0] + lines[1] + lines[3], "no mx");
    bad(lines[0] + lines[1] + lines[2], "no version");
    bad("version: STSv1\nmode: testing\nmax_age: 1\n", "no mx");
    bad("", "no version");
    const Policy none = good("version: STSv1\nmode: none\nmax_age: 1\n");
    EXPECT_EQ(none.mode, Mode::none);
    EXPECT_TRUE(none.mx.empty());
    EXPECT_EQ(good("version: STSv1\nmode: none\nmx: a.test\nmax_age: 1\n").mx.size(), 1U);
}

TEST(MtaStsPolicy, STS_43_first_of_a_repeated_field_counts) {
    const Policy policy =
        good("version: STSv1\nmode: testing\nmode: enforce\nmx: a.test\nmx: b.test\n"
             "max_age: 1\nmax_age: 2\nversion: STSv2\nmode: nonsense\nmax_age: x\n");
    EXPECT_EQ(policy.mode, Mode::testing);
    EXPECT_EQ(policy.max_age, Seconds{1});
    EXPECT_EQ(policy.mx.size(), 2U);
    bad("version: STSv2\nversion: STSv1\nmode: none\nmax_age: 1\n", "line 1");
    bad("version: STSv1\nmode: nonsense\nmode: none\nmax_age: 1\n", "line 2");
}

TEST(MtaStsPolicy, STS_44_unknown_fields_are_ignored) {
    const Policy policy = good(whole);
    const std::string name32 = "a23456789_-.3456789012345678901Z";
    for (const std::string& line : {
             std::string("x-note: gr\u00fc\u00dfe"),
             std::string("x-note: two  words"),
             std::string("x:1"),
             std::string("0: a:b;c=d"),
             std::string("x: \U0001F4E7"),
             name32 + ": x",
         })
        EXPECT_EQ(good(with(line)), policy) << line;
    for (const std::string& line : {
             std::string("x:"),                 // no value
             std::string("x: \t"),              // no value
             std::string(": x"),                // no name
             std::string("_x: 1"),              // name begins with an underscore
             std::string("x y: 1"),             // blank in the name
             std::string("gr\u00fc\u00dfe: x"), // name outside ASCII
             name32 + "x: 1",                   // name of 33
             std::string("# comment"),          // no grammar has comments
             std::string("x: a\tb"),            // control character
             std::string("x: a\0b", 6),         // NUL
             std::string("x: a\x1b[31mb"),      // ESC
             std::string("x: a\x7f"),           // DEL
             std::string("x: a\rb"),            // CR
             std::string("x: \xff"),            // not UTF-8
             std::string("x: \xc3"),            // cut
             std::string("x: \xed\xa0\x80"),    // surrogate
             std::string("x: \xc0\x80"),        // overlong NUL
         })
        bad(with(line), "line 6");
}

TEST(MtaStsPolicy, STS_45_max_age_bounds) {
    EXPECT_EQ(good(with_max_age("0")).max_age, Seconds{0});
    EXPECT_EQ(good(with_max_age("1")).max_age, Seconds{1});
    EXPECT_EQ(good(with_max_age("0000000001")).max_age, Seconds{1});
    EXPECT_EQ(good(with_max_age("31557600")).max_age, Seconds{31557600});
    EXPECT_EQ(good(with_max_age("31557601")).max_age, Seconds{31557600}); // clamped, not refused
    EXPECT_EQ(good(with_max_age("4294967296")).max_age, Seconds{31557600});
    EXPECT_EQ(good(with_max_age("9999999999")).max_age, Seconds{31557600});
    for (const std::string value : {
             "10000000000", // 11 digits
             "00000000001", // 11 digits
             "+1",          // sign
             "-1",          // sign
             "",            // nothing
             "1 2",         // blank
             "1s",          // unit
             "0x10",        // hexadecimal
             "1.0",         // fraction
             "1e3",         // exponent
             "\uff11",      // a digit, but not ASCII's
         })
        bad(with_max_age(value), "line 4");
}

TEST(MtaStsPolicy, STS_46_max_age_0_is_valid) {
    const Policy policy = good("version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 0\n");
    EXPECT_EQ(policy.mode, Mode::enforce);
    EXPECT_TRUE(policy.allows(*Domain::parse("a.test")));
}

TEST(MtaStsPolicy, STS_47_mx_patterns) {
    const std::string label63(63, 'a');
    const std::string name253 =
        label63 + "." + label63 + "." + label63 + "." + std::string(61, 'a');
    const std::vector<std::pair<std::string, std::string>> table = {
        {"*.example.test", "*.example.test"},
        {"mail.example.test", "mail.example.test"},
        {"MAIL.Example.TEST", "mail.example.test"},
        {"*.Example.TEST", "*.example.test"},
        {"localhost", "localhost"},
        {"*.test", "*.test"},
        {"xn--bcher-kva.test", "xn--bcher-kva.test"},
        {"mx_1.example.test", "mx_1.example.test"}, // seen in the field
        {name253, name253},
    };
    for (const auto& [in, out] : table) {
        const Policy policy = good(with_mx(in));
        ASSERT_EQ(policy.mx.size(), 1U) << in;
        EXPECT_EQ(policy.mx[0].text(), out);
    }
    for (const std::string& value : {
             std::string("*"),             // no name
             std::string("*."),            // no name
             std::string(""),              // nothing
             std::string("."),             // nothing
             std::string("mx*.x.test"),    // part of a label
             std::string("*mx.x.test"),    // part of a label
             std::string("a.*.test"),      // not the first label
             std::string("*.*.test"),      // two
             std::string("**.x"),          // two
             std::string(".x.test"),       // empty label; in Postfix any depth
             std::string("*..test"),       // empty label
             std::string("a..test"),       // empty label
             std::string("a.test."),       // Domain ends in no dot
             std::string(256, 'a'),        // too long
             "b" + name253,                // too long
             label63 + "a.test",           // label too long
             std::string("a.test b.test"), // a list
             std::string("a.test,b.test"), // a list
             std::string("a.test:.test"),  // a list, as Postfix would read it
             std::string("a.test;b"),      // something after it
             std::string("192.0.2."),      // Domain ends in no dot
             std::string("[192.0.2.1]"),   // an address
             std::string("-a.test"),       // no sub-domain
             std::string("xn--abc.test"),  // no A-label
         })
        bad(with_mx(value), "line 3");
}

// It matches nothing, and spoils nothing.
TEST(MtaStsPolicy, STS_47_an_address_is_a_domain_that_no_host_bears) {
    const Policy policy = good(with_mx("192.0.2.1\nmx: mail.example.test\nmx: *.1.2"));
    ASSERT_EQ(policy.mx.size(), 1U);
    EXPECT_EQ(policy.mx[0].text(), "mail.example.test");
    bad(with_mx("192.0.2.1"), "there is no mx");
}

TEST(MtaStsPolicy, STS_48_u_labels_never_match) {
    bad(with_mx("b\u00fccher.test"), "A-labels");
    bad(with_mx("*.b\u00fccher.test"), "A-labels");
    const Policy policy = good(with_mx("XN--bcher-KVA.test"));
    EXPECT_TRUE(policy.allows(*Domain::parse("b\u00fccher.test")));
    EXPECT_TRUE(policy.allows(*Domain::parse("xn--BCHER-kva.test")));
}

TEST(MtaStsPolicy, STS_49_blank_lines_and_bom_are_invalid) {
    bad("\xef\xbb\xbf" + whole, "line 1");
    bad("\n" + whole, "line 1: the line is empty");
    bad("version: STSv1\n\nmode: none\nmax_age: 1\n", "line 2: the line is empty");
    bad("version: STSv1\n \t\r\nmode: none\nmax_age: 1\n", "line 2: the line is empty");
    bad("\n", "there is no version");
    bad("<!DOCTYPE html>\n<html></html>\n", "line 1");
}

TEST(MtaStsPolicy, STS_49_empty_lines_at_the_end_say_nothing) {
    const Policy policy = good(whole);
    for (const std::string end : {"\n", "\r\n", "\n\n\n", "\r\n\r\n", " \t\r\n", "\n  "})
        EXPECT_EQ(good(whole + end), policy);
    bad(whole + "\n\r", "line 6"); // CR alone is no line end
    bad(whole + "\nmx: late.example\n", "line 6: the line is empty");
    bad(whole + "\n\nx", "line 6: the line is empty");
}

TEST(MtaStsPolicy, STS_60_star_is_one_whole_label) {
    const MxPattern plain{false, "mail.example.com"}, star{true, "example.com"};
    const auto host = [](std::string_view name) { return *Domain::parse(name); };
    EXPECT_TRUE(plain.matches(host("mail.example.com")));
    EXPECT_TRUE(plain.matches(host("MAIL.Example.COM.")));
    EXPECT_FALSE(plain.matches(host("a.mail.example.com")));
    EXPECT_FALSE(plain.matches(host("example.com")));
    EXPECT_FALSE(plain.matches(host("mail.example.org")));
    EXPECT_TRUE(star.matches(host("mail.example.com")));
    EXPECT_TRUE(star.matches(host("Mail.EXAMPLE.com.")));
    EXPECT_TRUE(star.matches(host("xn--bcher-kva.example.com")));
    EXPECT_FALSE(star.matches(host("example.com")));         // none
    EXPECT_FALSE(star.matches(host("foo.bar.example.com"))); // two
    EXPECT_FALSE(star.matches(host("mailexample.com")));     // not a label
    EXPECT_FALSE(star.matches(host("mail.badexample.com")));
    EXPECT_FALSE(star.matches(host("com")));
}

TEST(MtaStsPolicy, allows_what_any_pattern_matches) {
    const Policy policy = good(whole);
    EXPECT_TRUE(policy.allows(*Domain::parse("mail.example.com")));
    EXPECT_TRUE(policy.allows(*Domain::parse("mx9.example.net")));
    EXPECT_FALSE(policy.allows(*Domain::parse("mx9.example.com")));
    EXPECT_FALSE(Policy{}.allows(*Domain::parse("mail.example.com")));
}

TEST(MtaStsPolicy, has_no_more_patterns_than_can_be_compared) {
    std::string body = "version: STSv1\nmode: enforce\nmax_age: 86400\n";
    for (std::size_t i = 0; i < most_mx; ++i)
        body += "mx: mx" + std::to_string(i) + ".test\n";
    EXPECT_EQ(good(body).mx.size(), most_mx);
    const auto policy = parse_policy(body + "mx: one.more.test\n");
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error(), "line 1004: there are more than 1000 mx");
}

TEST(MtaStsPolicy, words_of_the_modes) {
    EXPECT_EQ(name_of(Mode::none), "none");
    EXPECT_EQ(name_of(Mode::testing), "testing");
    EXPECT_EQ(name_of(Mode::enforce), "enforce");
}

} // namespace
} // namespace surehop::mtasts
