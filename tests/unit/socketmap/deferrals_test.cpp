// SPDX-License-Identifier: Apache-2.0
#include "socketmap/deferrals.h"

#include "support/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop::test {
namespace {

constexpr std::string_view zones = R"(
    zone none.test signed
    none.test               MX    10 mx.none.test
    mx.none.test            A     192.0.2.4
    zone dane.test signed
    dane.test               MX    10 mx.dane.test
    mx.dane.test            A     192.0.2.1
    _25._tcp.mx.dane.test   TLSA  3 1 1 key-a
    zone bogus.test bogus
)";

std::string asking_for(const std::string& mode) {
    return R"(
    [mta]
    lock = "postfix"
    [policy]
    minimum = "authenticated"
    mode = ")" +
           mode + "\"\n";
}

// What the lock records of the answers that an MTA gets.
class DeferralsTest : public ::testing::Test {
  protected:
    std::vector<LedgerRow> rows(const std::string& what) {
        world.process().store.settle();
        return value(world.process().ledger.trace(what));
    }
    const LockCounts& counts() { return world.process().deferrals.counts(); }
    void hour_passes() {
        world.clock.advance(Seconds{3600});
        world.process().deferrals.tick(world.clock.now());
    }

    World world{zones};
};

TEST_F(DeferralsTest, what_is_held_back_is_told_once_an_hour_and_counted) {
    world.configure(asking_for("enforce"));
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(world.lock("none.test").starts_with("TEMP ")) << i;
    auto told = rows("none.test");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, "lock");
    EXPECT_EQ(told[0].next_hop, "none.test");
    EXPECT_EQ(told[0].minimum, "authenticated");
    EXPECT_EQ(told[0].outcome, "falls-short");
    EXPECT_EQ(told[0].reason, "nothing-published");
    EXPECT_EQ(told[0].action, "defer");
    EXPECT_EQ(told[0].times, 1);
    EXPECT_EQ(counts().deferred, 5U);
    EXPECT_EQ(counts().would_defer, 0U);

    hour_passes();
    told = rows("none.test");
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].times, 4); // the newest first
    EXPECT_NE(told[0].detail.find("4 more times"), std::string::npos) << told[0].detail;

    hour_passes(); // nobody asked
    EXPECT_EQ(rows("none.test").size(), 2U);
    EXPECT_TRUE(world.lock("none.test").starts_with("TEMP "));
    EXPECT_EQ(rows("none.test").size(), 3U) << "told anew";
}

TEST_F(DeferralsTest, what_cannot_be_learnt_is_recorded_as_unknown) {
    world.configure(asking_for("enforce"));
    EXPECT_TRUE(world.lock("bogus.test").starts_with("TEMP "));
    const auto told = rows("bogus.test");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].outcome, "unknown");
}

TEST_F(DeferralsTest, what_binds_leaves_no_row) {
    world.configure(asking_for("enforce"));
    EXPECT_EQ(world.lock("dane.test"), "OK dane-only");
    EXPECT_EQ(rows("dane.test").size(), 0U);
    EXPECT_EQ(counts().policies, 1U);
}

TEST_F(DeferralsTest, audit_mode_records_what_it_would_have_held_back) {
    world.configure(asking_for("audit"));
    EXPECT_EQ(world.lock("none.test"), "NOTFOUND ");
    EXPECT_EQ(world.lock("dane.test"), "OK dane-only");
    const auto told = rows("none.test");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].mode, "audit");
    EXPECT_EQ(told[0].action, "accept");
    EXPECT_EQ(told[0].would, "defer");
    EXPECT_EQ(told[0].minimum, "authenticated");
    EXPECT_EQ(rows("dane.test").size(), 0U);
    EXPECT_EQ(counts().deferred, 0U);
    EXPECT_EQ(counts().would_defer, 1U);
}

TEST_F(DeferralsTest, a_promise_that_holds_mail_back_is_named) {
    world.configure(asking_for("enforce"));
    ASSERT_TRUE(world.process().promises->keep({{"none.test", Level::dane}}, world.clock.now(),
                                               world.clock.now() + Seconds{86400}));
    EXPECT_TRUE(world.lock("none.test").starts_with("TEMP dane is required"));
    const auto told = rows("none.test");
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].minimum, "dane");
    EXPECT_NE(told[0].detail.find("promised"), std::string::npos) << told[0].detail;
}

TEST_F(DeferralsTest, the_end_of_the_program_tells_what_was_only_counted) {
    world.configure(asking_for("enforce"));
    for (int i = 0; i < 3; ++i)
        (void)world.lock("none.test");
    world.process().deferrals.end(world.clock.now());
    const auto told = rows("none.test");
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].times, 2);
}

TEST_F(DeferralsTest, what_cannot_be_read_is_told_too) {
    world.configure(asking_for("enforce"));
    EXPECT_TRUE(world.lock("none.test:esmtp").starts_with("TEMP "));
    EXPECT_TRUE(world.lock("none.test", "virtual").starts_with("TEMP "));
    EXPECT_EQ(counts().deferred, 2U);
    auto told = rows("none.test");
    ASSERT_EQ(told.size(), 1U) << "of the wrong map";
    EXPECT_EQ(told[0].reason, "next-hop-invalid");
    EXPECT_NE(told[0].detail.find("no map 'virtual'"), std::string::npos) << told[0].detail;
}

TEST_F(DeferralsTest, a_flood_of_names_is_one_count_and_hides_no_promise) {
    world.configure(asking_for("enforce"));
    Deferrals& deferrals = world.process().deferrals;
    LockAnswer held;
    held.text = "authenticated is required";
    held.reason = Reason::nothing_published;
    const auto flood = [&](int from, int to) {
        for (int i = from; i < to; ++i)
            deferrals.note(*NextHop::parse("x" + std::to_string(i) + ".test"), held,
                           PolicyMode::enforce, world.clock.now());
    };
    flood(0, 10'005);
    world.process().store.settle();
    const auto all = number(world.process().store.reader, "SELECT count(*) FROM ledger");
    EXPECT_EQ(all, 10'001) << "each by itself, and one for the rest";
    held.promised = true;
    flood(20'000, 20'003);
    hour_passes();
    world.process().store.settle();
    EXPECT_EQ(number(world.process().store.reader, "SELECT count(*) FROM ledger"), all + 3 + 1);
    EXPECT_EQ(
        number(world.process().store.reader, "SELECT sum(times) FROM ledger WHERE next_hop = ''"),
        5);
}

} // namespace
} // namespace surehop::test
