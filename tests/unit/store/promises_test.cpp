// SPDX-License-Identifier: Apache-2.0
#include "store/promises.h"

#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace surehop::test {
namespace {

constexpr Time now{Seconds{1'800'000'000}};
constexpr Time day = now + Seconds{86400};

class PromisesTest : public ::testing::Test {
  protected:
    std::unique_ptr<Promises> open(Time at = now) {
        auto opened = Promises::open(store.reader, store.writer, at);
        if (!opened)
            throw std::runtime_error(opened.error());
        return *std::move(opened);
    }
    std::int64_t rows() {
        store.settle();
        return number(store.reader, "SELECT count(*) FROM promise");
    }
    TempDir folder;
    TestStore store{folder / "surehop.db"};
};

TEST_F(PromisesTest, TheHighestLiveOneCounts) {
    const auto promises = open();
    EXPECT_EQ(promises->highest("a.test", now), std::nullopt);
    must(promises->keep({{"a.test", Level::encrypted}, {"b.test", Level::dane}}, now, day));
    must(promises->keep({{"a.test", Level::authenticated}}, now, now + Seconds{60}));
    ASSERT_NE(promises->highest("a.test", now), std::nullopt);
    EXPECT_EQ(promises->highest("a.test", now)->level, Level::authenticated);
    EXPECT_EQ(promises->highest("a.test", now)->key, "a.test");
    // Each level has its own end, never before what was asked for, and an hour after at most.
    const Time end = promises->highest("a.test", now)->until;
    EXPECT_GE(end, now + Seconds{60});
    EXPECT_LE(end, now + Seconds{60 + 3600});
    EXPECT_EQ(promises->highest("a.test", end - Seconds{1})->level, Level::authenticated);
    EXPECT_EQ(promises->highest("a.test", end)->level, Level::encrypted);
    EXPECT_EQ(promises->highest("a.test", day + Seconds{3600}), std::nullopt);
    EXPECT_EQ(promises->highest("A.test", now), std::nullopt) << "keys are normal forms";
    EXPECT_EQ(promises->list(now).size(), 3U);
    EXPECT_EQ(promises->list(end).size(), 2U);
    EXPECT_EQ(promises->count(now), 3U);
    EXPECT_EQ(promises->count(end), 2U);
}

TEST_F(PromisesTest, OnDiskWhenKeepReturns) {
    must(open()->keep({{"a.test", Level::dane}}, now, day));
    const auto again = open(now + Seconds{60});
    ASSERT_NE(again->highest("a.test", now), std::nullopt);
    EXPECT_EQ(again->highest("a.test", now)->level, Level::dane);
    EXPECT_GE(again->highest("a.test", now)->until, day);
    EXPECT_EQ(open(day + Seconds{3600})->list(now).size(), 0U) << "what is over is not read";
}

TEST_F(PromisesTest, MovedAtMostHourly) {
    const auto promises = open();
    must(promises->keep({{"a.test", Level::dane}}, now, day));
    const std::uint64_t before = store.writer.commits();
    for (int minute = 1; minute <= 60; ++minute)
        must(promises->keep({{"a.test", Level::dane}}, now + Seconds{60 * minute},
                            day + Seconds{60 * minute}));
    EXPECT_EQ(store.writer.commits(), before) << "a busy destination costs no write per message";
    must(promises->keep({{"a.test", Level::dane}}, now, day + Seconds{3601}));
    EXPECT_EQ(store.writer.commits(), before + 1);
    EXPECT_GE(promises->highest("a.test", now)->until, day + Seconds{3601});
    EXPECT_EQ(rows(), 1);
}

TEST_F(PromisesTest, NeverShortened) {
    const auto promises = open();
    must(promises->keep({{"a.test", Level::dane}}, now, day));
    must(promises->keep({{"a.test", Level::dane}}, now, now + Seconds{60}));
    EXPECT_GE(promises->highest("a.test", now)->until, day);
    EXPECT_GE(open()->highest("a.test", now)->until, day);
}

// Invariant 10: next hops of long ago are not kept for ever, in memory nor on disk.
TEST_F(PromisesTest, WhatIsOverIsCleared) {
    const auto promises = open();
    for (int i = 0; i < 50; ++i)
        must(promises->keep({{"old" + std::to_string(i) + ".test", Level::dane}}, now, day));
    EXPECT_EQ(rows(), 50);
    const Time later = day + Seconds{86400};
    must(promises->keep({{"new.test", Level::dane}}, later, later + Seconds{60}));
    EXPECT_EQ(rows(), 1);
    EXPECT_EQ(promises->list(now).size(), 1U);
}

TEST_F(PromisesTest, OfHeldMailHasNoEndButItsRelease) {
    const auto promises = open();
    must(promises->keep({{"a.test", Level::dane}}, now, Promises::until_released));
    must(promises->keep({{"a.test", Level::dane}, {"a.test", Level::encrypted}}, now, day));
    must(promises->keep({{"b.test", Level::dane}}, now, day));
    const Time later = now + std::chrono::years{50};
    ASSERT_NE(promises->highest("a.test", later), std::nullopt);
    EXPECT_EQ(promises->highest("a.test", later)->until, Promises::until_released);
    EXPECT_EQ(end_of(promises->highest("a.test", later)->until), "released");

    EXPECT_FALSE(promises->release("a.test", now, "", "uid 0 (root)")) << "why?";
    EXPECT_FALSE(promises->release("c.test", now, "gone", "uid 0 (root)")) << "there is none";
    const auto ended = promises->release("a.test", now, "delivered", "uid 0 (root)");
    ASSERT_TRUE(ended) << ended.error();
    EXPECT_EQ(ended->size(), 2U);
    for (const auto& each : {promises->highest("a.test", now), open()->highest("a.test", now)})
        EXPECT_EQ(each, std::nullopt) << "in memory and on disk";
    EXPECT_NE(promises->highest("b.test", now), std::nullopt);
    EXPECT_EQ(number(store.reader, "SELECT count(*) FROM ledger WHERE kind = 'promise-release' AND "
                                   "next_hop = 'a.test' AND detail LIKE 'by uid 0 (root); %; "
                                   "delivered'"),
              2);
    must(promises->keep({{"a.test", Level::dane}}, now, day));
    EXPECT_NE(promises->highest("a.test", now), std::nullopt) << "later mail is promised again";
}

TEST_F(PromisesTest, WhatNoHeldMailRestsOnGetsAnEnd) {
    const auto promises = open();
    must(promises->keep(
        {{"a.test", Level::dane}, {"a.test", Level::encrypted}, {"b.test", Level::dane}}, now,
        Promises::until_released));
    must(promises->keep({{"c.test", Level::dane}}, now, day));
    const auto asked = [&](Promises::Resting resting) {
        return promises->settle([resting] { return Result<Promises::Resting>(resting); }, now, day,
                                "uid 0 (root)");
    };
    const auto ended = asked({{"a.test", Level::dane}, {"c.test", Level::verified}});
    ASSERT_TRUE(ended) << ended.error();
    EXPECT_EQ(ended->size(), 2U) << "and not that of c.test, which has one";
    const Time end = day + Seconds{3600}; // as far as mail of this hour was promised
    for (const auto& each : {promises->list(now), open()->list(now)}) {
        ASSERT_EQ(each.size(), 4U) << "in memory and on disk";
        EXPECT_EQ(each[0].level, Level::encrypted);
        EXPECT_EQ(each[0].until, end);
        EXPECT_EQ(each[1].until, Promises::until_released) << "something still rests on it";
        EXPECT_EQ(each[2].until, end);
        EXPECT_EQ(each[3].until, end) << "its own";
    }
    EXPECT_EQ(number(store.reader, "SELECT count(*) FROM ledger WHERE kind = 'promise-end' AND "
                                   "detail LIKE 'by uid 0 (root); no held mail rests on it%'"),
              2);
    const std::uint64_t before = store.writer.commits();
    EXPECT_TRUE(asked({{"a.test", Level::dane}})->empty()) << "once";
    EXPECT_EQ(store.writer.commits(), before);
    must(promises->keep({{"b.test", Level::dane}}, now, Promises::until_released));
    EXPECT_EQ(promises->highest("b.test", now)->until, Promises::until_released) << "held again";
}

// Mail that was accepted under the promise of held mail is promised for as long as any.
TEST_F(PromisesTest, AnEndIsNeverBeforeThatOfOtherMail) {
    const auto promises = open();
    must(promises->keep({{"a.test", Level::dane}}, now, Promises::until_released));
    must(promises->keep({{"a.test", Level::dane}}, now + Seconds{60}, day + Seconds{60}));
    (void)value(promises->settle([] { return Result<Promises::Resting>(Promises::Resting()); },
                                 now + Seconds{60}, day + Seconds{60}, "x"));
    EXPECT_GE(promises->highest("a.test", now)->until, day + Seconds{60});
}

TEST_F(PromisesTest, WhatCannotBeToldOrWrittenEndsNothing) {
    const auto promises = open();
    must(promises->keep({{"a.test", Level::dane}}, now, Promises::until_released));
    const auto nothing = [] { return Result<Promises::Resting>(Promises::Resting()); };
    EXPECT_FALSE(
        promises->settle([] { return Result<Promises::Resting>(Error{"unread"}); }, now, day, "x"));
    EXPECT_EQ(promises->highest("a.test", now)->until, Promises::until_released);
    must(store.writer.submit_and_wait(
        [](Database& d) { return d.execute("ALTER TABLE promise RENAME TO gone"); }));
    EXPECT_FALSE(promises->settle(nothing, now, day, "x"));
    EXPECT_EQ(promises->highest("a.test", now)->until, Promises::until_released);
}

// A session keeps its promise first and says in the ledger afterwards that the message is held:
// nobody may look between the two.
TEST_F(PromisesTest, NobodySettlesWhileAMessageIsBeingHeld) {
    const auto promises = open();
    std::atomic<bool> recorded = false, looked_early = false;
    std::thread settling;
    {
        const auto holding = promises->holding();
        must(promises->keep({{"a.test", Level::dane}}, now, Promises::until_released));
        settling = std::thread([&] {
            (void)promises->settle(
                [&]() -> Result<Promises::Resting> {
                    looked_early = !recorded;
                    return Promises::Resting{{"a.test", Level::dane}};
                },
                now, day, "x");
        });
        std::this_thread::sleep_for(Millis{50});
        recorded = true;
    }
    settling.join();
    EXPECT_FALSE(looked_early);
    EXPECT_EQ(promises->highest("a.test", now)->until, Promises::until_released);
}

TEST_F(PromisesTest, DiskThatFailsPromisesNothing) {
    const auto promises = open();
    must(store.writer.submit_and_wait(
        [](Database& d) { return d.execute("ALTER TABLE promise RENAME TO gone"); }));
    EXPECT_FALSE(promises->keep({{"a.test", Level::dane}}, now, day));
    EXPECT_EQ(promises->highest("a.test", now), std::nullopt);
    must(store.writer.submit_and_wait(
        [](Database& d) { return d.execute("ALTER TABLE gone RENAME TO promise"); }));
    EXPECT_TRUE(promises->keep({{"a.test", Level::dane}}, now, day));
}

TEST_F(PromisesTest, StoreWithALevelThatIsNoneIsAnError) {
    must(store.writer.submit_and_wait([](Database& d) {
        return d.execute("INSERT INTO promise VALUES ('a.test', 'stronger', 9999999999, 0)");
    }));
    const auto opened = Promises::open(store.reader, store.writer, now);
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().find("'stronger'"), std::string::npos);
}

TEST_F(PromisesTest, NothingToKeepCostsNothing) {
    const std::uint64_t before = store.writer.commits();
    must(open()->keep({}, now, day));
    EXPECT_EQ(store.writer.commits(), before);
}

} // namespace
} // namespace surehop::test
