// SPDX-License-Identifier: Apache-2.0
#include "allow/exception_text.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

constexpr Time now{Seconds{1795255200}}; // 2026-11-21T10:00:00Z
constexpr Seconds day{86400};

ExceptionText plain() {
    ExceptionText text;
    text.recipient = "example.org";
    text.lowest = "encrypted";
    text.reason = "contract";
    text.owner = "Anna";
    text.until = "2026-12-31";
    return text;
}

Exception good(const ExceptionText& text, Times times = Times::absolute) {
    auto read = read_exception(text, {}, times, now);
    if (const auto* problems = std::get_if<std::vector<FieldProblem>>(&read)) {
        ADD_FAILURE() << problems->front().field << ": " << problems->front().text;
        return {};
    }
    return std::get<Exception>(read);
}

// "field: text" of each problem, up to the remedy.
std::vector<std::string> bad(const ExceptionText& text, const AllowTerms& terms = {}) {
    const auto read = read_exception(text, terms, Times::absolute, now);
    std::vector<std::string> out;
    if (const auto* problems = std::get_if<std::vector<FieldProblem>>(&read))
        for (const FieldProblem& one : *problems) {
            const auto remedy = one.text.find("; write ");
            EXPECT_NE(remedy, std::string::npos) << one.text;
            out.push_back(std::string(one.field) + ": " + one.text.substr(0, remedy));
        }
    return out;
}

TEST(ExceptionText, every_field_is_read) {
    ExceptionText text = plain();
    text.recipient = ".Example.org";
    text.sender = "@clinic.example";
    text.ticket = "OPS-17";
    text.override_published = "yes";
    text.from = "2026-12-01T08:00:00Z";
    const Exception read = good(text);
    EXPECT_EQ(read.recipient.text(), "*.example.org");
    EXPECT_EQ(read.sender->text(), "@clinic.example");
    EXPECT_EQ(read.lowest, Level::encrypted);
    EXPECT_EQ(read.reason, "contract");
    EXPECT_EQ(read.owner, "Anna");
    EXPECT_EQ(read.ticket, "OPS-17");
    EXPECT_TRUE(read.overrides_published);
    EXPECT_FALSE(good(plain()).overrides_published);
    text.override_published = "no";
    EXPECT_FALSE(good(text).overrides_published);
    EXPECT_EQ(format_time(read.from), "2026-12-01T08:00:00Z");
    EXPECT_EQ(format_time(read.until), "2026-12-31T23:59:59Z");
    EXPECT_EQ(read.id, 0);
    EXPECT_EQ(read.created_by, "");
}

TEST(ExceptionText, when_it_begins) {
    struct Row {
        std::string from, begins;
    };
    for (const Row& row : {
             Row{"", "2026-11-21T10:00:00Z"},
             Row{"2026-11-01", "2026-11-21T10:00:00Z"}, // not before it is made
             Row{"2026-11-21", "2026-11-21T10:00:00Z"},
             Row{"2026-11-22", "2026-11-22T00:00:00Z"}, // with the day, as `until` ends with it
             Row{"2026-11-22T01:02:03Z", "2026-11-22T01:02:03Z"},
         }) {
        ExceptionText text = plain();
        text.from = row.from;
        EXPECT_EQ(format_time(good(text).from), row.begins) << row.from;
    }
    ExceptionText later = plain();
    later.from = "+1d";
    later.until = "+2d";
    EXPECT_EQ(good(later, Times::relative_too).from, now + day);
    EXPECT_EQ(good(later, Times::relative_too).until, now + 2 * day);
}

