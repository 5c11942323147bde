// SPDX-License-Identifier: Apache-2.0
#include "assess/changes.h"

#include "support/sample_facts.h"

#include <gtest/gtest.h>

#include <chrono>

namespace surehop::test {
namespace {

using Downgrades = std::vector<Downgrade>;

const NextHop hop = NextHop::of_domain(domain("example.org"));

TEST(Changes, NothingNewIsNoDowngrade) {
    EXPECT_EQ(downgrades(hop, full_facts(), full_facts()), Downgrades());
    Facts later = full_facts();
    later.learnt += std::chrono::days{2};
    later.until += std::chrono::days{2};
    EXPECT_EQ(downgrades(hop, full_facts(), later), Downgrades()) << "the first grew old meanwhile";
    EXPECT_EQ(downgrades(hop, plain_facts("example.org"), full_facts()), Downgrades()) << "better";
}

TEST(Changes, DaneGone) {
    Facts after = full_facts();
    after.hosts.front().tlsa = {State::absent, Reason::tlsa_none};
    after.hosts.front().records.clear();
    EXPECT_EQ(downgrades(hop, full_facts(), after), (Downgrades{{Level::dane, Reason::tlsa_none}}));
    after = full_facts();
    after.mx_secure = false;
    after.hosts.front().tlsa = {State::absent, Reason::mx_insecure}; // not even asked for
    after.hosts.front().records.clear();
    EXPECT_EQ(downgrades(hop, full_facts(), after),
              (Downgrades{{Level::dane, Reason::mx_insecure}}));
}

TEST(Changes, AFailedLookUpIsNoDowngrade) {
    Facts after = full_facts();
    after.hosts.front().tlsa = {State::unknown, Reason::dns_servfail};
    after.hosts.front().records.clear();
    after.sts.refresh = {State::unknown, Reason::sts_fetch_connect};
    EXPECT_EQ(downgrades(hop, full_facts(), after), Downgrades());
}

TEST(Changes, STS_66_policy_in_another_mode) {
    Facts before = full_facts();
    before.hosts.front().tlsa = {State::absent, Reason::tlsa_none};
    before.hosts.front().records.clear();
    for (const auto& [mode, reason] : {std::pair(mtasts::Mode::testing, Reason::sts_mode_testing),
                                       std::pair(mtasts::Mode::none, Reason::sts_mode_none)}) {
        Facts after = before;
        after.sts.policy.mode = mode;
        EXPECT_EQ(downgrades(hop, before, after), (Downgrades{{Level::authenticated, reason}}));
    }
    Facts gone = before;
    gone.sts = {};
    gone.sts.standing = gone.sts.refresh = {State::absent, Reason::sts_txt_none};
    EXPECT_EQ(downgrades(hop, before, gone),
              (Downgrades{{Level::authenticated, Reason::sts_txt_none}}));
}

TEST(Changes, STS_84_the_first_refresh_that_fails_and_the_first_that_works) {
    Facts works = full_facts();
    Facts fails = full_facts();
    fails.sts.refresh = {State::unknown, Reason::sts_fetch_connect};
    EXPECT_EQ(refresh_change(nullptr, works), std::nullopt);
    EXPECT_EQ(refresh_change(&works, fails), RefreshChange::fails);
    EXPECT_EQ(refresh_change(&fails, fails), std::nullopt) << "told once";
    EXPECT_EQ(refresh_change(&fails, works), RefreshChange::works_again);

    fails.sts.policy.mode = mtasts::Mode::none;
    EXPECT_EQ(refresh_change(&works, fails), std::nullopt) << "nobody misses it";
    EXPECT_EQ(refresh_change(nullptr, plain_facts()), std::nullopt) << "there is none";
}

} // namespace
} // namespace surehop::test
