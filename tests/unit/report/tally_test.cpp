// SPDX-License-Identifier: Apache-2.0
#include "report/tally.h"

#include "support/sample_facts.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

using test::ten_o_clock;

LedgerRow decision(const std::string& queue_id, const std::string& domain,
                   const std::string& outcome, const std::string& action) {
    static std::int64_t id = 0;
    LedgerRow row;
    row.id = ++id;
    row.time = ten_o_clock;
    row.kind = "decision";
    row.queue_id = queue_id;
    row.recipient = "bob@" + domain;
    row.domain = domain;
    row.rule = "default";
    row.minimum = "authenticated";
    row.mode = "enforce";
    row.outcome = outcome;
    row.action = row.would = action;
    return row;
}

LedgerRow meets(const std::string& queue_id, const std::string& level) {
    LedgerRow row = decision(queue_id, "good.test", "meets", "accept");
    row.level = level;
    row.facts = "learnt 2026-11-21T10:00:00Z";
    return row;
}

LedgerRow short_of(const std::string& domain, const std::string& reason) {
    LedgerRow row = decision("", domain, "falls-short", "reject");
    row.level = "none";
    row.reason = reason;
    return row;
}

LedgerRow change(const std::string& kind, const std::string& mode = "") {
    LedgerRow row;
    row.time = ten_o_clock;
    row.kind = kind;
    row.mode = mode;
    return row;
}

TEST(Tally, nothing) {
    const Tally tally;
    const Totals& totals = tally.totals();
    EXPECT_EQ(totals.rows, 0U);
    EXPECT_EQ(totals.first, 0);
    EXPECT_EQ(totals.recipients, 0U);
    EXPECT_TRUE(totals.rules.empty());
}

TEST(Tally, recipients_by_outcome_action_level_and_rule) {
    Tally tally;
    tally.add(meets("A", "dane"));
    tally.add(meets("A", "authenticated"));
    tally.add(meets("B", "dane"));
    tally.add(short_of("bad.test", "nothing-published"));
    LedgerRow exempt = decision("C", "near.test", "meets", "accept");
    exempt.rule = "near";
    exempt.minimum = "none";
    exempt.level = "none";
    exempt.detail = "unbound";
    tally.add(exempt);
    const Totals& totals = tally.totals();
    EXPECT_EQ(totals.rows, 5U);
    EXPECT_EQ(totals.last - totals.first, 4);
    EXPECT_EQ(totals.recipients, 5U);
    EXPECT_EQ(totals.outcomes, (Counts{{"meets", 4}, {"falls-short", 1}}));
    EXPECT_EQ(totals.actions, (Counts{{"accept", 4}, {"reject", 1}}));
    EXPECT_EQ(totals.held_to, (Counts{{"dane", 2}, {"authenticated", 1}}))
        << "only of those whose mail went on, and only of those looked up";
    EXPECT_EQ(totals.not_asked, 1U);
    EXPECT_EQ(totals.required, (Counts{{"authenticated", 3}, {"none", 1}}));
    EXPECT_EQ(totals.unbound, 1U);
    EXPECT_EQ(totals.rules.at("default").outcomes, (Counts{{"meets", 3}, {"falls-short", 1}}));
    EXPECT_EQ(totals.rules.at("near").actions, (Counts{{"accept", 1}}));
    ASSERT_EQ(totals.falls_short.size(), 1U);
    EXPECT_EQ(totals.falls_short.at("bad.test").reasons, (Counts{{"nothing-published", 1}}));
    EXPECT_TRUE(totals.addresses.empty());
}

