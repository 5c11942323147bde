// SPDX-License-Identifier: Apache-2.0
#include "cmd/facts_changes.h"

#include "support/sample_facts.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

namespace surehop::test {
namespace {

class TellChanges : public ::testing::Test {
  protected:
    // Where `before` offered DANE.
    static Facts without_dane(Facts before) {
        before.hosts.front().tlsa = {State::absent, Reason::tlsa_none};
        before.hosts.front().records.clear();
        return before;
    }
    void tell(const Facts* before, const Facts& after) {
        tell_changes(ledger, counts, NextHop::of_domain(domain("example.org")), before, after);
    }
    std::int64_t rows() {
        store.settle();
        return number(store.reader, "SELECT count(*) FROM ledger");
    }

    TempDir dir;
    TestStore store{dir / "a.db"};
    Ledger ledger{store.reader, store.writer};
    ChangeCounts counts;
    const Facts facts = full_facts();
};

TEST_F(TellChanges, ADowngradeIsInTheLedger) {
    tell(nullptr, facts);
    tell(&facts, facts);
    EXPECT_EQ(counts.downgrades, 0U);
    tell(&facts, without_dane(facts));
    EXPECT_EQ(counts.downgrades, 1U);
    EXPECT_EQ(counts.refreshes_failed, 0U);
    EXPECT_EQ(rows(), 1);
    EXPECT_EQ(text(store.reader, "SELECT kind || ' ' || next_hop || ' ' || level || ' ' || reason "
                                 "FROM ledger"),
              "downgrade example.org dane tlsa-none");
}

// Whoever publishes and withdraws all the time must not fill the ledger.
TEST_F(TellChanges, UpsAndDownsAreToldOnceAnHour) {
    Facts after = without_dane(facts);
    for (int minute = 0; minute < 120; ++minute) {
        tell(&facts, after);
        after.learnt += Seconds{60};
    }
    EXPECT_EQ(rows(), 2);
    EXPECT_EQ(counts.downgrades, 120U);
}

TEST_F(TellChanges, EachRefreshThatFailsIsCounted) {
    Facts failing = facts;
    failing.sts.refresh = {State::absent, Reason::sts_txt_none}; // and the policy was fetched
    tell(&failing, failing);
    EXPECT_EQ(counts.refreshes_failed, 0U);
    failing.sts.refresh = {State::unknown, Reason::sts_fetch_timeout};
    failing.sts.failed = FailedFetch{"2", failing.learnt, failing.sts.refresh};
    for (int i = 0; i < 3; ++i)
        tell(&failing, failing);
    EXPECT_EQ(counts.refreshes_failed, 3U);
}

} // namespace
} // namespace surehop::test
