// SPDX-License-Identifier: Apache-2.0
#include "store/facts_store.h"

#include "facts/stored_facts.h"
#include "support/sample_facts.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace surehop {
namespace {

using test::TempDir;
using test::TestStore;

FactsPtr shared(Facts facts) { return std::make_shared<const Facts>(std::move(facts)); }

// Facts without a policy, told apart by when they were learnt.
FactsPtr plain(int second) {
    Facts facts = test::plain_facts();
    facts.learnt = test::ten_o_clock + Seconds{second};
    return shared(facts);
}

std::string keys(FactsStore& facts, std::size_t most = 1000) {
    std::string all;
    const auto listing = test::value(facts.list(most));
    for (const auto& entry : listing.entries)
        all += entry.key + " ";
    return listing.more ? all + "..." : all;
}

TEST(FactsStore, what_is_put_is_found_at_once) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer);
    EXPECT_EQ(facts.find("example.org"), nullptr);
    const auto full = shared(test::full_facts());
    facts.put("example.org", full);
    EXPECT_EQ(facts.find("example.org"), full) << "the very object: no disk in between";
    facts.put("example.org", plain(1));
    EXPECT_EQ(*facts.find("example.org"), *plain(1));
    EXPECT_EQ(facts.find("Example.org"), nullptr) << "keys are normal forms";
    EXPECT_EQ(facts.find(""), nullptr);
}

TEST(FactsStore, facts_survive_a_restart) {
    const TempDir dir;
    {
        TestStore store(dir / "a.db");
        FactsStore facts(store.reader, store.writer);
        facts.put("example.org", plain(1));
        facts.put("example.org", shared(test::full_facts()));
        facts.put("[192.0.2.1]:2525", shared(Facts()));
    } // the writer ends with all on disk
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer);
    ASSERT_NE(facts.find("example.org"), nullptr);
    EXPECT_EQ(*facts.find("example.org"), test::full_facts());
    EXPECT_EQ(*facts.find("[192.0.2.1]:2525"), Facts());
    EXPECT_EQ(facts.find("example.org"), facts.find("example.org")) << "read once, then in memory";
    EXPECT_EQ(keys(facts), "[192.0.2.1]:2525 example.org ");
}

// STYLE 13: the absence of work. What is in memory is found though the disk has lost it.
TEST(FactsStore, a_known_next_hop_costs_no_read) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer);
    facts.put("example.org", plain(1));
    store.settle();
    test::must(store.writer.submit_and_wait(
        [](Database& database) { return database.execute("DELETE FROM facts"); }));
    EXPECT_NE(facts.find("example.org"), nullptr);
}

TEST(FactsStore, the_least_recently_used_leave_memory_and_stay_on_disk) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer, {.in_memory = 2});
    facts.put("a", plain(1));
    facts.put("b", plain(2));
    EXPECT_NE(facts.find("a"), nullptr); // a is now more recent than b
    facts.put("c", plain(3));
    store.settle();
    test::must(store.writer.submit_and_wait(
        [](Database& database) { return database.execute("DELETE FROM facts WHERE key <> 'b'"); }));
    EXPECT_NE(facts.find("a"), nullptr);
    EXPECT_NE(facts.find("c"), nullptr);
    ASSERT_NE(facts.find("b"), nullptr) << "comes from the disk";
    EXPECT_EQ(facts.find("b")->learnt, plain(2)->learnt);
    EXPECT_EQ(facts.find("a"), nullptr) << "made room for b";
}

TEST(FactsStore, what_is_not_ready_in_memory_is_found_without_the_disk) {
    const TempDir dir;
    const Time noon = test::ten_o_clock + Seconds{7200};
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer, {.ready = 1, .in_memory = 3});
    for (int i = 0; i < 3; ++i) {
        facts.put(std::string(1, static_cast<char>('a' + i)), plain(i));
        EXPECT_NE(facts.use(std::string(1, static_cast<char>('a' + i)), noon), nullptr);
    }
    store.settle();
    test::must(store.writer.submit_and_wait(
        [](Database& database) { return database.execute("DELETE FROM facts"); }));
    EXPECT_EQ(keys(facts), "a b c ") << "read from what is held";
    for (const auto round : {2U, 3U})
        for (int i = 0; i < 3; ++i) {
            const std::string key(1, static_cast<char>('a' + i));
            const auto found = facts.use(key, noon + Seconds{round});
            ASSERT_NE(found, nullptr) << key;
            EXPECT_EQ(*found, *plain(i));
            EXPECT_EQ(facts.use_of(key)->times, round) << key;
            EXPECT_EQ(facts.use_of(key)->last, noon + Seconds{round});
        }
    EXPECT_EQ(facts.came_into_use().size(), 3U) << "once each";
    facts.put("a", plain(7)); // is not ready
    EXPECT_EQ(facts.use_of("a")->times, 3U);
    EXPECT_EQ(*facts.find("a"), *plain(7));
}

