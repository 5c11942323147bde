// SPDX-License-Identifier: Apache-2.0
#include "store/verify.h"

#include "store/ledger.h"
#include "store/ledger_table.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace surehop {
namespace {

using test::TempDir;
using test::TestStore;
using test::value;

constexpr Time begin{Seconds{1795255200}};
constexpr Seconds day{86'400};

struct VerifyTest : testing::Test {
    VerifyTest() : store(dir / "a.db"), ledger(store.reader, store.writer) {}

    // `count` rows, a day apart.
    void fill(int count) {
        std::vector<LedgerRow> rows;
        for (int i = 0; i < count; ++i, ++filled) {
            LedgerRow row;
            row.kind = "decision";
            row.time = begin + filled * day;
            row.recipient = "u" + std::to_string(filled) + "@example.org";
            rows.push_back(row);
        }
        test::must(ledger.append(std::move(rows)));
    }
    // As somebody with another program would.
    void tamper(const std::string& sql) {
        auto other = test::open_or_throw(dir / "a.db");
        test::must(other.execute("DROP TRIGGER IF EXISTS ledger_stays; " + sql));
    }
    void retain(Time now, Seconds keep) {
        for (bool more = true; more;)
            test::must(store.writer.submit_and_wait([&](Database& database) -> Status {
                const auto step = cut_some(database, now, keep);
                more = step && *step;
                return step ? Status(Done{}) : Status(Error{step.error()});
            }));
    }
    Verified verify(const std::optional<ChainHead>& noted = std::nullopt) {
        return value(verify_store(store.reader, noted, nullptr));
    }
    std::string fault() {
        const Verified verified = verify();
        EXPECT_EQ(verified.good(), !verified.fault);
        return verified.fault ? std::string(name_of(verified.fault->kind)) + " " +
                                    std::to_string(verified.fault->id)
                              : "";
    }
    ChainHead head() { return value(chain_head(store.reader)); }
    std::int64_t count() { return test::number(store.reader, "SELECT count(*) FROM ledger"); }

    TempDir dir;
    TestStore store;
    Ledger ledger;
    int filled = 0;
};

TEST_F(VerifyTest, an_untouched_ledger_is_good) {
    EXPECT_TRUE(verify().good()) << "empty";
    fill(12'000); // more than are read at once
    std::uint64_t told = 0;
    const Verified verified =
        value(verify_store(store.reader, std::nullopt, [&](std::uint64_t done, std::uint64_t all) {
            EXPECT_GT(done, told);
            told = done;
            EXPECT_EQ(all, 12'000U);
        }));
    EXPECT_TRUE(verified.good());
    EXPECT_EQ(verified.rows, 12'000U);
    EXPECT_EQ(told, 12'000U);
    EXPECT_EQ(verified.last, head());
    EXPECT_FALSE(verified.cut);
}

TEST_F(VerifyTest, each_kind_of_tampering_is_found) {
    struct Row {
        std::string sql, found;
    };
    for (const Row& one : {
             Row{"UPDATE ledger SET action = 'accept' WHERE id = 7", "changed 7"},
             Row{"UPDATE ledger SET chain = (SELECT chain FROM ledger WHERE id = 3) WHERE id = 7",
                 "changed 7"},
             Row{"UPDATE ledger SET domain = 'example.net' WHERE id = 20", "changed 20"},
             Row{"DELETE FROM ledger WHERE id = 7", "missing 7"},
             Row{"DELETE FROM ledger WHERE id < 4", "missing 1"},
             Row{"DELETE FROM ledger WHERE id > 17", "missing 18"},
             Row{"DELETE FROM ledger", "missing 1"},
             Row{"INSERT INTO ledger SELECT NULL, time, kind, reference, queue_id, sender, "
                 "recipient, next_hop, rule, exception, minimum, mode, outcome, level, reason, "
                 "action, would, detail, domain, offer, facts, '', 1 FROM ledger WHERE id = 3",
                 "inserted 21"},
             Row{"UPDATE ledger SET id = id + 100 WHERE id = 7", "missing 7"},
             Row{"UPDATE ledger SET id = 1000 WHERE id = 7; UPDATE ledger SET id = 7 WHERE id = 8; "
                 "UPDATE ledger SET id = 8 WHERE id = 1000",
                 "changed 7"},
         }) {
        TempDir own;
        VerifyTest* here = this;
        tamper("SAVEPOINT x; DELETE FROM ledger; DELETE FROM sqlite_sequence; RELEASE x");
        here->fill(20);
        ASSERT_EQ(fault(), "");
        tamper(one.sql);
        EXPECT_EQ(fault(), one.found) << one.sql;
    }
}

// Somebody who knows how it is made can make the chain anew; only what was noted elsewhere shows.
TEST_F(VerifyTest, a_chain_made_anew_does_not_fit_the_head_that_was_noted) {
    fill(10);
    const ChainHead noted = head();
    fill(10);
    EXPECT_EQ(verify(noted).noted, Noted::found);
    EXPECT_TRUE(verify(noted).good());
    EXPECT_EQ(verify(head()).noted, Noted::found);
    tamper("UPDATE ledger SET action = 'accept' WHERE id = 7");
    EXPECT_EQ(verify(noted).noted, Noted::unreached);
    test::must(
        store.writer.submit_and_wait([](Database& database) { return chain_all(database); }));
    EXPECT_EQ(fault(), "");
    EXPECT_EQ(verify(noted).noted, Noted::other);
    EXPECT_FALSE(verify(noted).good());
    tamper("DELETE FROM ledger WHERE id > 8; UPDATE sqlite_sequence SET seq = 8");
    EXPECT_EQ(fault(), "");
    EXPECT_EQ(verify(noted).noted, Noted::beyond);
    EXPECT_FALSE(verify(noted).good());
}

TEST_F(VerifyTest, old_rows_go_and_the_rest_stays_a_chain) {
    fill(20);
    const ChainHead old = value(rows_after(store.reader, 3, 1)).empty()
                              ? ChainHead{}
                              : ChainHead{4, value(rows_after(store.reader, 3, 1))[0].chain};
    const ChainHead recent = head();
    retain(begin + 20 * day, 100 * day);
    EXPECT_EQ(count(), 20) << "nothing is that old";
    retain(begin + 20 * day, 10 * day);
    EXPECT_EQ(count(), 11) << "those of ten days, and one that says so";
    const Verified verified = verify(recent);
    EXPECT_TRUE(verified.good());
    ASSERT_TRUE(verified.cut);
    EXPECT_EQ(verified.cut->last.id, 10);
    EXPECT_EQ(verified.rows, 11U);
    EXPECT_EQ(verified.noted, Noted::found);
    EXPECT_EQ(verify(old).noted, Noted::before);
    EXPECT_TRUE(verify(old).good());
    EXPECT_EQ(verify(verified.cut->last).noted, Noted::found);
    EXPECT_EQ(verify(ChainHead{10, std::string(64, '0')}).noted, Noted::other);

    retain(begin + 20 * day, 10 * day);
    EXPECT_EQ(count(), 11) << "nothing more";
    fill(5);
    retain(begin + 100 * day, 10 * day);
    EXPECT_EQ(count(), 1) << "the row of the removal before went, too";
    EXPECT_TRUE(verify().good());
    fill(1);
    EXPECT_TRUE(verify().good());
}

TEST_F(VerifyTest, what_somebody_else_removes_is_missing) {
    fill(20);
    retain(begin + 20 * day, 10 * day);
    tamper("DELETE FROM ledger WHERE id < 13");
    EXPECT_EQ(fault(), "missing 11");
    tamper("UPDATE ledger SET detail = 'gone' WHERE kind = 'retention'");
    const auto unread = verify_store(store.reader, std::nullopt, nullptr);
    ASSERT_FALSE(unread);
    EXPECT_NE(unread.error().find("row 21 of the ledger does not say"), std::string::npos);
}

// A crash in the middle of a removal.
TEST_F(VerifyTest, a_removal_that_was_begun_goes_on) {
    fill(3000);
    const Time now = begin + 3000 * day;
    int steps = 0;
    const auto step = [&] {
        bool more = false;
        test::must(store.writer.submit_and_wait([&](Database& database) -> Status {
            more = value(cut_some(database, now, 500 * day));
            return Done{};
        }));
        ++steps;
        EXPECT_TRUE(verify().good()) << steps;
        EXPECT_EQ(verify().rows, 501U) << steps;
        return more;
    };
    while (step()) {
    }
    EXPECT_EQ(steps, 5) << "one that says it, 1000, 1000, 500 rows, and nothing left";
    EXPECT_EQ(count(), 501);
}

TEST_F(VerifyTest, a_row_of_a_wrong_clock_keeps_no_other) {
    fill(5);
    LedgerRow odd;
    odd.time = begin + 10'000 * day;
    test::must(ledger.append({odd}));
    fill(5);
    retain(begin + 12 * day, 4 * day);
    EXPECT_EQ(count(), 3) << "days 8 and 9, and the row that says so";
    EXPECT_TRUE(verify().good());
}

// Rows may be removed while they are read.
TEST_F(VerifyTest, a_removal_meanwhile_is_no_fault) {
    fill(12'000);
    bool once = false;
    const Verified verified =
        value(verify_store(store.reader, std::nullopt, [&](std::uint64_t, std::uint64_t) {
            if (!std::exchange(once, true))
                retain(begin + 12'000 * day, 1000 * day);
        }));
    EXPECT_TRUE(verified.good());
    ASSERT_TRUE(verified.cut);
    EXPECT_EQ(verified.cut->last.id, 11'000);
}

} // namespace
} // namespace surehop
