// SPDX-License-Identifier: Apache-2.0
#include "rules/ruleset.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop {
namespace {

using enum Level;

Path path(std::string_view text) { return *Path::parse(text); }
Domain domain(std::string_view text) { return *Domain::parse(text); }

AddressSet patterns(const std::vector<std::string>& texts) {
    AddressSet out;
    for (const std::string& text : texts)
        out.add(*AddressPattern::parse(text));
    return out;
}

// As far as the envelope tells.
std::string decides(const RuleSet& rules, std::string_view from, std::string_view to) {
    Context context;
    context.sender = path(from);
    context.recipient = path(to);
    const auto found = rules.candidates(context);
    return found.size() == 1 ? found.front()->rule : "several";
}

Requirement ask(const std::string& name, Level minimum, PolicyMode mode = PolicyMode::enforce) {
    Requirement out;
    out.rule = name;
    out.minimum = minimum;
    out.mode = mode;
    return out;
}

Rule rule(const std::string& name, const std::vector<std::string>& senders,
          const std::vector<std::string>& recipients, Level minimum,
          PolicyMode mode = PolicyMode::enforce) {
    Rule out;
    out.senders = patterns(senders);
    out.recipients = patterns(recipients);
    out.requirement = ask(name, minimum, mode);
    return out;
}

RuleSet set(std::vector<Rule> rules, Level last_resort = authenticated,
            PolicyMode mode = PolicyMode::enforce) {
    return {std::move(rules), ask("default", last_resort, mode)};
}

TEST(RuleSet, FirstMatchDecides) {
    const RuleSet rules = set({
        rule("patient data", {"@clinic.example"}, {"*.gov.example"}, dane),
        rule("bounces", {"<>"}, {}, none),
        rule("partner", {}, {"partner.example", "@friend.example"}, verified),
        rule("one person", {}, {"bob@partner.example", "bob@other.example"}, encrypted),
        rule("clinic", {"@clinic.example"}, {}, encrypted),
    });
    struct Row {
        const char *from, *to, *rule;
    };
    const Row table[] = {
        {"a@clinic.example", "x@tax.gov.example", "patient data"},
        {"a@other.example", "x@tax.gov.example", "default"},
        {"a@clinic.example", "x@gov.example", "clinic"}, // a suffix is not the domain itself
        {"<>", "x@tax.gov.example", "bounces"},
        {"<>", "x@partner.example", "bounces"},
        {"a@clinic.example", "bob@partner.example", "partner"}, // shadowed: the first decides
        {"a@other.example", "BOB@OTHER.example", "one person"},
        {"a@other.example", "bob@OTHER.example", "one person"},
        {"a@clinic.example", "x@elsewhere.example", "clinic"},
        {"a@other.example", "x@elsewhere.example", "default"},
    };
    for (const Row& row : table)
        EXPECT_EQ(decides(rules, row.from, row.to), row.rule) << row.from << " " << row.to;
}

TEST(RuleSet, FloorIsOfTheFirstRuleOnRecipientDomainAlone) {
    Rule tag = rule("tag", {}, {"tagged.example"}, dane);
    tag.requirement.falls_short = Action::tag;
    Rule passes = rule("passes", {}, {"passes.example"}, dane);
    passes.requirement.unknown = Action::accept;
    const RuleSet rules = set({
        rule("by sender", {"@clinic.example"}, {"partner.example"}, dane),
        rule("by address", {}, {"bob@partner.example"}, dane),
        rule("watched", {}, {"watched.example"}, dane, PolicyMode::audit),
        rule("enforced, after it", {}, {"watched.example"}, dane),
        rule("partner", {}, {"partner.example", "*.partner.example"}, verified),
        rule("later", {}, {"partner.example"}, none),
        rule("none", {}, {"open.example"}, none),
        tag,
        passes,
    });
    struct Row {
        const char* domain;
        Level floor;
    };
    const Row table[] = {
        {"partner.example", verified},
        {"mx.partner.example", verified},
        {"open.example", none},
        {"elsewhere.example", authenticated},
        // The first decides, also where it only watches: what the gate lets pass gets through.
        {"watched.example", none},
        // What only marks is never held back by the lock.
        {"tagged.example", none},
        {"passes.example", none},
    };
    for (const Row& row : table)
        EXPECT_EQ(rules.floor(domain(row.domain)), row.floor) << row.domain;
    EXPECT_EQ(rules.floor(std::nullopt), authenticated);
    EXPECT_EQ(rules.lowest_floor(), none);
}

TEST(RuleSet, LowestFloorLooksAtEveryRuleThatTheLockCanHold) {
    EXPECT_EQ(set({}).lowest_floor(), authenticated);
    EXPECT_EQ(set({rule("up", {}, {"a.example"}, dane)}).lowest_floor(), authenticated);
    EXPECT_EQ(set({rule("down", {}, {"a.example"}, encrypted)}).lowest_floor(), encrypted);
    EXPECT_EQ(set({rule("by sender", {"@x.example"}, {}, none)}).lowest_floor(), authenticated);
    EXPECT_EQ(set({rule("watched", {}, {"a.example"}, dane, PolicyMode::audit)}).lowest_floor(),
              none);
}

TEST(RuleSet, AuditDemandsNothingOfTheLock) {
    const RuleSet rules = set({}, dane, PolicyMode::audit);
    EXPECT_EQ(rules.floor(domain("a.example")), none);
    EXPECT_EQ(rules.floor(std::nullopt), none);
    EXPECT_EQ(rules.mode(), PolicyMode::audit);
}

Rule marking(const std::string& name, Action falls_short, Action unknown) {
    Rule out = rule(name, {"@x.example"}, {}, dane);
    out.requirement.falls_short = falls_short;
    out.requirement.unknown = unknown;
    return out;
}

// The lock sees no sender: a rule that looks at one may only raise.
TEST(RuleSet, BelowFloor) {
    struct Row {
        const char* what;
        RuleSet rules;
        std::vector<std::string> named; // rules that are refused
    };
    const Row table[] = {
        {"on domain alone, it sets the floor itself",
         set({rule("r", {}, {"a.example"}, none)}),
         {}},
        {"by sender, raising", set({rule("r", {"@x.example"}, {}, dane)}), {}},
        {"by sender, as high", set({rule("r", {"@x.example"}, {}, authenticated)}), {}},
        {"by sender, lowering", set({rule("r", {"@x.example"}, {}, none)}), {"r"}},
        // The gate would let it pass, and the lock hold it back: that is no audit.
        {"by sender, in audit",
         set({rule("r", {"@x.example"}, {}, dane, PolicyMode::audit)}),
         {"r"}},
        {"by sender, in audit, where all is",
         set({rule("r", {"@x.example"}, {}, dane, PolicyMode::audit)}, dane, PolicyMode::audit),
         {}},
        {"by address, in audit, where one rule enforces",
         set({rule("r", {}, {"bob@a.example", "bob@b.example"}, dane, PolicyMode::audit),
              rule("d", {}, {"b.example"}, encrypted)},
             dane, PolicyMode::audit),
         {"r"}},
        {"by sender, in audit, after the rule that enforces: that one decides there",
         set({rule("d", {}, {"b.example"}, encrypted),
              rule("r", {"@x.example"}, {}, dane, PolicyMode::audit)},
             dane, PolicyMode::audit),
         {}},
        {"by sender, marking what falls short",
         set({marking("r", Action::tag, Action::defer)}),
         {"r"}},
        {"by sender, passing what is unknown",
         set({marking("r", Action::reject, Action::accept)}),
         {"r"}},
        {"by sender, marking, where nothing is demanded",
         set({marking("r", Action::tag, Action::defer)}, none),
         {}},
        {"by sender, holding what falls short",
         set({marking("r", Action::quarantine, Action::quarantine)}),
         {}},
        {"by address, lowering", set({rule("r", {}, {"bob@a.example"}, none)}), {"r"}},
        {"by address of a domain whose floor is as low, set later",
         set({rule("r", {}, {"bob@a.example"}, none), rule("d", {}, {"a.example"}, none)}),
         {}},
        {"by sender, where a later rule asks more of one of the domains",
         set({rule("r", {"@x.example"}, {}, authenticated), rule("d", {}, {"a.example"}, dane)}),
         {"r"}},
        {"by sender, after the rule that asks more: that one decides there",
         set({rule("d", {}, {"a.example"}, dane), rule("r", {"@x.example"}, {}, authenticated)}),
         {}},
        {"by sender, after a rule in audit that takes the domain away",
         set({rule("d", {}, {"a.example"}, none, PolicyMode::audit),
              rule("r", {"@x.example"}, {"a.example"}, none)}),
         {}},
        {"by sender to a suffix; more is asked of the domain above only",
         set({rule("r", {"@x.example"}, {"*.a.example"}, authenticated),
              rule("d", {}, {"a.example"}, dane)}),
         {}},
        {"by sender to a suffix; more is asked of a name below",
         set({rule("r", {"@x.example"}, {"*.a.example"}, authenticated),
              rule("d", {}, {"deep.below.a.example"}, dane)}),
         {"r"}},
        {"by sender to a suffix; more is asked of a suffix below",
         set({rule("r", {"@x.example"}, {"*.a.example"}, authenticated),
              rule("d", {}, {"*.below.a.example"}, dane)}),
         {"r"}},
        {"by sender to a suffix below one of which more is asked",
         set({rule("r", {"@x.example"}, {"*.below.a.example"}, authenticated),
              rule("d", {}, {"*.a.example"}, dane)}),
         {"r"}},
        {"each is named",
         set({rule("r", {"@x.example"}, {}, none), rule("s", {}, {"bob@a.example"}, verified)}),
         {"r", "s"}},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.what);
        const auto found = row.rules.below_floor();
        ASSERT_EQ(found.size(), row.named.size()) << (found.empty() ? "" : found.front().why);
        for (std::size_t i = 0; i < found.size(); ++i) {
            const std::string& name = row.rules.rules()[found[i].rule].requirement.rule;
            EXPECT_EQ(name, row.named[i]);
            EXPECT_TRUE(found[i].why.starts_with("rule \"" + name + "\" ")) << found[i].why;
        }
    }
}