// ---- use

TEST(FactsStore, remembers_what_was_used_and_when) {
    const TempDir dir;
    const Time noon = test::ten_o_clock + Seconds{7200};
    {
        TestStore store(dir / "a.db");
        FactsStore facts(store.reader, store.writer);
        EXPECT_EQ(facts.use("a", noon), nullptr);
        facts.put("a", plain(1));
        EXPECT_NE(facts.find("a"), nullptr);
        EXPECT_FALSE(facts.use_of("a")) << "a look is no use";
        EXPECT_NE(facts.use("a", noon), nullptr);
        EXPECT_NE(facts.use("a", noon - Seconds{60}), nullptr) << "a clock set back";
        EXPECT_EQ(facts.use_of("a")->last, noon);
        EXPECT_EQ(facts.use_of("a")->times, 2U);
        facts.put("a", plain(2));
        EXPECT_EQ(facts.use_of("a")->times, 2U) << "it is the same next hop";
        store.settle();
        EXPECT_EQ(test::number(store.reader, "SELECT used FROM facts"),
                  noon.time_since_epoch().count());
    }
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer);
    EXPECT_FALSE(facts.use_of("a")) << "not in memory";
    EXPECT_NE(facts.use("a", noon + Seconds{1}), nullptr);
    EXPECT_EQ(facts.use_of("a")->last, noon + Seconds{1});
}

// Policies: 20 to 23 hours after they were fetched, each at a time of its own.
TEST(FactsStore, policies_that_bind_are_due_once_a_day) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer);
    const auto put = [&](const std::string& key, auto change) {
        Facts one = test::full_facts();
        change(one);
        facts.put(key, shared(one));
    };
    for (int i = 0; i < 100; ++i)
        put("p" + std::to_string(i), [](Facts&) {});
    put("testing", [](Facts& f) { f.sts.policy.mode = mtasts::Mode::testing; });
    facts.put("plain", plain(1));
    store.settle();
    const auto due = [&](Seconds later, Time used_since = Time{}) {
        const auto keys = facts.policies_due(test::ten_o_clock + later, used_since, 1000);
        return keys ? keys->size() : 9999U;
    };
    using std::chrono::hours;
    EXPECT_EQ(due(hours{19}), 0U);
    EXPECT_EQ(due(hours{23}), 100U);
    EXPECT_GT(due(hours{21}), 10U);
    EXPECT_LT(due(hours{21}), 90U);
    EXPECT_EQ(due(hours{23}, test::ten_o_clock + Seconds{1}), 0U) << "used before that";
    EXPECT_EQ(due(hours{24 * 7}), 0U) << "the policy has ended";
    EXPECT_EQ(facts.policies_due(test::ten_o_clock + hours{23}, Time{}, 5)->size(), 5U);
    // One that could not be fetched again is tried again within hours.
    put("p1", [](Facts& f) {
        f.learnt += hours{23};
        f.sts.refresh = {State::unknown, Reason::sts_fetch_timeout};
    });
    store.settle();
    EXPECT_EQ(due(hours{23}), 99U);
    EXPECT_EQ(due(hours{25}), 100U);
}

TEST(FactsStore, what_nobody_uses_is_dropped_unless_it_binds) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer);
    const Time now = test::ten_o_clock + std::chrono::hours{24};
    facts.put("old", plain(1));
    facts.put("binds", shared(test::full_facts()));
    facts.put("used", plain(1));
    EXPECT_NE(facts.use("used", now), nullptr);
    facts.put("used", plain(2));
    facts.drop_unused(now, now - Seconds{3600}, 100);
    store.settle();
    FactsStore later(store.reader, store.writer);
    EXPECT_EQ(keys(later), "binds used ");
    later.drop_unused(now + std::chrono::hours{24 * 7}, now + Seconds{3600}, 1);
    store.settle();
    EXPECT_EQ(keys(later), "used ") << "no more at once than it is told";
}

TEST(FactsStore, a_store_that_cannot_be_read_is_not_an_empty_one) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer);
    test::must(store.writer.submit_and_wait(
        [](Database& database) { return database.execute("DROP TABLE facts"); }));
    EXPECT_FALSE(facts.policies_due(test::ten_o_clock, Time{}, 10));
    EXPECT_FALSE(facts.list());
}

