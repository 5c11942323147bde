// SPDX-License-Identifier: Apache-2.0
#include "cmd/ledger_keeper.h"

#include "store/ledger.h"
#include "store/verify.h"
#include "support/run.h"
#include "support/still_clock.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <vector>

namespace surehop::test {
namespace {

constexpr Seconds day{86'400};

TEST(LedgerKeeper, removes_old_rows_and_leaves_a_chain) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    Ledger ledger(store.reader, store.writer);
    StillClock clock;
    std::vector<LedgerRow> rows(2500);
    for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i].time = clock.now() - (i < 2400 ? 40 * day : day);
    must(ledger.append(rows));
    LedgerKeeper keeper(store.reader, store.writer, clock);
    asio::io_context loop;
    run(loop, keeper.remove_old(loop, 30 * day));
    EXPECT_EQ(number(store.reader, "SELECT count(*) FROM ledger"), 101);
    EXPECT_TRUE(value(verify_store(store.reader, std::nullopt, nullptr)).good());
}

TEST(LedgerKeeper, gives_up_where_the_store_cannot_be_written) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    Ledger ledger(store.reader, store.writer);
    StillClock clock;
    must(ledger.append(std::vector<LedgerRow>(5)));
    must(store.writer.submit_and_wait([](Database& database) {
        return database.execute("CREATE TRIGGER no BEFORE DELETE ON ledger "
                                "BEGIN SELECT raise(ABORT, 'no'); END");
    }));
    LedgerKeeper keeper(store.reader, store.writer, clock);
    asio::io_context loop;
    run(loop, keeper.remove_old(loop, 30 * day));
    EXPECT_EQ(number(store.reader, "SELECT count(*) FROM ledger"), 6) << "said, and not done";
    EXPECT_TRUE(value(verify_store(store.reader, std::nullopt, nullptr)).good());
}

} // namespace
} // namespace surehop::test