// The longest configuration that is read must not take minutes to check.
TEST(RuleSet, BelowFloorOfAThousandRules) {
    std::vector<Rule> rules;
    for (int i = 0; i < 500; ++i) {
        const std::string name = "d" + std::to_string(i) + ".example";
        rules.push_back(rule("up" + name, {"@x.example"}, {name}, dane));
        rules.push_back(rule(name, {}, {name, "*." + name}, verified));
    }
    EXPECT_TRUE(set(std::move(rules)).below_floor().empty());
}

TEST(RuleSet, OnlyMarks) {
    Requirement asked;
    for (const Action action :
         {Action::accept, Action::tag, Action::quarantine, Action::defer, Action::reject}) {
        const bool passes = action == Action::accept || action == Action::tag;
        asked.falls_short = action;
        asked.unknown = Action::defer;
        EXPECT_EQ(only_marks(asked), passes) << name_of(action);
        asked.falls_short = Action::reject;
        asked.unknown = action;
        EXPECT_EQ(only_marks(asked), passes) << name_of(action);
    }
}

TEST(RuleSet, HashChangesWithWhateverDecides) {
    const std::string before = set({rule("r", {"@x.example"}, {"a.example"}, dane)}).hash();
    EXPECT_EQ(before.size(), 64U);
    EXPECT_EQ(set({rule("r", {"@x.example"}, {"a.example"}, dane)}).hash(), before);
    EXPECT_EQ(set({rule("r", {"@x.example"}, {"@A.example"}, dane)}).hash(), before)
        << "written otherwise, and the same";
    EXPECT_NE(set({rule("r", {"@x.example"}, {"b.example"}, dane)}).hash(), before);
    EXPECT_NE(set({rule("r", {"a.example"}, {"@x.example"}, dane)}).hash(), before);
    EXPECT_NE(set({rule("r", {"@x.example"}, {"a.example"}, verified)}).hash(), before);
    EXPECT_NE(set({rule("r", {"@x.example"}, {"a.example"}, dane)}, none).hash(), before);
    EXPECT_NE(set({}).hash(), before);
}