TEST(FactsStore, memory_is_bounded_in_octets_too) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    const std::size_t one = to_store(*plain(1)).size();
    FactsStore facts(store.reader, store.writer, {.memory_octets = 3 * one});
    for (int i = 0; i < 5; ++i)
        facts.put("k" + std::to_string(i), plain(i));
    store.settle();
    test::must(store.writer.submit_and_wait(
        [](Database& database) { return database.execute("DELETE FROM facts"); }));
    EXPECT_EQ(facts.find("k1"), nullptr);
    for (const auto* key : {"k2", "k3", "k4"})
        EXPECT_NE(facts.find(key), nullptr) << key;
    // One that is larger than the whole limit is still held: it has just been learnt.
    Facts large = test::plain_facts();
    large.hosts[0].records.assign(1000, test::tlsa(3));
    facts.put("large", shared(large));
    EXPECT_NE(facts.find("large"), nullptr);
    EXPECT_EQ(facts.find("k4"), nullptr);
}

// Its policy is on disk, and that DANE held; the rest is learnt again.
TEST(FactsStore, of_a_monstrous_fact_what_binds_goes_to_disk) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer);
    Facts large = test::full_facts();
    large.hosts[0].records.assign(10'000, test::tlsa(3));
    facts.put("large", shared(large));
    store.settle();
    EXPECT_EQ(facts.find("large")->hosts[0].records.size(), 10'000U);
    EXPECT_LT(test::number(store.reader, "SELECT length(body) FROM facts"), 2000);
    FactsStore later(store.reader, store.writer);
    EXPECT_EQ(later.find("large")->sts.policy, large.sts.policy);
    EXPECT_EQ(later.find("large")->hosts[0].usable(), 1U);
    EXPECT_FALSE(later.find("large")->fresh(large.learnt)) << "never judged";
}

// Invariants 4 and 10: a flood of invented domains ends somewhere, and a policy that binds is not
// what makes room for it.
TEST(FactsStore, the_disk_is_bounded_and_binding_policies_stay) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer, {.in_memory = 10, .on_disk = 1000});
    facts.put("old.example", shared(test::full_facts()));
    Facts testing = test::full_facts();
    testing.sts.policy.mode = mtasts::Mode::testing;
    facts.put("testing.example", shared(testing));
    for (int i = 0; i < 5000; ++i)
        facts.put("invented" + std::to_string(i), plain(i));
    store.settle();
    EXPECT_LE(test::number(store.reader, "SELECT count(*) FROM facts"), 2000);
    EXPECT_NE(facts.find("old.example"), nullptr);
    EXPECT_EQ(facts.find("testing.example"), nullptr) << "guarantees nothing, and was the oldest";
    EXPECT_NE(facts.find("invented4999"), nullptr);
    EXPECT_EQ(facts.find("invented0"), nullptr);
    // Not even policies may fill the disk.
    for (int i = 0; i < 5000; ++i)
        facts.put("bound" + std::to_string(i), shared(test::full_facts()));
    store.settle();
    EXPECT_LE(test::number(store.reader, "SELECT count(*) FROM facts"), 2000);
}

TEST(FactsStore, forgets_everywhere) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer, {.in_memory = 1});
    facts.put("on-disk", plain(1));
    facts.put("in-memory", plain(2));
    store.settle();
    for (const auto* key : {"on-disk", "in-memory"}) {
        const auto forgotten = facts.forget(key);
        ASSERT_TRUE(forgotten);
        EXPECT_TRUE(*forgotten) << key;
        EXPECT_EQ(facts.find(key), nullptr) << key;
        EXPECT_FALSE(*facts.forget(key)) << key;
    }
    EXPECT_FALSE(*facts.forget("never-known"));
    EXPECT_EQ(keys(facts), "");
    facts.put("on-disk", plain(3));
    EXPECT_NE(facts.find("on-disk"), nullptr);
}

TEST(FactsStore, forgetting_says_when_the_disk_does_not) {
    const TempDir dir;
    TestStore store(dir / "a.db", [](Database& database) {
        test::must(database.execute("PRAGMA busy_timeout = 20"));
    });
    FactsStore facts(store.reader, store.writer);
    facts.put("example.org", plain(1));
    store.settle();
    auto other = test::open_or_throw(dir / "a.db");
    test::must(other.execute("BEGIN IMMEDIATE"));
    EXPECT_FALSE(facts.forget("example.org"));
    test::must(other.execute("ROLLBACK"));
    EXPECT_NE(facts.find("example.org"), nullptr) << "still on disk, as was said";
    EXPECT_TRUE(*facts.forget("example.org"));
}

