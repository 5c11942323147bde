// SPDX-License-Identifier: Apache-2.0
#include "gate/refresher.h"

#include "support/run.h"
#include "support/world.h"

#include <gtest/gtest.h>

namespace surehop::test {
namespace {

using std::chrono::hours;

constexpr std::string_view sts_zone = R"(
    zone a.test unsigned
    a.test               MX   10 mx.a.test
    mx.a.test            A    192.0.2.1
    mta-sts.a.test       A    192.0.2.2
    _mta-sts.a.test      TXT  v=STSv1; id=1
)";
constexpr const char* policy = "version: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 604800\n";

class RefresherTest : public ::testing::Test {
  protected:
    RefresherTest() {
        world.refreshing = true;
        world.https.serve("a.test", policy);
    }
    void mail(const std::string& domain = "a.test") {
        (void)world.mail("nurse@clinic.test", "bob@" + domain);
    }
    // What it asked of its own accord while time passed.
    std::size_t questions(Seconds time, std::string_view type = "MX") {
        world.dns.forget();
        world.pass(time);
        return world.dns.count(type);
    }
    // What a mail costs now.
    std::size_t cost(const std::string& domain = "a.test") {
        world.dns.forget();
        mail(domain);
        return world.dns.asked.size();
    }
    World world{sts_zone};
};

TEST_F(RefresherTest, nobody_waits_for_a_next_hop_in_use) {
    mail();
    mail();
    for (int i = 0; i < 100; ++i) {
        world.pass(Seconds{137});
        EXPECT_EQ(cost(), 0U) << i;
    }
}

TEST_F(RefresherTest, once_for_each_life_of_the_facts) {
    mail();
    mail();
    const std::size_t asked = questions(hours{1}); // a TTL of 300 seconds
    EXPECT_LE(asked, 13U);
    EXPECT_GE(asked, 11U);
    EXPECT_EQ(questions(hours{1}), 0U) << "an hour after the last use";
}

TEST_F(RefresherTest, stops_when_it_is_not_used_any_more) {
    mail();
    mail();
    world.pass(hours{1} + Seconds{300});
    EXPECT_EQ(questions(hours{10}), 0U);
    EXPECT_GT(cost(), 0U);
}

// An invented domain is used once.
TEST_F(RefresherTest, what_was_used_once_is_left_alone) {
    for (int i = 0; i < 100; ++i)
        mail("invented" + std::to_string(i) + ".test");
    EXPECT_EQ(questions(hours{2}), 0U);
}

TEST_F(RefresherTest, an_answer_with_the_rest_of_its_TTL_costs_one_more) {
    mail();
    mail();
    world.pass(Seconds{280});
    world.dns.add("zone a.test unsigned ttl 4"); // as a resolver says it that has cached it
    world.pass(Seconds{18});
    world.dns.add("zone a.test unsigned ttl 300");
    EXPECT_EQ(cost(), 0U);
    world.pass(Seconds{6});
    EXPECT_EQ(cost(), 0U);
    EXPECT_LE(questions(Seconds{280}), 1U);
    EXPECT_EQ(cost(), 0U);
}

TEST_F(RefresherTest, a_very_short_life_is_no_reason_to_ask_all_the_time) {
    world.dns.add("zone a.test unsigned ttl 1");
    mail();
    mail();
    EXPECT_LE(questions(hours{1}), 65U);
}

TEST_F(RefresherTest, a_failure_ahead_of_time_costs_nothing_that_holds) {
    world.dns.add("zone a.test unsigned ttl 3600");
    mail();
    mail();
    const Time until = world.process().facts.find("a.test")->until;
    world.dns.add("a.test MX fails servfail");
    world.pass(until - Seconds{1} - world.clock.now());
    EXPECT_GT(world.dns.count("MX"), 1U) << "it was asked";
    EXPECT_EQ(world.mail("nurse@clinic.test", "bob@a.test").verdict.outcome, OutcomeKind::meets);
    world.pass(Seconds{10});
    EXPECT_EQ(cost(), 0U) << "unknown, and known to be";
    EXPECT_EQ(world.mail("nurse@clinic.test", "bob@a.test").verdict.outcome, OutcomeKind::unknown);
    world.dns.remove("a.test", "MX");
    world.dns.add("a.test MX 10 mx.a.test");
    world.pass(Seconds{301});
    EXPECT_EQ(cost(), 0U);
    EXPECT_EQ(world.mail("nurse@clinic.test", "bob@a.test").verdict.outcome, OutcomeKind::meets);
}

TEST_F(RefresherTest, what_never_worked_is_asked_again_only_when_needed) {
    world.dns.add("zone b.test unsigned\n b.test MX fails timeout");
    mail("b.test");
    mail("b.test");
    EXPECT_EQ(questions(hours{1}), 0U);
}

TEST_F(RefresherTest, a_policy_is_fetched_every_day_though_nobody_writes_there) {
    mail();
    world.https.asked.clear();
    for (int day = 1; day <= 20; ++day) {
        world.pass(hours{24});
        EXPECT_GE(world.https.asked.size() + 1, static_cast<std::size_t>(day));
        EXPECT_LE(world.https.asked.size(), static_cast<std::size_t>(day) + 4);
        EXPECT_GT(world.process().facts.find("a.test")->sts.expires, world.clock.now()) << day;
    }
}

TEST_F(RefresherTest, a_policy_that_cannot_be_fetched_is_tried_every_few_hours_and_stays) {
    mail();
    world.pass(hours{1});
    world.https.stop("a.test");
    world.https.asked.clear();
    world.pass(hours{24 * 6});
    EXPECT_GE(world.https.asked.size(), 50U);
    EXPECT_LE(world.https.asked.size(), 140U);
    EXPECT_EQ(world.process().facts.find("a.test")->sts.standing.state, State::present);
    EXPECT_NE(world.process().facts.find("a.test")->sts.refresh.state, State::present);
}

TEST_F(RefresherTest, survives_a_restart) {
    mail();
    world.process().store.settle();
    world.restart();
    world.https.asked.clear();
    world.pass(hours{24});
    EXPECT_EQ(world.https.asked.size(), 1U);
}

TEST_F(RefresherTest, what_nobody_used_for_a_month_is_gone_and_its_policy_left_to_end) {
    mail();
    world.dns.add("zone plain.test unsigned\n plain.test MX 10 mx.a.test");
    mail("plain.test");
    world.pass(hours{24 * 29});
    world.restart(); // what is on disk
    EXPECT_NE(world.process().facts.find("plain.test"), nullptr);
    world.pass(hours{24 * 2});
    world.process().store.settle();
    world.restart();
    EXPECT_EQ(world.process().facts.find("plain.test"), nullptr);
    EXPECT_NE(world.process().facts.find("a.test"), nullptr);
    world.https.asked.clear();
    world.pass(hours{24 * 8});
    EXPECT_TRUE(world.https.asked.empty());
    world.process().store.settle();
    world.restart();
    EXPECT_EQ(world.process().facts.find("a.test"), nullptr);
}

// What came into use is kept fresh, though it was learnt before surehopd was started.
TEST_F(RefresherTest, a_restart_changes_nothing_for_who_writes) {
    world.dns.add("zone a.test unsigned ttl 3600");
    mail();
    world.process().store.settle();
    world.restart();
    mail();
    mail();
    for (int i = 0; i < 10; ++i) {
        world.pass(Seconds{1200});
        EXPECT_EQ(cost(), 0U) << i;
    }
}

TEST_F(RefresherTest, invented_domains_take_no_place) {
    for (int i = 0; i < 1000; ++i)
        mail("invented" + std::to_string(i) + ".test");
    EXPECT_EQ(world.process().refresher.scheduled(), 0U);
}

TEST_F(RefresherTest, more_than_a_thousand_at_once_all_have_their_turn) {
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 1500; ++i)
            mail("d" + std::to_string(i) + ".test");
    world.pass(Seconds{400}); // a denial lives 300 seconds
    for (int i = 0; i < 1500; ++i)
        EXPECT_TRUE(
            world.process().facts.find("d" + std::to_string(i) + ".test")->fresh(world.clock.now()))
            << i;
    EXPECT_GE(world.process().refresher.scheduled(), 1500U);
}

