// SPDX-License-Identifier: Apache-2.0
#include "resolve/outage.h"

#include "support/sample_facts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop {
namespace {

using test::ten_o_clock;

constexpr std::chrono::hours hour{1};

class OutageTest : public ::testing::Test {
  protected:
    // Facts that are well: MX, address and a policy fetched at ten.
    static Facts well(Time at = ten_o_clock) {
        Facts facts = test::full_facts();
        facts.learnt = facts.reached = at;
        facts.until = at + hour;
        return facts;
    }
    static Facts without_dns(const Facts& before, Time at, Reason why = Reason::dns_timeout) {
        Facts facts = before;
        facts.learnt = at;
        facts.mx = Standing{State::unknown, why};
        facts.hosts.clear();
        return facts;
    }
    static Facts without_https(const Facts& before, Time at,
                               Reason why = Reason::sts_fetch_connect) {
        Facts facts = before;
        facts.learnt = facts.reached = at;
        facts.sts.failed = FailedFetch{"2", at, {State::unknown, why}};
        return facts;
    }
    void fail_dns(const std::string& key, const Facts& before, Time at = ten_o_clock + hour) {
        outage.learnt(key, &before, without_dns(before, at));
    }

    std::vector<std::string> told;
    Outage outage{[this](const Outage::Incident& incident, bool over) {
        told.push_back(std::string(over ? "over: " : "") + std::string(name_of(incident.part)));
    }};
};

using Told = std::vector<std::string>;

TEST_F(OutageTest, is_when_three_that_were_well_fail_and_none_works) {
    const Facts before = well();
    fail_dns("a", before);
    fail_dns("a", before);
    fail_dns("b", before);
    EXPECT_FALSE(outage.active());
    fail_dns("c", before);
    EXPECT_TRUE(outage.active());
    fail_dns("d", before);
    EXPECT_EQ(told, Told{"dns"}) << "one incident, told once";
    ASSERT_EQ(outage.incidents().size(), 1U);
    EXPECT_EQ(outage.incidents()[0].since, ten_o_clock + hour);
    const Facts after = well(ten_o_clock + hour + Seconds{60});
    outage.learnt("e", &before, after);
    EXPECT_FALSE(outage.active()) << "recovers by itself";
    EXPECT_EQ(told, (Told{"dns", "over: dns"}));
}

TEST_F(OutageTest, is_none_while_one_works) {
    const Facts before = well();
    for (int i = 0; i < 10; ++i) {
        fail_dns("a" + std::to_string(i), before);
        outage.learnt("b", &before, well(ten_o_clock + hour));
    }
    EXPECT_FALSE(outage.active());
}

// Whoever writes to domains of his own cannot bring it about.
TEST_F(OutageTest, first_contacts_and_what_was_never_well_tell_nothing) {
    const Facts never = without_dns(Facts(), ten_o_clock);
    const Facts long_ago = well(ten_o_clock - std::chrono::hours{25});
    for (int i = 0; i < 10; ++i) {
        const std::string key = "a" + std::to_string(i);
        outage.learnt(key, nullptr, without_dns(Facts(), ten_o_clock));
        fail_dns(key, never);
        fail_dns(key, long_ago, ten_o_clock);
    }
    EXPECT_FALSE(outage.active());
}

TEST_F(OutageTest, what_is_theirs_tells_nothing) {
    Facts before = well();
    before.mx_secure = false;
    for (const Reason why : {Reason::dns_bogus, Reason::dns_malformed, Reason::dns_cname_loop})
        for (int i = 0; i < 10; ++i)
            outage.learnt("a" + std::to_string(i), &before,
                          without_dns(before, ten_o_clock + hour, why));
    EXPECT_FALSE(outage.active());
}

// What fails a second time was not known any more when it was asked; it was well within a day.
TEST_F(OutageTest, lasts_as_long_as_it_fails) {
    std::vector<Facts> known(3, well());
    Time now = ten_o_clock;
    const auto fail_all = [&] {
        now += Seconds{300};
        for (std::size_t i = 0; i < known.size(); ++i) {
            const Facts after = without_dns(known[i], now);
            outage.learnt("k" + std::to_string(i), &known[i], after);
            known[i] = after;
        }
        outage.tick(now, now.time_since_epoch());
    };
    for (int i = 0; i < 30; ++i) {
        fail_all();
        EXPECT_TRUE(outage.active()) << i;
    }
    EXPECT_EQ(told, Told{"dns"});
    now += Seconds{3600}; // nobody asks any more
    outage.tick(now, now.time_since_epoch());
    EXPECT_FALSE(outage.active());
    EXPECT_EQ(told, (Told{"dns", "over: dns"}));
}

TEST_F(OutageTest, of_the_resolver_shows_in_its_test) {
    outage.resolver_answers(true, ten_o_clock);
    EXPECT_FALSE(outage.active());
    outage.resolver_answers(false, ten_o_clock);
    outage.resolver_answers(false, ten_o_clock + Seconds{60});
    EXPECT_TRUE(outage.active());
    outage.tick(ten_o_clock + hour, (ten_o_clock + hour).time_since_epoch());
    EXPECT_TRUE(outage.active()) << "until it answers";
    outage.resolver_answers(true, ten_o_clock + hour);
    EXPECT_FALSE(outage.active());
    EXPECT_EQ(told, (Told{"dns", "over: dns"}));
}

TEST_F(OutageTest, of_https_is_when_policies_that_were_fetched_cannot_be_fetched) {
    const Facts before = well();
    const Time now = ten_o_clock + hour;
    for (const Reason why : {Reason::sts_fetch_connect, Reason::sts_fetch_timeout,
                             Reason::sts_fetch_tls, Reason::sts_fetch_local}) {
        outage.learnt("a", &before, without_https(before, now, why));
        outage.learnt("b", &before, without_https(before, now, why));
        EXPECT_FALSE(outage.active());
        outage.learnt("c", &before, without_https(before, now, why));
        EXPECT_TRUE(outage.active());
        EXPECT_EQ(outage.incidents().at(0).part, Outage::Part::https);
        Facts after = well(now);
        outage.learnt("d", &before, after);
        EXPECT_TRUE(outage.active()) << "nothing was fetched";
        after.sts.fetched = now;
        outage.learnt("d", nullptr, after);
        EXPECT_FALSE(outage.active()) << "a stranger's policy was fetched: HTTPS works";
    }
    for (const char* key : {"a", "b", "c"}) // their web server says so
        outage.learnt(key, &before, without_https(before, now, Reason::sts_fetch_status));
    EXPECT_FALSE(outage.active());
}

// A clock that is wrong by years: unsigned domains work as ever.
TEST_F(OutageTest, of_signatures_is_when_none_is_valid_any_more) {
    const Facts before = well();
    Facts plain = well();
    plain.mx_secure = false;
    const Time now = ten_o_clock + hour;
    const auto bogus = [&](const std::string& key, const Facts& known) {
        outage.learnt(key, &known, without_dns(known, now, Reason::dns_bogus));
    };
    for (const char* key : {"a", "b"})
        bogus(key, before);
    for (const char* key : {"u", "v", "w"})
        bogus(key, plain);
    EXPECT_FALSE(outage.active());
    bogus("c", before);
    ASSERT_TRUE(outage.active());
    EXPECT_EQ(outage.incidents().at(0).part, Outage::Part::dnssec);
    Facts works = plain;
    works.learnt = works.reached = now;
    outage.learnt("u", &plain, works);
    EXPECT_TRUE(outage.active());
    outage.learnt("a", &before, well(now));
    EXPECT_FALSE(outage.active());
}

TEST_F(OutageTest, of_the_clock_is_when_it_jumps) {
    Seconds running{1000};
    Time wall = ten_o_clock;
    const auto tick = [&](Seconds wall_step, Seconds step = Seconds{5}) {
        wall += wall_step;
        running += step;
        outage.tick(wall, running);
    };
    tick(Seconds{5});
    tick(Seconds{7}); // an NTP client that catches up
    tick(Seconds{3});
    tick(hour * 8, hour * 8); // the machine slept
    EXPECT_FALSE(outage.active());
    EXPECT_FALSE(outage.clock_has_settled()) << "not a day yet";
    tick(hour * 16, hour * 16);
    EXPECT_TRUE(outage.clock_has_settled());
    tick(std::chrono::hours{24 * 365} + Seconds{5});
    EXPECT_FALSE(outage.clock_has_settled());
    EXPECT_TRUE(outage.active());
    EXPECT_NE(outage.incidents().at(0).text.find("set forward by 365d"), std::string::npos)
        << outage.incidents().at(0).text;
    for (int i = 0; i < 60 * 12; ++i)
        tick(Seconds{5});
    EXPECT_FALSE(outage.active());
    tick(Seconds{5} - hour);
    EXPECT_NE(outage.incidents().at(0).text.find("set back by 1h"), std::string::npos)
        << outage.incidents().at(0).text;
    EXPECT_EQ(told, (Told{"clock", "over: clock", "clock"}));
}

} // namespace
} // namespace surehop