TEST(FactsStore, a_damaged_row_is_as_never_learnt) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer, {.in_memory = 1});
    facts.put("a", plain(1));
    facts.put("b", plain(2));
    store.settle();
    test::must(store.writer.submit_and_wait([](Database& database) {
        return database.execute("UPDATE facts SET body = substr(body, 1, 20) WHERE key = 'a'");
    }));
    EXPECT_EQ(facts.find("a"), nullptr);
    EXPECT_EQ(keys(facts), "b ");
    facts.put("a", plain(3)); // learnt again
    facts.put("b", plain(4));
    store.settle();
    EXPECT_NE(facts.find("a"), nullptr);
}

// Invariant 4: what is in there may bind.
TEST(FactsStore, a_damaged_file_is_an_error_and_not_as_never_learnt) {
    const TempDir dir;
    const std::string path = dir / "a.db";
    {
        TestStore store(path);
        FactsStore facts(store.reader, store.writer);
        for (int i = 0; i < 500; ++i)
            facts.put("k" + std::to_string(i), plain(i));
    }
    const auto size = std::filesystem::file_size(path);
    { // all but the schema is overwritten
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(16384);
        file << std::string(size - 16384, '\x5a');
    }
    Writer writer(test::open_or_throw(path));
    auto reader = test::open_or_throw(path);
    FactsStore facts(reader, writer);
    int lost = 0;
    for (int i = 0; i < 500; ++i) {
        const auto found = facts.read("k" + std::to_string(i));
        lost += found ? 0 : 1;
        EXPECT_TRUE(!found || *found) << "none is absent";
    }
    EXPECT_GT(lost, 400);
    EXPECT_EQ(facts.find("k1"), nullptr) << "nor known";
    EXPECT_FALSE(facts.list()) << "what lacks some is no list";
    facts.put("new.example", plain(1));
    EXPECT_NE(facts.find("new.example"), nullptr) << "memory serves on";
}

TEST(FactsStore, lists_by_key_memory_and_disk_as_one) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer, {.in_memory = 2});
    for (const auto* key : {"d", "b", "a", "c"})
        facts.put(key, plain(1));
    store.settle();
    test::must(store.reader.execute("BEGIN IMMEDIATE")); // the disk gets nothing more
    facts.put("b", plain(9));
    facts.put("e", plain(9));
    EXPECT_EQ(keys(facts), "a b c d e ");
    EXPECT_EQ(keys(facts, 5), "a b c d e ");
    EXPECT_EQ(keys(facts, 4), "a b c d ...");
    EXPECT_EQ(keys(facts, 2), "a b ...");
    EXPECT_EQ(facts.list(2)->entries.at(1).facts->learnt, plain(9)->learnt);
    EXPECT_EQ(keys(facts, 0), "...");
    test::must(store.reader.execute("ROLLBACK"));
}

TEST(FactsStore, a_list_says_that_there_is_more_beside_what_cannot_be_read) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    {
        FactsStore facts(store.reader, store.writer);
        for (const auto* key : {"a", "b", "c", "d"})
            facts.put(key, plain(1));
        store.settle();
    }
    test::must(store.reader.execute("UPDATE facts SET body = x'00' WHERE key = 'b'"));
    FactsStore facts(store.reader, store.writer);
    EXPECT_EQ(keys(facts), "a c d ");
    EXPECT_EQ(keys(facts, 3), "a c ...");
}

// Whoever finds, puts and forgets at the same time sees no fact that is older than one seen before.
void find_while_others_put(FactsLimits limits) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    FactsStore facts(store.reader, store.writer, limits);
    std::atomic<bool> stop = false;
    std::atomic<int> backwards = 0;
    facts.put("key", plain(0));
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 3; ++thread)
            threads.emplace_back([&] {
                Time latest{};
                while (!stop) {
                    const auto found = facts.find("key");
                    if (found && found->learnt < latest)
                        ++backwards;
                    if (found)
                        latest = found->learnt;
                }
            });
        for (int i = 1; i < 300; ++i) {
            facts.put("key", plain(i));
            if (i % 10 == 0) {
                store.settle();
                facts.put("other", plain(i)); // the key leaves memory, and is read from disk
            }
            if (i % 50 == 0) {
                EXPECT_TRUE(facts.forget("key"));
            }
        }
        stop = true;
    }
    EXPECT_EQ(backwards, 0);
}

TEST(FactsStore, many_threads_that_read_the_disk) { find_while_others_put({.in_memory = 1}); }

TEST(FactsStore, many_threads_that_read_memory) {
    find_while_others_put({.ready = 1, .in_memory = 2});
}

} // namespace
} // namespace surehop