// What could be bound is on offer everywhere; only what is bound holds.
TEST(Tally, what_delivery_is_held_to) {
    struct Row {
        const char *level, *minimum, *outcome, *mode, *held_to;
    };
    for (const Row& row : {
             Row{"dane", "none", "meets", "enforce", "dane"},
             Row{"authenticated", "dane", "falls-short", "audit", "authenticated"},
             Row{"verified", "encrypted", "meets", "enforce", "encrypted"},
             Row{"verified", "verified", "meets", "enforce", "verified"},
             Row{"verified", "none", "meets", "enforce", "none"},
             Row{"verified", "encrypted", "meets", "audit", "none"},
             Row{"verified", "authenticated", "falls-short", "enforce", "none"}, // tagged or held
             Row{"none", "authenticated", "falls-short", "enforce", "none"},
             Row{"", "authenticated", "unknown", "enforce", "none"},
         }) {
        Tally tally;
        LedgerRow one = decision("A", "x.test", row.outcome, "accept");
        one.level = row.level;
        one.minimum = row.minimum;
        one.mode = row.mode;
        one.facts = "learnt 2026-11-21T10:00:00Z";
        tally.add(one);
        EXPECT_EQ(tally.totals().held_to, (Counts{{row.held_to, 1}}))
            << row.level << " " << row.minimum << " " << row.outcome << " " << row.mode;
        EXPECT_EQ(tally.totals().not_asked, 0U);
    }
}

TEST(Tally, without_a_lock_delivery_is_held_to_nothing) {
    Tally tally;
    LedgerRow one = meets("A", "dane");
    for (const char* detail : {"unbound", "unbound; next hops: a.test, b.test"}) {
        one.detail = detail;
        tally.add(one);
    }
    EXPECT_EQ(tally.totals().held_to, (Counts{{"none", 2}}));
    EXPECT_EQ(tally.totals().unbound, 2U);
}

struct Message {
    std::vector<const char*> actions;
    Fate fate;
};

TEST(Tally, what_becomes_of_a_message) {
    const std::vector<Message> table = {
        {{"accept"}, Fate::accepted},           {{"accept", "tag"}, Fate::tagged},
        {{"tag", "accept"}, Fate::tagged},      {{"accept", "quarantine", "tag"}, Fate::held},
        {{"accept", "reject"}, Fate::refused},  {{"quarantine", "defer"}, Fate::refused},
        {{"accept", "accept"}, Fate::accepted},
    };
    for (const Message& message : table) {
        Tally tally;
        for (const char* action : message.actions)
            tally.add(decision("Q", "x.test", "meets", action));
        tally.add(decision("", "x.test", "falls-short", "reject")); // at RCPT: no message
        for (std::size_t fate = 0; fate < fate_names.size(); ++fate)
            EXPECT_EQ(tally.totals().messages.at(fate),
                      fate == static_cast<std::size_t>(message.fate) ? 1U : 0U)
                << message.actions[0] << " " << fate_names.at(fate);
    }
}

// A message that is refused has its rows in two parts; others may stand between them.
TEST(Tally, rows_of_a_message_need_not_follow_one_another) {
    Tally tally;
    tally.add(decision("A", "x.test", "falls-short", "reject"));
    tally.add(decision("B", "x.test", "meets", "accept"));
    tally.add(decision("A", "x.test", "meets", "reject"));
    EXPECT_EQ(tally.totals().messages, (std::array<Count, 4>{1, 0, 0, 1}));
}

TEST(Tally, messages_are_remembered_only_for_a_while) {
    TallyLimits limits;
    limits.messages = 2;
    Tally tally(false, limits);
    for (const char* id : {"A", "B", "C", "A"})
        tally.add(decision(id, "x.test", "meets", "accept"));
    EXPECT_EQ(tally.totals().messages[0], 4U) << "an id that comes again is another message";
}

TEST(Tally, audit_mode_says_what_enforce_would_have_done) {
    Tally tally;
    LedgerRow row = decision("A", "bad.test", "falls-short", "accept");
    row.mode = "audit";
    row.would = "reject";
    tally.add(row);
    EXPECT_EQ(tally.totals().audited, (Counts{{"reject", 1}}));
    LedgerRow refused = decision("B", "bad.test", "meets", "reject"); // with the message
    refused.would = "accept";
    tally.add(refused);
    EXPECT_EQ(tally.totals().audited, (Counts{{"reject", 1}}));
}

TEST(Tally, exceptions_used_and_needed) {
    Tally tally;
    LedgerRow row = decision("A", "lab.test", "meets", "accept");
    row.exception = 3;
    row.level = "none";
    tally.add(row);
    row.level = "dane"; // it has become good since: the exception is not needed any more
    tally.add(row);
    row.level = "none";
    row.outcome = "unknown";
    tally.add(row);
    const ExceptionTally& exception = tally.totals().exceptions.at(3);
    EXPECT_EQ(exception.recipients, 3U);
    EXPECT_EQ(exception.needed, 1U);
    EXPECT_EQ(tally.totals().excepted, 1U);
}

