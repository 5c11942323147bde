// SPDX-License-Identifier: Apache-2.0
#include "cmd/facts_changes.h"

#include "support/sample_facts.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

namespace surehop::test {
namespace {

TEST(TellChanges, ADowngradeIsInTheLedger) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    Ledger ledger(store.reader, store.writer);
    const NextHop hop = NextHop::of_domain(domain("example.org"));
    const Facts before = full_facts();
    Facts after = before;
    after.hosts.front().tlsa = {State::absent, Reason::tlsa_none};
    after.hosts.front().records.clear();

    ChangeCounts counts;
    tell_changes(ledger, counts, hop, nullptr, before);
    tell_changes(ledger, counts, hop, &before, before);
    EXPECT_EQ(counts.downgrades, 0U);
    tell_changes(ledger, counts, hop, &before, after);
    EXPECT_EQ(counts.downgrades, 1U);
    EXPECT_EQ(counts.refreshes_failed, 0U);
    must(store.writer.submit_and_wait([](Database&) -> Status { return Done{}; }));
    EXPECT_EQ(number(store.reader, "SELECT count(*) FROM ledger"), 1);
    EXPECT_EQ(text(store.reader, "SELECT kind || ' ' || next_hop || ' ' || level || ' ' || reason "
                                 "FROM ledger"),
              "downgrade example.org dane tlsa-none");
}

// Whoever publishes and withdraws all the time must not fill the ledger.
TEST(TellChanges, UpsAndDownsAreToldOnceAnHour) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    Ledger ledger(store.reader, store.writer);
    const NextHop hop = NextHop::of_domain(domain("example.org"));
    Facts before = full_facts();
    Facts after = before;
    after.hosts.front().tlsa = {State::absent, Reason::tlsa_none};
    after.hosts.front().records.clear();
    ChangeCounts counts;
    for (int minute = 0; minute < 120; ++minute) {
        tell_changes(ledger, counts, hop, &before, after);
        after.learnt += Seconds{60};
    }
    store.settle();
    EXPECT_EQ(number(store.reader, "SELECT count(*) FROM ledger"), 2);
    EXPECT_EQ(counts.downgrades, 120U);
}

TEST(TellChanges, EachRefreshThatFailsIsCounted) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    Ledger ledger(store.reader, store.writer);
    const NextHop hop = NextHop::of_domain(domain("example.org"));
    Facts facts = full_facts();
    facts.sts.refresh = {State::absent, Reason::sts_txt_none}; // and the policy was fetched
    ChangeCounts counts;
    tell_changes(ledger, counts, hop, &facts, facts);
    EXPECT_EQ(counts.refreshes_failed, 0U);
    facts.sts.refresh = {State::unknown, Reason::sts_fetch_timeout};
    facts.sts.failed = FailedFetch{"2", facts.learnt, facts.sts.refresh};
    for (int i = 0; i < 3; ++i)
        tell_changes(ledger, counts, hop, &facts, facts);
    EXPECT_EQ(counts.refreshes_failed, 3U);
}

} // namespace
} // namespace surehop::test