TEST(ExceptionText, what_is_wrong) {
    struct Row {
        std::string ExceptionText::* field;
        std::string value;
        std::vector<std::string> problems;
    };
    const std::string everybody = "recipient: an exception is for an address, a domain or a "
                                  "suffix; what holds for everybody is set in [policy]";
    for (const Row& row : {
             Row{&ExceptionText::recipient, "", {"recipient: the recipient is missing"}},
             Row{&ExceptionText::recipient, "*", {everybody}},
             Row{&ExceptionText::recipient, "<>", {everybody}},
             Row{&ExceptionText::recipient,
                 "a@*.example",
                 {"recipient: 'a@*.example' is not an address pattern: a star stands alone or "
                  "before the first dot of a domain"}},
             Row{&ExceptionText::sender,
                 "@*x",
                 {"sender: '@*x' is not an address pattern: a star stands alone or before the "
                  "first dot of a domain"}},
             Row{&ExceptionText::lowest, "", {"lowest: the lowest is missing"}},
             Row{&ExceptionText::lowest, "low", {"lowest: 'low' is not a level"}},
             Row{&ExceptionText::override_published,
                 "perhaps",
                 {"override_published: 'perhaps' is neither yes nor no"}},
             Row{&ExceptionText::reason, " ", {"reason: the reason is missing"}},
             Row{&ExceptionText::reason,
                 "a\nb",
                 {"reason: the reason holds characters that are not text"}},
             Row{&ExceptionText::reason,
                 std::string(501, 'x'),
                 {"reason: the reason is too long: 501 octets, at most 500"}},
             Row{&ExceptionText::owner, "", {"owner: the owner is missing"}},
             Row{&ExceptionText::ticket,
                 "\xff",
                 {"ticket: the ticket holds characters that are not text"}},
             Row{&ExceptionText::from, "soon", {"from: 'soon' is not a time"}},
             Row{&ExceptionText::from,
                 "2027-01-01",
                 {"until: the exception would end at 2026-12-31T23:59:59Z, before it begins"}},
             Row{&ExceptionText::until, "", {"until: the until is missing"}},
             Row{&ExceptionText::until, "2026-02-30", {"until: '2026-02-30' is not a time"}},
             Row{&ExceptionText::until,
                 "+30d",
                 {"until: '+30d' means another time whenever it is read"}},
             Row{&ExceptionText::until,
                 "2027-11-22T10:00:01Z",
                 {"until: 2027-11-22T10:00:01Z is further away than [allow] longest = \"366d\" "
                  "lets an exception end"}},
         }) {
        ExceptionText text = plain();
        text.*row.field = row.value;
        EXPECT_EQ(bad(text), row.problems) << row.value;
    }
    EXPECT_EQ(bad({}).size(), 5U) << "all that is missing at once";
}

TEST(ExceptionText, how_far_ahead_it_may_end) {
    ExceptionText text = plain();
    text.until = "2026-11-28T10:00:00Z";
    AllowTerms terms;
    terms.longest = 7 * day;
    EXPECT_TRUE(bad(text, terms).empty());
    terms.longest -= Seconds{1};
    EXPECT_EQ(bad(text, terms).size(), 1U);
    text.from = "2026-11-27"; // counted from now, whenever it begins
    EXPECT_EQ(bad(text, terms).size(), 1U);
}

// A list keeps its lines longer than they hold.
TEST(ExceptionText, an_end_that_is_past_is_no_problem_of_the_text) {
    ExceptionText text = plain();
    for (const char* from : {"", "2020-01-01", "2026-11-21"}) {
        text.from = from;
        text.until = "2026-11-21T10:00:00Z";
        EXPECT_TRUE(good(text).over(now)) << from;
    }
    text.until = "2026-11-21T10:00:01Z";
    EXPECT_FALSE(good(text).over(now));
}

TEST(ExceptionText, what_is_written_reads_as_the_same) {
    for (const std::string recipient : {"example.org", "*.example.org", "bob@example.org",
                                        "\"a b\"@example.org", "[192.0.2.1]", "bob@[192.0.2.1]",
                                        "b\xc3\xbc"
                                        "cher.example"})
        for (const std::string sender : {"", "@clinic.example", "anna@clinic.example", "<>", "*"}) {
            ExceptionText text = plain();
            text.recipient = recipient;
            text.sender = sender;
            text.from = "2026-12-01";
            const Exception once = good(text);
            const ExceptionText written = write_exception(once);
            EXPECT_FALSE(written.recipient.starts_with('@'));
            EXPECT_FALSE(written.sender.starts_with('@'));
            const Exception again = good(written);
            EXPECT_EQ(again.recipient, once.recipient) << written.recipient;
            EXPECT_EQ(again.sender, once.sender) << written.sender;
            EXPECT_EQ(again.from, once.from);
            EXPECT_EQ(again.until, once.until);
            EXPECT_EQ(again.lowest, once.lowest);
            EXPECT_EQ(again.overrides_published, once.overrides_published);
        }
}

} // namespace
} // namespace surehop
