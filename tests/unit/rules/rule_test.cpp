// SPDX-License-Identifier: Apache-2.0
#include "rules/rule.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop {
namespace {

using enum Answer;

Context context() {
    Context out;
    out.sender = *Path::parse("nurse@clinic.example");
    out.recipient = *Path::parse("bob@partner.example");
    return out;
}

FieldCondition field(std::string_view name, std::string_view expression) {
    auto parsed = FieldCondition::parse(name, expression);
    EXPECT_TRUE(parsed) << parsed.error();
    return *std::move(parsed);
}

// The same three questions for each condition that the mail server may leave open: a match, no
// match, not told.
TEST(Rule, users) {
    Rule rule;
    rule.users = {"alice", "bob"};
    Context who = context();
    EXPECT_EQ(rule.matches(who), cannot_tell);
    who.user = "";
    EXPECT_EQ(rule.matches(who), no);
    who.user = "Alice"; // another spelling is no way around a rule
    EXPECT_EQ(rule.matches(who), yes);
    who.user = "carol";
    EXPECT_EQ(rule.matches(who), no);
    rule.users = {"*"};
    EXPECT_EQ(rule.matches(who), yes);
    who.user = "";
    EXPECT_EQ(rule.matches(who), no);
}

TEST(Rule, clients) {
    Rule rule;
    rule.clients = {*IpRange::parse("10.0.0.0/8"), *IpRange::parse("2001:db8::/32")};
    struct Row {
        const char* client;
        Answer expected;
    };
    for (const Row& row :
         {Row{"10.1.2.3", yes}, {"11.0.0.1", no}, {"2001:db8:1::1", yes}, {"2001:db9::1", no}}) {
        Context from = context();
        from.client = row.client;
        EXPECT_EQ(rule.matches(from), row.expected) << row.client;
    }
    EXPECT_EQ(rule.matches(context()), cannot_tell);
    Context odd = context();
    odd.client = "no address";
    EXPECT_EQ(rule.matches(odd), cannot_tell);
}

TEST(Rule, listeners_size_and_hours) {
    Rule rule;
    rule.listeners = {"submission"};
    rule.larger_than = 1000;
    rule.hours = {*Hours::parse("Mon-Fri 08:00-18:00")};
    Context in = context();
    EXPECT_EQ(rule.matches(in), cannot_tell);
    in.listener = "submission";
    in.size = 1001;
    EXPECT_EQ(rule.matches(in), cannot_tell); // no clock on the wall
    in.when = LocalTime{0, 8 * 60};
    EXPECT_EQ(rule.matches(in), yes);
    in.size = 1000;
    EXPECT_EQ(rule.matches(in), no);
    in.size.reset();
    EXPECT_EQ(rule.matches(in), cannot_tell);
    in.listener = "smtp";
    EXPECT_EQ(rule.matches(in), no);
    in.listener = "Submission";
    in.size = 1001;
    in.when = LocalTime{5, 8 * 60};
    EXPECT_EQ(rule.matches(in), no);
}

TEST(Rule, fields_are_told_when_the_header_is_over) {
    Rule rule;
    rule.fields = {field("X-Classification", "(?i)confidential|secret")};
    Context message = context();
    EXPECT_EQ(rule.matches(message), cannot_tell);
    Fields fields;
    message.fields = &fields;
    EXPECT_EQ(rule.matches(message), cannot_tell);
    fields.all = true;
    EXPECT_EQ(rule.matches(message), no);
    fields.values.emplace("x-classification", "public");
    EXPECT_EQ(rule.matches(message), no);
    fields.values.emplace("x-classification", "top SECRET");
    EXPECT_EQ(rule.matches(message), yes); // one of several is enough
    fields.all = false;
    EXPECT_EQ(rule.matches(message), yes);
}

TEST(Rule, a_field_that_must_not_match) {
    Rule rule;
    rule.fields = {field("X-Classification", "!(?i)^public$")};
    Fields fields;
    Context message = context();
    message.fields = &fields;
    EXPECT_EQ(rule.matches(message), cannot_tell);
    fields.all = true;
    EXPECT_EQ(rule.matches(message), yes); // a label that is missing
    fields.values.emplace("x-classification", "Public");
    EXPECT_EQ(rule.matches(message), no);
    fields.all = false;
    EXPECT_EQ(rule.matches(message), no);
}

TEST(Rule, all_conditions_and_no_wins_over_not_told) {
    Rule rule;
    rule.fields = {field("Subject", "^\\[secure\\]"), field("Sensitivity", ".")};
    rule.recipients.add(*AddressPattern::parse("partner.example"));
    Context message = context();
    EXPECT_EQ(rule.matches(message), cannot_tell);
    Fields fields{{{"subject", "[secure] results"}}, true};
    message.fields = &fields;
    EXPECT_EQ(rule.matches(message), no);
    fields.values.emplace("sensitivity", "private");
    EXPECT_EQ(rule.matches(message), yes);
    message.recipient = *Path::parse("x@elsewhere.example");
    message.fields = nullptr;
    EXPECT_EQ(rule.matches(message), no);
}

// A value that makes the expression work for ever cannot be told, and ends soon.
TEST(FieldCondition, hostile_values_end) {
    const FieldCondition slow = field("X-Label", "^(a+)+$");
    Fields fields{{{"x-label", std::string(5000, 'a') + "!"}}, true};
    EXPECT_EQ(slow.test(&fields), cannot_tell);
    const FieldCondition word = field("X-Label", "confidential");
    fields.values = {{"x-label", "\xff\xfe confidential \xc3"}}; // not UTF-8
    EXPECT_EQ(word.test(&fields), yes);
}

TEST(FieldCondition, what_cannot_be_read) {
    struct Row {
        const char *name, *expression, *error;
    };
    const Row table[] = {
        {"X Label", "a", "'X Label' is no name of a header field"},
        {"X-Label:", "a", "'X-Label:' is no name of a header field"},
        {"", "a", "'' is no name of a header field"},
        {"X-Label", "", "the expression for X-Label is empty"},
        {"X-Label", "!", "the expression for X-Label is empty"},
        {"X-Label", "a(b",
         "the expression for X-Label is not valid at character 4: missing closing parenthesis"},
        {"X-Label", "!a(b",
         "the expression for X-Label is not valid at character 5: missing closing parenthesis"},
        {"X-Label", "a\\C",
         "the expression for X-Label is not valid at character 4: using \\C is disabled by the "
         "application"},
    };
    for (const Row& row : table) {
        const auto parsed = FieldCondition::parse(row.name, row.expression);
        ASSERT_FALSE(parsed) << row.expression;
        EXPECT_EQ(parsed.error(), row.error);
    }
}

TEST(Rule, who_is_stricter) {
    const auto ask = [](PolicyMode mode, Level minimum, Action falls_short = Action::reject,
                        Action unknown = Action::defer) {
        Requirement out;
        out.mode = mode;
        out.minimum = minimum;
        out.falls_short = falls_short;
        out.unknown = unknown;
        return out;
    };
    using enum PolicyMode;
    // Each is stricter than those after it.
    const std::vector<Requirement> order = {
        ask(enforce, Level::dane),
        ask(enforce, Level::authenticated),
        ask(enforce, Level::authenticated, Action::quarantine),
        ask(enforce, Level::encrypted),
        ask(enforce, Level::dane, Action::tag), // only marks
        ask(enforce, Level::none),
        ask(audit, Level::dane),
        ask(audit, Level::none),
    };
    for (std::size_t i = 0; i < order.size(); ++i)
        for (std::size_t j = 0; j < order.size(); ++j)
            EXPECT_EQ(stricter(order[i], order[j]), i < j) << i << " " << j;
}

TEST(Rule, requiretls_raises_and_never_lowers) {
    Requirement asked;
    asked.minimum = Level::encrypted;
    asked.falls_short = Action::tag;
    asked.unknown = Action::accept;
    const Requirement raised = with_requiretls(asked);
    EXPECT_EQ(raised.minimum, Level::authenticated);
    EXPECT_EQ(raised.falls_short, Action::reject);
    EXPECT_EQ(raised.unknown, Action::defer);
    EXPECT_TRUE(raised.by_requiretls);
    asked.minimum = Level::dane;
    asked.falls_short = Action::quarantine;
    EXPECT_EQ(with_requiretls(asked).minimum, Level::dane);
    EXPECT_EQ(with_requiretls(asked).falls_short, Action::quarantine);
    EXPECT_FALSE(with_requiretls(asked).by_requiretls);
}

// Only such rules can be held by the lock.
TEST(Rule, what_looks_at_the_recipients_domain_alone) {
    const auto with = [](auto change) {
        Rule rule;
        rule.recipients.add(*AddressPattern::parse("*.example.org"));
        change(rule);
        return rule.on_recipient_domain_alone();
    };
    EXPECT_TRUE(with([](Rule&) {}));
    EXPECT_FALSE(with([](Rule& r) { r.recipients.add(*AddressPattern::parse("a@b.example")); }));
    EXPECT_FALSE(with([](Rule& r) { r.senders.add(*AddressPattern::parse("*")); }));
    EXPECT_FALSE(with([](Rule& r) { r.users = {"alice"}; }));
    EXPECT_FALSE(with([](Rule& r) { r.clients = {*IpRange::parse("10.0.0.1")}; }));
    EXPECT_FALSE(with([](Rule& r) { r.listeners = {"smtp"}; }));
    EXPECT_FALSE(with([](Rule& r) { r.fields = {*FieldCondition::parse("Subject", "a")}; }));
    EXPECT_FALSE(with([](Rule& r) { r.larger_than = 1; }));
    EXPECT_FALSE(with([](Rule& r) { r.hours = {*Hours::parse("08:00-09:00")}; }));
}

} // namespace
} // namespace surehop