TEST(RuleSet, ModeIsThatOfMailThatNoNarrowerRuleIsAbout) {
    constexpr auto audit = PolicyMode::audit, enforce = PolicyMode::enforce;
    EXPECT_EQ(set({}).mode(), enforce);
    EXPECT_EQ(set({}, dane, audit).mode(), audit);
    EXPECT_EQ(set({rule("all", {}, {}, dane, audit)}).mode(), audit);
    EXPECT_EQ(set({rule("all", {}, {"*"}, dane, audit)}).mode(), audit);
    EXPECT_EQ(set({rule("all", {}, {}, dane)}, dane, audit).mode(), enforce);
    EXPECT_EQ(set({rule("one", {}, {"x.example"}, dane, audit)}).mode(), enforce);
    EXPECT_EQ(set({rule("who", {"@x.example"}, {}, dane, audit)}).mode(), enforce);
}

TEST(RuleSet, WhatIsNoLongerEnforcedIsNamed) {
    constexpr auto audit = PolicyMode::audit;
    const RuleSet before = set({rule("a", {}, {"a.example"}, dane), rule("b", {}, {}, verified)});
    using Names = std::vector<std::string>;
    EXPECT_EQ(before.no_longer_enforced(before), Names());
    EXPECT_EQ(set({rule("a", {}, {"a.example"}, dane, audit), rule("b", {}, {}, verified)})
                  .no_longer_enforced(before),
              Names{"rule \"a\""});
    EXPECT_EQ(set({rule("new", {}, {}, verified, audit)}).no_longer_enforced(before),
              Names{"the mode"});
    EXPECT_EQ(before.no_longer_enforced(set({rule("a", {}, {}, dane, audit)})), Names());
}

