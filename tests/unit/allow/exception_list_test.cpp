// SPDX-License-Identifier: Apache-2.0
#include "allow/exception_list.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

constexpr Time now{Seconds{1795255200}}; // 2026-11-21T10:00:00Z

const std::string header = "recipient,sender,lowest,reason,owner,ticket,from,until\n";

ExceptionList csv(const std::string& text) { return read_list(text, ListFormat::csv, {}, now); }
ExceptionList json(const std::string& text) { return read_list(text, ListFormat::json, {}, now); }

std::vector<std::string> told(const ExceptionList& list) {
    std::vector<std::string> out;
    for (const ListProblem& one : list.problems)
        out.push_back(one.told("f").substr(0, one.told("f").find("; ")));
    return out;
}

TEST(ExceptionList, csv_is_read) {
    const auto list = csv("\xef\xbb\xbfRecipient, lowest,reason,until,owner,id,created_by\r\n"
                          "@example.org,none,\"old, old host\",2026-12-31,Anna,7,uid 0 (root)\r\n"
                          ",,,,,,\r\n"
                          "\r\n"
                          " *.example.net , dane ,x,2027-01-31T00:00:00Z,J\xc3\xbcrgen,,\r\n"
                          "gone.example,none,x,2026-01-31,Anna,8,\r\n");
    EXPECT_EQ(told(list), std::vector<std::string>{});
    ASSERT_EQ(list.exceptions.size(), 2U);
    EXPECT_EQ(list.exceptions[0].recipient.text(), "@example.org");
    EXPECT_EQ(list.exceptions[0].reason, "old, old host");
    EXPECT_EQ(list.exceptions[0].id, 0);
    EXPECT_EQ(list.exceptions[0].created_by, "");
    EXPECT_EQ(list.exceptions[1].recipient.text(), "*.example.net");
    EXPECT_EQ(list.exceptions[1].lowest, Level::dane);
    EXPECT_EQ(list.exceptions[1].owner, "J\xc3\xbcrgen");
    EXPECT_EQ(list.over, 1U) << "a line that has had its time says nothing, and is no error";
}

TEST(ExceptionList, a_list_of_nothing_has_its_header) {
    EXPECT_TRUE(csv(header).exceptions.empty());
    EXPECT_TRUE(csv(header).problems.empty());
    for (const std::string text : {"", "\n\n", "\xef\xbb\xbf", ",,\n"})
        EXPECT_EQ(told(csv(text)), std::vector<std::string>{"f: is empty"}) << text;
    EXPECT_TRUE(json(R"({"exceptions": []})").problems.empty());
}

TEST(ExceptionList, what_is_wrong_with_csv) {
    const std::string good = "a.example,,none,x,Anna,,,2026-12-31\n";
    struct Row {
        std::string text;
        std::vector<std::string> problems;
    };
    for (const Row& row : {
             Row{"a.example,none\n",
                 {"f:1: there is no column 'a.example'", "f:1: there is no column 'none'",
                  "f:1: the column 'recipient' is missing", "f:1: the column 'lowest' is missing",
                  "f:1: the column 'reason' is missing", "f:1: the column 'owner' is missing",
                  "f:1: the column 'until' is missing"}},
             Row{"recipient;lowest;reason;owner;until\n",
                 {"f:1: the columns are separated by semicolons"}},
             Row{"recipient,lowest,reason,owner,until,Owner\n",
                 {"f:1: the column 'owner' stands there twice"}},
             Row{header + good + "b.example,,none,x,Anna,,2026-12-31\n",
                 {"f:3: has 7 cells, but the first line 8"}},
             Row{header + good + "*,,low,,Anna,,,soon\n" + good,
                 {"f:3: reason: the reason is missing",
                  "f:3: recipient: an exception is for an address, a domain or a suffix",
                  "f:3: lowest: 'low' is not a level", "f:3: until: 'soon' is not a time",
                  "f:4: says the same as line 2"}},
             Row{header + "a.example,,none,\"two\nlines\",Anna,,,2026-12-31\nb\n",
                 {"f:2: reason: the reason holds characters that are not text",
                  "f:4: has 1 cells, but the first line 8"}},
             Row{header + good + "b.example,\"\n", {"f:3: a quote is opened and never closed"}},
             Row{"\"", {"f:1: a quote is opened and never closed"}},
         })
        EXPECT_EQ(told(csv(row.text)), row.problems) << row.text;
}

