// SPDX-License-Identifier: Apache-2.0
// Invariant 9: kill -9 at any moment loses no exception and no accepted decision. A process writes
// and says what it was told is on disk; it is killed in the middle; all that it said must be there.
#include "base/text.h"
#include "store/allowlist.h"
#include "store/facts_store.h"
#include "store/ledger.h"
#include "support/child.h"
#include "support/sample_facts.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace surehop {
namespace {

using test::TempDir;
using test::TestStore;

Exception exception(const std::string& recipient) {
    Exception made;
    made.recipient = *AddressPattern::parse(recipient);
    made.reason = made.owner = made.created_by = "x";
    made.until = Time{Seconds{1}};
    return made;
}

// Three threads that accept mail, one administrator, and facts without end.
void write_until_killed(const std::string& path, const std::string& round, int out) {
    TestStore store(path);
    Ledger ledger(store.reader, store.writer);
    FactsStore facts(store.reader, store.writer);
    const auto allowlist = *Allowlist::open(store.reader, store.writer);
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 3; ++thread)
        threads.emplace_back([&, thread] {
            for (int i = 0;; ++i) {
                LedgerRow row;
                row.reference = round + "-" + std::to_string(thread) + "-" + std::to_string(i);
                if (ledger.append({row, row}))
                    test::say(out, "r " + row.reference + "\n");
                facts.put(row.reference, std::make_shared<const Facts>(test::full_facts()));
            }
        });
    for (int i = 0;; ++i) {
        const std::string recipient = "u" + round + "." + std::to_string(i) + "@example.org";
        if (allowlist->add(exception(recipient)))
            test::say(out, "e " + recipient + "\n");
    }
}

TEST(Crash, kill_9_loses_nothing_that_was_promised) {
    const TempDir dir;
    const std::string path = dir / "a.db";
    std::string said; // over all rounds: a later crash must not harm what an earlier one left
    for (int round = 0; round < 5; ++round) {
        test::Child child([&](int out) { write_until_killed(path, std::to_string(round), out); });
        std::string part;
        while (part.size() < 2500)
            part += child.read();
        child.kill();
        part += child.read_all();
        said += part.substr(0, part.rfind('\n') + 1);

        auto database = test::migrated(path);
        EXPECT_EQ(test::text(database, "PRAGMA integrity_check"), "ok");
        auto reference = database.prepare("SELECT count(*) FROM ledger WHERE reference = ?1");
        auto recipient = database.prepare("SELECT count(*) FROM exception WHERE recipient = ?1");
        ASSERT_TRUE(reference && recipient);
        int checked = 0;
        for (const auto line : split(said, '\n')) {
            if (line.empty())
                continue;
            auto& query = line.starts_with("r ") ? *reference : *recipient;
            query.reset();
            ASSERT_TRUE(*query.bind(1, line.substr(2)).step());
            ASSERT_EQ(query.number(0), line.starts_with("r ") ? 2 : 1) << line;
            ++checked;
        }
        EXPECT_GT(checked, 100 * (round + 1));
        // What nobody was told about is there whole or not at all.
        EXPECT_EQ(test::number(database,
                               "SELECT count(*) FROM (SELECT 1 FROM ledger WHERE kind = '' "
                               "GROUP BY reference HAVING count(*) <> 2)"),
                  0);
        EXPECT_EQ(test::number(database, "SELECT count(*) FROM exception"),
                  test::number(database, "SELECT count(*) FROM ledger WHERE kind = 'allow-add'"));
    }
    TestStore store(path);
    FactsStore facts(store.reader, store.writer);
    const auto known = test::value(facts.list(1'000'000)).entries;
    EXPECT_GT(known.size(), 0U);
    for (const auto& entry : known)
        EXPECT_EQ(*entry.facts, test::full_facts());
}

} // namespace
} // namespace surehop