TEST(RuleSet, NamesOfActionsAndModes) {
    for (const Action action :
         {Action::accept, Action::tag, Action::quarantine, Action::defer, Action::reject})
        EXPECT_EQ(action_of(name_of(action)), action);
    EXPECT_EQ(action_of("Reject"), std::nullopt);
    EXPECT_EQ(name_of(PolicyMode::audit), "audit");
    EXPECT_EQ(name_of(PolicyMode::enforce), "enforce");
}

// What the message may still say: each rule that is not certainly out of it is a candidate.
TEST(RuleSet, CandidatesUntilTheMessageHasSpoken) {
    Rule label = rule("label", {}, {}, dane);
    label.fields = {*FieldCondition::parse("X-Label", "secret")};
    Rule big = rule("big", {"@clinic.example"}, {}, verified);
    big.larger_than = 1000;
    const RuleSet rules =
        set({label, big, rule("clinic", {"@clinic.example"}, {}, encrypted)}, none);
    const auto names = [&](const Context& context) {
        std::vector<std::string> out;
        for (const Requirement* asked : rules.candidates(context))
            out.push_back(asked->rule);
        return out;
    };
    using Names = std::vector<std::string>;
    Context context;
    context.sender = path("a@clinic.example");
    context.recipient = path("b@elsewhere.example");
    context.more_to_come = true;
    EXPECT_EQ(names(context), (Names{"label", "big", "clinic"}));
    Fields fields{{}, true};
    context.fields = &fields;
    EXPECT_EQ(names(context), (Names{"big", "clinic"}));
    // Nothing more will be told: what is stricter counts.
    context.more_to_come = false;
    EXPECT_EQ(names(context), Names{"big"});
    context.size = 1000;
    EXPECT_EQ(names(context), Names{"clinic"});
    context.fields = nullptr;
    EXPECT_EQ(names(context), Names{"label"});
    fields.values.emplace("x-label", "secret");
    context.fields = &fields;
    context.more_to_come = true;
    EXPECT_EQ(names(context), Names{"label"}); // certain already

    EXPECT_EQ(rules.field_names(), (std::set<std::string, std::less<>>{"x-label"}));
    EXPECT_TRUE(rules.asks_for_size());
    EXPECT_FALSE(set({label}).asks_for_size());
}

TEST(RuleSet, EachConditionIsInTheHash) {
    const auto hash = [](auto change) {
        Rule one = rule("one", {}, {"a.example"}, dane);
        change(one);
        return set({one}).hash();
    };
    std::set<std::string> hashes = {hash([](Rule&) {})};
    hashes.insert(hash([](Rule& r) { r.users = {"alice"}; }));
    hashes.insert(hash([](Rule& r) { r.listeners = {"alice"}; }));
    hashes.insert(hash([](Rule& r) { r.clients = {*IpRange::parse("10.0.0.1")}; }));
    hashes.insert(hash([](Rule& r) { r.fields = {*FieldCondition::parse("A", "alice")}; }));
    hashes.insert(hash([](Rule& r) { r.fields = {*FieldCondition::parse("A", "!alice")}; }));
    hashes.insert(hash([](Rule& r) { r.larger_than = 1; }));
    hashes.insert(hash([](Rule& r) { r.hours = {*Hours::parse("08:00-09:00")}; }));
    EXPECT_EQ(hashes.size(), 8U);
}

} // namespace
} // namespace surehop
