// SPDX-License-Identifier: Apache-2.0
#include "mtasts/record.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

// The names of the tests are the lines of the conformance list that they prove.

namespace surehop::mtasts {
namespace {

using Texts = std::vector<std::string>;

std::string said(const Texts& texts) {
    const auto result = parse_records(texts);
    if (const auto* record = std::get_if<Record>(&result))
        return "id " + record->id;
    switch (std::get<RecordFault>(result)) {
    case RecordFault::none:
        return "none";
    case RecordFault::multiple:
        return "multiple";
    case RecordFault::syntax:
        return "syntax";
    }
    return "?";
}

void expect_all(std::string_view expected, const Texts& table) {
    for (const std::string& text : table)
        EXPECT_EQ(said({text}), expected) << text;
}

TEST(MtaStsRecord, STS_02_version_begins_the_record) {
    expect_all("none", {
                           "V=STSv1;id=1",             // case-sensitive
                           "v=stsv1;id=1",             // case-sensitive
                           " v=STSv1;id=1",            // a blank before it
                           "id=1;v=STSv1",             // not at the beginning
                           "v=STSv2;id=1",             // another version
                           "v=STSv10;id=1",            // another version
                           "v = STSv1;id=1",           // blanks in it
                           "\"v=STSv1;id=1\"",         // quotes left in
                           "\xef\xbb\xbfv=STSv1;id=1", // BOM
                           "v=spf1 -all",              // some other record
                           "",                         // nothing
                       });
    EXPECT_EQ(said({}), "none");
}

TEST(MtaStsRecord, STS_03_grammar_of_the_record) {
    expect_all("id a", {
                           "v=STSv1; id=a",
                           "v=STSv1;id=a",
                           "v=STSv1;id=a;",
                           "v=STSv1 ;\tid=a ; ",
                           "v=STSv1\t \t;id=a\t;\t",
                       });
    expect_all("none", {"v=STSv1", "v=STSv1 ", "v=STSv1 id=a"}); // no semicolon: not filtered in
    expect_all("syntax", {
                             "v=STSv1;",         // no field
                             "v=STSv1; ",        // no field
                             "v=STSv1;;id=a",    // empty field
                             "v=STSv1;id=a;;",   // empty field
                             "v=STSv1;id=a ",    // blanks stand only around a semicolon
                             "v=STSv1;id=a b=c", // no semicolon
                             "v=STSv1;id = a",   // blanks around the equals sign
                             "v=STSv1;id",       // no equals sign
                             "v=STSv1;\nid=a",   // not a blank
                             "v=STSv1;id=a\r\n", // not a blank
                             std::string("v=STSv1;id=a\0", 13), // NUL
                         });
}

TEST(MtaStsRecord, STS_04_blanks_before_the_semicolon_do_not_hide_a_record) {
    EXPECT_EQ(said({"v=STSv1 ;id=a", "v=spf1 -all"}), "id a");
    EXPECT_EQ(said({"v=STSv1;id=a", "v=STSv1 ;id=b"}), "multiple");
}

TEST(MtaStsRecord, STS_05_exactly_one_record) {
    EXPECT_EQ(said({"v=STSv1;id=a", "v=STSv1;id=b"}), "multiple");
    EXPECT_EQ(said({"v=STSv1;id=a", "v=STSv1;id=a"}), "multiple"); // even if they agree
    EXPECT_EQ(said({"v=STSv1;id=a", "v=STSv1;"}), "multiple");     // counted before they are read
    EXPECT_EQ(said({"v=STSv1;id=a", "google-site-verification=x"}), "id a");
    EXPECT_EQ(said({"v=spf1 -all", "v=STSv1;id=a", "v=STSv2;id=b"}), "id a");
    EXPECT_EQ(said({"v=STSv1;id=a", "v=STSv1"}), "id a"); // the second has no semicolon
    EXPECT_EQ(said({"v=STSv1;x=1", "v=spf1 -all"}), "syntax");
}

TEST(MtaStsRecord, STS_06_id_is_1_to_32_letters_and_digits) {
    const std::string id32 = "abcdefghijklmnopqrstuvwxyzABC019";
    ASSERT_EQ(id32.size(), 32U);
    EXPECT_EQ(said({"v=STSv1;id=1"}), "id 1");
    EXPECT_EQ(said({"v=STSv1;id=20260101T000000"}), "id 20260101T000000");
    EXPECT_EQ(said({"v=STSv1;id=" + id32}), "id " + id32);
    expect_all("syntax", {
                             "v=STSv1;id=",              // 0 characters
                             "v=STSv1;id=" + id32 + "x", // 33 characters
                             "v=STSv1;id=a-b",           // a hyphen
                             "v=STSv1;id=a_b",           // an underscore
                             "v=STSv1;id=\xc3\xa9",      // é
                             "v=STSv1;ID=a",             // some other field: no id
                             "v=STSv1;x=1",              // no id
                         });
}

TEST(MtaStsRecord, STS_07_extensions) {
    const std::string name32 = "a23456789_-.3456789012345678901Z";
    ASSERT_EQ(name32.size(), 32U);
    expect_all("id a", {
                           "v=STSv1;id=a;x=1",
                           "v=STSv1;id=a;0=!#$%&'()*+,-./:<>?@[]^_`{|}~",
                           "v=STSv1;id=a;" + name32 + "=1",
                       });
    expect_all("syntax", {
                             "v=STSv1;id=a;x=",                // no value
                             "v=STSv1;id=a;=1",                // no name
                             "v=STSv1;id=a;x",                 // neither
                             "v=STSv1;id=a;x=a=b",             // an equals sign in the value
                             "v=STSv1;id=a;x=a b",             // a blank in the value
                             "v=STSv1;id=a;x=\x7f",            // control character
                             "v=STSv1;id=a;x=\xc3\xa9",        // not ASCII
                             "v=STSv1;id=a;" + name32 + "x=1", // name of 33
                             "v=STSv1;id=a;_x=1",              // name begins with an underscore
                             "v=STSv1;id=a;-x=1",              // with a hyphen
                             "v=STSv1;id=a;x+y=1",             // a character of no name
                         });
}

TEST(MtaStsRecord, STS_08_unknown_and_repeated_fields_are_ignored) {
    EXPECT_EQ(said({"v=STSv1; id=a; id=b"}), "id a");
    EXPECT_EQ(said({"v=STSv1; x=1; id=a"}), "id a");
    EXPECT_EQ(said({"v=STSv1; x=1; x=2; id=a; v=STSv2"}), "id a");
    EXPECT_EQ(said({"v=STSv1; id=a; id=b-c"}), "id a"); // ignored, whatever it says
    EXPECT_EQ(said({"v=STSv1; id=b-c; id=a"}), "syntax");
}

TEST(MtaStsRecord, STS_09_strings_are_joined_without_blanks) {
    const std::string first = "v=STSv1; i", second = "d=a"; // joined by whoever reads the DNS
    EXPECT_EQ(said({first + second}), "id a");
    EXPECT_EQ(said({first, second}), "syntax"); // two records are not two strings
}

} // namespace
} // namespace surehop::mtasts
