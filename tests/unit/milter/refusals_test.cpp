// SPDX-License-Identifier: Apache-2.0
#include "milter/refusals.h"

#include "base/log.h"
#include "support/sample_facts.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <set>

namespace surehop {
namespace {

using test::ten_o_clock;

class RefusalsTest : public ::testing::Test {
  protected:
    RefusalsTest() { log::set_level("error"); }

    static RefusalLimits limits() {
        RefusalLimits limits;
        limits.per_domain = 3;
        limits.per_client = 6;
        limits.remembered = 20;
        return limits;
    }
    // The reference for the reply.
    std::string refuse(const std::string& recipient, Time at = ten_o_clock,
                       const std::string& client = "192.0.2.1") {
        LedgerRow row;
        row.time = at;
        row.kind = "decision";
        row.reference = references.next();
        row.recipient = recipient;
        return refusals.add(client, std::move(row));
    }
    std::int64_t rows(const std::string& where = "1") {
        store.settle();
        return test::number(store.reader, "SELECT count(*) FROM ledger WHERE " + where);
    }
    std::vector<LedgerRow> trace(const std::string& reference) {
        store.settle();
        return test::value(ledger.trace(reference));
    }

    test::TempDir dir;
    test::TestStore store{dir / "a.db"};
    Ledger ledger{store.reader, store.writer};
    References references{ten_o_clock};
    Refusals refusals{ledger, references, limits()};
};

TEST_F(RefusalsTest, a_few_are_recorded_one_by_one) {
    std::set<std::string> all;
    for (int i = 0; i < 3; ++i)
        all.insert(refuse("bob@a.test"));
    EXPECT_EQ(all.size(), 3U);
    for (const std::string& reference : all)
        EXPECT_EQ(trace(reference).at(0).kind, "decision");
}

TEST_F(RefusalsTest, too_many_at_one_domain_are_counted) {
    for (int i = 0; i < 3; ++i)
        refuse("bob@a.test");
    const std::string counted = refuse("bob4@a.test");
    ASSERT_EQ(trace(counted).size(), 1U) << "it can be traced at once";
    EXPECT_EQ(trace(counted)[0].recipient, "@a.test");
    EXPECT_EQ(refuse("bob5@a.test"), counted);
    EXPECT_NE(refuse("bob@b.test"), counted) << "another domain";
    EXPECT_EQ(rows(), 5);
    refusals.tick(ten_o_clock + Seconds{59});
    EXPECT_EQ(rows(), 5);
    refusals.tick(ten_o_clock + Seconds{60});
    ASSERT_EQ(trace(counted).size(), 2U);
    EXPECT_EQ(trace(counted)[0].detail,
              "client 192.0.2.1 at a.test was refused 2 more times within the minute from "
              "2026-11-21T10:00:00Z");
    EXPECT_NE(refuse("bob@a.test", ten_o_clock + Seconds{61}), counted);
}

// A flood of invented domains: another one each time.
TEST_F(RefusalsTest, too_many_of_one_client_are_counted) {
    for (int i = 0; i < 1000; ++i)
        refuse("bob@a" + std::to_string(i) + ".test");
    EXPECT_EQ(rows(), 7);
    EXPECT_NE(refuse("bob@a.test", ten_o_clock, "192.0.2.2"), "") << "another client";
    EXPECT_EQ(rows(), 8);
    refusals.end(ten_o_clock + Seconds{1});
    EXPECT_EQ(rows(), 9);
    EXPECT_EQ(rows("detail LIKE 'client 192.0.2.1 was refused 994 more times%'"), 1);
}

TEST_F(RefusalsTest, many_clients_share_what_memory_there_is) {
    for (int i = 0; i < 500; ++i)
        refuse("bob@a.test", ten_o_clock, "192.0.2." + std::to_string(i));
    EXPECT_LE(rows(), 30);
    refusals.tick(ten_o_clock + Seconds{60});
    EXPECT_EQ(rows("detail LIKE 'one of several clients was refused % more times%'"), 1);
}

// Beyond that nobody is blamed for what others do.
TEST_F(RefusalsTest, strangers_are_not_taken_for_one_another) {
    for (int i = 0; i < 10; ++i) // as many as are remembered, and their domain
        refuse("bob@a.test", ten_o_clock, "192.0.2." + std::to_string(i));
    std::set<std::string> own;
    for (int i = 0; i < 6; ++i)
        own.insert(refuse("bob@hospital.test", ten_o_clock, "198.51.100." + std::to_string(i)));
    EXPECT_EQ(own.size(), 6U) << "rows of their own, up to the limit";
    EXPECT_EQ(rows("kind = 'refusals'"), 0);
    const std::string counted = refuse("bob@hospital.test", ten_o_clock, "198.51.100.9");
    EXPECT_EQ(trace(counted).at(0).recipient, "");
    EXPECT_EQ(trace(counted).at(0).detail.find("198.51.100"), std::string::npos);
}

TEST_F(RefusalsTest, a_clock_set_back_ends_the_minute) {
    for (int i = 0; i < 5; ++i)
        refuse("bob@a.test");
    EXPECT_EQ(rows(), 4);
    refuse("bob@a.test", ten_o_clock - Seconds{3600});
    EXPECT_EQ(rows(), 6) << "the count, and a row of its own";
}

TEST_F(RefusalsTest, recipients_without_a_domain_count_for_their_client) {
    for (int i = 0; i < 100; ++i)
        refuse("no address");
    EXPECT_EQ(rows(), 7);
}

} // namespace
} // namespace surehop