// The policy is due, and DNS hiccups: what holds holds.
TEST_F(RefresherTest, the_daily_refresh_gives_up_nothing_that_holds) {
    world.dns.add("zone a.test unsigned ttl 3600");
    mail();
    world.clock.advance(hours{24} - Seconds{1800});
    mail(); // fresh for another hour, and its policy is due
    world.process().store.settle();
    world.dns.add("a.test MX fails servfail");
    world.https.asked.clear();
    run(world.loop, world.process().refresher.sweep(false));
    EXPECT_EQ(world.https.asked.size(), 1U) << "the policy was fetched";
    EXPECT_EQ(world.process().facts.find("a.test")->sts.fetched, world.clock.now());
    EXPECT_EQ(world.mail("nurse@clinic.test", "bob@a.test").verdict.outcome, OutcomeKind::meets);
    EXPECT_EQ(cost(), 0U);
}

// The daily refresh finds DNS dead as all others do, and keeps what holds: that is no sign of life.
TEST_F(RefresherTest, the_daily_refresh_ends_no_outage) {
    world.dns.add("zone a.test unsigned ttl 3600");
    mail();
    world.clock.advance(hours{24} - Seconds{1800});
    mail(); // fresh for another hour, and its policy is due
    for (const char* name : {"b.test", "c.test", "d.test"}) {
        world.dns.add(std::string("zone ") + name + " unsigned ttl 60\n" + name +
                      " MX 10 mx.a.test");
        mail(name);
    }
    world.process().store.settle();
    world.clock.advance(Seconds{60});
    for (const char* name : {"a.test", "b.test", "c.test", "d.test"})
        world.dns.add(std::string(name) + " MX fails servfail");
    for (const char* name : {"b.test", "c.test", "d.test"})
        mail(name);
    ASSERT_TRUE(world.process().outage.active());
    world.https.stop("a.test");
    run(world.loop, world.process().refresher.sweep(false));
    EXPECT_TRUE(world.process().outage.active());
}

// A clock that somebody sets a year ahead must not empty the store.
TEST_F(RefresherTest, nothing_is_dropped_while_the_clock_is_in_doubt) {
    mail();
    world.process().store.settle();
    world.clock.advance(hours{24 * 365});
    run(world.loop, world.process().refresher.sweep(false));
    world.process().store.settle();
    world.restart();
    EXPECT_NE(world.process().facts.find("a.test"), nullptr);
}

TEST_F(RefresherTest, can_be_switched_off) {
    auto& process = world.process();
    RefresherSettings never;
    never.keep_fresh = Seconds{0};
    Refresher refresher(process.resolver, process.facts, world.clock, never);
    mail();
    mail(); // in use now
    refresher.learnt(NextHop::of_domain(domain_of("a.test")), nullptr,
                     *process.facts.find("a.test"));
    EXPECT_EQ(refresher.scheduled(), 0U);
    EXPECT_EQ(refresher.next_due(), std::nullopt);
}

} // namespace
} // namespace surehop::test