TEST(ExceptionList, json_is_read_and_what_is_wrong_with_it) {
    const std::string good =
        R"("lowest": "none", "reason": "x", "owner": "A", "until": "2026-12-31")";
    const auto list =
        json(R"({"exceptions": [{"id": 7, "recipient": "@a.example", "sender": null, )" + good +
             R"(}]})");
    EXPECT_EQ(told(list), std::vector<std::string>{});
    ASSERT_EQ(list.exceptions.size(), 1U);
    EXPECT_FALSE(list.exceptions[0].sender);
    struct Row {
        std::string text;
        std::vector<std::string> problems;
    };
    for (const Row& row : {
             Row{"", {"f: is not JSON"}},
             Row{"{", {"f: is not JSON"}},
             Row{"[]", {"f: is not a list of exceptions"}},
             Row{"{}", {"f: is not a list of exceptions"}},
             Row{R"({"exceptions": [], "more": true})", {"f: is not a list of exceptions"}},
             Row{R"({"exceptions": {}})", {"f: is not a list of exceptions"}},
             Row{R"({"exceptions": [3]})", {"f: entry 1: is no object"}},
             Row{R"({"exceptions": [{"recipient": "a.example", "who": "", )" + good + "}]}",
                 {"f: entry 1: there is no member 'who'"}},
             Row{R"({"exceptions": [{"recipient": 3, )" + good + "}]}",
                 {"f: entry 1: recipient: is no text"}},
             Row{R"({"exceptions": [{)" + good + R"(}, {"recipient": "a.example"}]})",
                 {"f: entry 1: recipient: the recipient is missing",
                  "f: entry 2: lowest: the lowest is missing",
                  "f: entry 2: reason: the reason is missing",
                  "f: entry 2: owner: the owner is missing",
                  "f: entry 2: until: the until is missing"}},
             Row{R"({"exceptions": [{"recipient": "a.example", )" + good +
                     R"(}, {"recipient": "@A.example", )" + good + "}]}",
                 {"f: entry 2: says the same as entry 1"}},
         })
        EXPECT_EQ(told(json(row.text)), row.problems) << row.text;
}

TEST(ExceptionList, sizes_are_bounded) {
    EXPECT_EQ(told(csv(std::string(longest_list + 1, '\n'))),
              std::vector<std::string>{"f: is larger than 4194304 octets"});
    std::string many = header;
    for (std::size_t i = 0; i < most_in_list; ++i)
        many += "a" + std::to_string(i) + ".example,,none,x,Anna,,,2026-12-31\n";
    EXPECT_EQ(csv(many).exceptions.size(), most_in_list);
    EXPECT_EQ(told(csv(many + "b.example,,none,x,Anna,,,2026-12-31\n")),
              std::vector<std::string>{"f:20002: there are more than 20001 lines"});
    std::string bad = header;
    for (int i = 0; i < 1000; ++i)
        bad += "x\n";
    EXPECT_EQ(csv(bad).problems.size(), 21U) << "20, and that there are more";
}

// A spreadsheet must not take what somebody wrote for a formula.
TEST(ExceptionList, what_looks_like_a_formula_is_guarded) {
    for (const std::string reason : {"=HYPERLINK(\"http://x\")", "+49 30 1234", "-1", "@home",
                                     "'=1", "''+1", "'twas", "'", "plain", "a=b", "\"quoted\""}) {
        Exception one;
        one.recipient = *AddressPattern::parse("-x+y@example.org");
        one.sender = *AddressPattern::parse("@clinic.example");
        one.reason = reason;
        one.owner = "Anna";
        one.created_by = "file /x";
        one.from = now;
        one.until = now + Seconds{60};
        const std::string text = write_csv(std::vector{one});
        for (const char* formula :
             {",=", ",+", ",-", ",@", "\n=", "\n+", "\n-", "\n@", ",\"=", ",\"+", ",\"-", ",\"@"})
            EXPECT_EQ(text.find(formula), std::string::npos) << text;
        const auto list = csv(text);
        ASSERT_EQ(list.exceptions.size(), 1U) << text << told(list).front();
        EXPECT_EQ(list.exceptions[0].reason, reason);
        EXPECT_EQ(list.exceptions[0].recipient, one.recipient);
        EXPECT_EQ(list.exceptions[0].sender, one.sender);
        const auto same = json(print_json(write_json(std::vector{one})));
        ASSERT_EQ(same.exceptions.size(), 1U) << told(same).front();
        EXPECT_EQ(same.exceptions[0].reason, reason);
    }
}

TEST(ExceptionList, formats_and_authors) {
    EXPECT_EQ(format_of_file("/a/b.JSON"), ListFormat::json);
    EXPECT_EQ(format_of_file("/a/json"), ListFormat::csv);
    EXPECT_EQ(format_of_file("-"), ListFormat::csv);
    EXPECT_EQ(list_format_of("xml"), std::nullopt);
    AllowTerms terms;
    terms.files = {"/a.csv", "/b.csv"};
    Exception one;
    one.created_by = "uid 0 (root)";
    EXPECT_EQ(file_of(one, terms), nullptr);
    EXPECT_FALSE(is_of_file(one));
    one.created_by = author_of_file("/b.csv");
    EXPECT_TRUE(is_of_file(one));
    ASSERT_NE(file_of(one, terms), nullptr);
    EXPECT_EQ(*file_of(one, terms), "/b.csv");
    one.created_by = author_of_file("/c.csv");
    EXPECT_EQ(file_of(one, terms), nullptr);
}

} // namespace
} // namespace surehop