TEST(Tally, floods_are_counted_once) {
    Tally tally;
    LedgerRow first = change("refusals"), then = change("refusals");
    first.times = 0;
    then.times = 35;
    tally.add(first);
    tally.add(then);
    EXPECT_EQ(tally.totals().summed, 35U);
    EXPECT_EQ(tally.totals().recipients, 0U);
    EXPECT_TRUE(tally.totals().changes.empty());
}

TEST(Tally, changes_modes_incidents_and_downgrades) {
    Tally tally;
    for (const auto& [kind, mode] :
         std::vector<std::pair<const char*, const char*>>{{"start", "audit"},
                                                          {"reload", "enforce"},
                                                          {"allow-add", ""},
                                                          {"allow-add", ""},
                                                          {"reload", "enforce"},
                                                          {"reload", "audit"}})
        tally.add(change(kind, mode));
    LedgerRow incident = change("incident");
    incident.detail = "dns: everything fails";
    tally.add(incident);
    tally.add(change("incident-over"));
    LedgerRow downgrade = change("downgrade");
    downgrade.next_hop = "weak.test";
    downgrade.reason = "sts-mode-none";
    tally.add(downgrade);
    downgrade.time += Seconds{60};
    tally.add(downgrade);
    LedgerRow lock = change("lock", "enforce");
    lock.next_hop = "weak.test";
    lock.reason = "nothing-published";
    lock.action = "defer";
    tally.add(lock);
    lock.times = 7; // the hour's rest
    tally.add(lock);
    lock.mode = "audit";
    lock.action = "accept";
    tally.add(lock);
    const Totals& totals = tally.totals();
    EXPECT_EQ(totals.held_back.at({"weak.test", "nothing-published"}).times, 8U);
    EXPECT_EQ(totals.would_hold_back.at({"weak.test", "nothing-published"}).times, 7U);
    EXPECT_EQ(
        totals.changes,
        (Counts{
            {"start", 1}, {"reload", 3}, {"allow-add", 2}, {"incident", 1}, {"incident-over", 1}}));
    ASSERT_EQ(totals.modes.size(), 2U);
    EXPECT_EQ(totals.modes[0].mode, "enforce");
    EXPECT_EQ(totals.modes[1].mode, "audit");
    EXPECT_EQ(totals.mode, "audit");
    ASSERT_EQ(totals.incidents.size(), 1U);
    const RecurrentTally& weak = totals.downgrades.at({"weak.test", "sts-mode-none"});
    EXPECT_EQ(weak.times, 2U);
    EXPECT_EQ(weak.last, ten_o_clock + Seconds{60});
}

TEST(Tally, addresses_only_where_asked_for) {
    Tally tally(true);
    tally.add(short_of("bad.test", "nothing-published"));
    tally.add(short_of("bad.test", "nothing-published"));
    tally.add(decision("", "gone.test", "no-mail", "reject"));
    EXPECT_EQ(tally.totals().addresses, (Counts{{"bob@bad.test", 2}}));
}

TEST(Tally, a_flood_of_domains_stays_bounded_and_keeps_the_frequent_ones) {
    TallyLimits limits;
    limits.domains = 100;
    limits.events = 10;
    Tally tally(true, limits);
    for (int i = 0; i < 10'000; ++i) {
        tally.add(short_of("d" + std::to_string(i) + ".test", "nothing-published"));
        if (i % 10 == 0)
            tally.add(short_of("often.test", "nothing-published"));
        tally.add(change("incident"));
    }
    const Totals& totals = tally.totals();
    EXPECT_LE(totals.falls_short.size(), 100U);
    EXPECT_LE(totals.addresses.size(), 100U);
    EXPECT_EQ(totals.falls_short.at("often.test").recipients, 1'000U);
    EXPECT_EQ(totals.incidents.size(), 10U);
    EXPECT_TRUE(totals.rarest_given_up);
    EXPECT_EQ(totals.recipients, 11'000U) << "sums are never given up";
}

} // namespace
} // namespace surehop
