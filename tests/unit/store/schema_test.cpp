// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include "facts/stored_facts.h"
#include "store/allowlist.h"
#include "store/facts_store.h"
#include "store/ledger.h"
#include "store/ledger_table.h"
#include "store/promises.h"
#include "store/verify.h"
#include "support/sample_facts.h"
#include "support/source_tree.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace surehop {
namespace {

using test::TempDir;

std::string contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The store that a surehop of that version left behind: tests/unit/store/old/VERSION.sql.
Database at_version(const std::string& path, int version) {
    Database database = test::open_or_throw(path);
    const auto dump =
        test::source_tree() / "tests/unit/store/old" / (std::to_string(version) + ".sql");
    const std::string sql = contents(dump);
    if (sql.empty())
        throw std::runtime_error("there is no " + dump.string());
    test::must(database.execute(sql));
    return database;
}

std::vector<std::string> column(Database& database, const std::string& sql) {
    auto query = test::value(database.prepare(sql));
    std::vector<std::string> found;
    while (test::value(query.step()))
        found.push_back(query.text(0));
    return found;
}

// All rows of each table, by what selects them: later columns are not in it, nor the facts' own
// form, which has changed.
std::map<std::string, std::vector<std::string>> all_rows(Database& database) {
    std::map<std::string, std::vector<std::string>> all;
    for (const std::string& select :
         column(database,
                R"(SELECT 'SELECT ' || (SELECT group_concat('quote("' || name || '")', ' || ')
                          FROM pragma_table_info(t.name) WHERE name <> 'body') || ' FROM ' || name || ' ORDER BY 1'
                          FROM sqlite_schema AS t WHERE type = 'table')"))
        all[select] = column(database, select);
    return all;
}

TEST(Schema, a_first_page_becomes_a_store) {
    const TempDir dir;
    (void)test::open_or_throw(dir / "a.db"); // what a crash at birth leaves
    Database database = test::open_or_throw(dir / "a.db");
    ASSERT_TRUE(version_of(database));
    EXPECT_EQ(*version_of(database), 0);
    EXPECT_FALSE(require_current(database));
    test::must(migrate(database));
    EXPECT_EQ(*version_of(database), schema_version);
    EXPECT_TRUE(require_current(database));
    for (const std::string table : {"facts", "exception", "ledger", "promise"})
        EXPECT_EQ(test::number(database, "SELECT count(*) FROM " + table), 0) << table;
    EXPECT_FALSE(database.in_transaction());
}

TEST(Schema, every_table_is_strict) {
    const TempDir dir;
    Database database = test::migrated(dir / "a.db");
    EXPECT_EQ(test::number(database,
                           "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' "
                           "AND type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0"),
              0);
    EXPECT_FALSE(database.execute("INSERT INTO facts VALUES ('k', x'62', 'noon', 0, 0, 0, 0)"));
    EXPECT_FALSE(database.execute("INSERT INTO facts VALUES (NULL, x'62', 0, 0, 0, 0, 0)"));
    EXPECT_FALSE(database.execute("INSERT INTO facts VALUES ('k', 'b', 0, 0, 0, 0, 0)"));
    EXPECT_TRUE(database.execute("INSERT INTO facts VALUES ('k', x'62', 0, 0, 0, 0, 0)"));
}

TEST(Schema, a_second_time_changes_nothing) {
    const TempDir dir;
    {
        test::migrated(dir / "a.db");
    }
    const std::string before = contents(dir / "a.db");
    {
        test::migrated(dir / "a.db");
    }
    EXPECT_EQ(contents(dir / "a.db"), before);
}

// Nothing that an earlier version has written is changed, and nothing differs from a new store.
TEST(Schema, every_earlier_version_becomes_this_one) {
    const std::string tables = "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY type, name";
    for (int version = 1; version < schema_version; ++version) {
        SCOPED_TRACE(version);
        const TempDir dir;
        Database database = at_version(dir / "a.db", version);
        ASSERT_EQ(*version_of(database), version);
        const auto refused = require_current(database);
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().find("start surehopd once"), std::string::npos);

        const auto before = all_rows(database);
        EXPECT_GE(before.size(), version < 2 ? 4U : 5U); // sqlite_sequence, too
        test::must(migrate(database));
        EXPECT_EQ(*version_of(database), schema_version);
        for (const auto& [select, rows] : before) {
            EXPECT_FALSE(rows.empty()) << select;
            EXPECT_EQ(column(database, select), rows) << select;
        }
        Database fresh = test::migrated(dir / "fresh.db");
        EXPECT_EQ(column(database, tables), column(fresh, tables));
    }
}

TEST(Schema, facts_that_cannot_be_read_are_left_out_and_the_others_are_not) {
    const TempDir dir;
    Database database = at_version(dir / "a.db", 6);
    test::must(database.execute("UPDATE facts SET body = substr(body, 1, 100) "
                                "WHERE key = 'bound.example'"));
    test::must(migrate(database));
    EXPECT_EQ(column(database, "SELECT key FROM facts ORDER BY key"),
              (std::vector<std::string>{"[mx1.host.example]:25", "plain.example"}));
    auto query = test::value(database.prepare("SELECT body FROM facts ORDER BY key"));
    ASSERT_TRUE(test::value(query.step()));
    const auto host = from_store(query.octets(0));
    ASSERT_TRUE(host) << host.error();
    EXPECT_FALSE(host->mx);
    EXPECT_EQ(host->hosts.at(0).name.text(), "mx1.host.example");
    EXPECT_EQ(host->hosts.at(0).usable(), 1U);
}

TEST(Schema, without_room_all_stays_as_it_was) {
    const TempDir dir;
    Database database = at_version(dir / "a.db", 6);
    test::must(database.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
        "INSERT INTO facts SELECT 'k' || i, body, learnt, until, used, binds, refresh "
        "FROM facts, n WHERE key = 'bound.example'"));
    test::must(database.execute("PRAGMA max_page_count = 1")); // the least: as many as there are
    const auto before = all_rows(database);
    EXPECT_FALSE(migrate(database));
    EXPECT_FALSE(database.in_transaction());
    EXPECT_EQ(*version_of(database), 6);
    EXPECT_EQ(all_rows(database), before);
    test::must(database.execute("PRAGMA max_page_count = 100000"));
    test::must(migrate(database));
    EXPECT_EQ(*version_of(database), schema_version);
}

TEST(Schema, what_an_earlier_version_has_written_is_understood) {
    const Time now = test::ten_o_clock + Seconds{600};
    for (int version = 1; version < schema_version; ++version) {
        SCOPED_TRACE(version);
        const TempDir dir;
        {
            at_version(dir / "a.db", version);
        }
        test::TestStore store(dir / "a.db");

        FactsStore facts(store.reader, store.writer);
        const FactsPtr bound = test::value(facts.read("bound.example"));
        ASSERT_TRUE(bound);
        Facts expected = test::full_facts("bound.example");
        expected.sts.policy.mx.push_back({false, "mx1.bound.example"});
        expected.sts.refresh = {State::unknown, Reason::sts_fetch_tls};
        EXPECT_EQ(*bound, expected) << "a policy that binds is not lost (invariant 4)";
        const FactsPtr plain = test::value(facts.read("plain.example"));
        ASSERT_TRUE(plain);
        EXPECT_EQ(*plain, test::plain_facts("plain.example"));
        EXPECT_EQ(test::value(facts.policies_due(now + std::chrono::hours{24}, Time{}, 10)),
                  std::vector<std::string>{"bound.example"});

        const auto exceptions = test::value(Allowlist::open(store.reader, store.writer));
        ASSERT_EQ(exceptions->list().size(), 2U);
        const auto live = exceptions->match(*Path::parse("nurse@clinic.example"),
                                            *Path::parse("alice@partner.example"), now);
        ASSERT_TRUE(live);
        EXPECT_EQ(live->id, 1);
        EXPECT_EQ(live->lowest, Level::encrypted);
        EXPECT_EQ(live->ticket, "T-17");
        EXPECT_FALSE(live->overrides_published);
        const auto ended = exceptions->find(2);
        ASSERT_TRUE(ended);
        EXPECT_EQ(ended->owner, "Jürgen");
        EXPECT_EQ(ended->removed_reason, "it is sent");
        EXPECT_TRUE(ended->over(now));

        if (version >= 2) {
            const auto promises = test::value(Promises::open(store.reader, store.writer, now));
            EXPECT_EQ(promises->list(now).size(), 3U);
            const auto held = promises->highest("held.example", now);
            ASSERT_TRUE(held);
            EXPECT_EQ(held->level, Level::authenticated);
            EXPECT_EQ(held->until, Promises::until_released);
        }

        Ledger ledger(store.reader, store.writer);
        const auto accepted = test::value(ledger.trace("3T7Q-K2"));
        ASSERT_EQ(accepted.size(), 1U);
        EXPECT_EQ(accepted[0].exception, 1);
        EXPECT_EQ(accepted[0].domain, "partner.example");
        EXPECT_EQ(test::value(ledger.trace("plain.example")).size(), version < 4 ? 1U : 2U);
        EXPECT_EQ(test::value(ledger.trace("xn--bcher-kva.example")).size(), 1U);

        const auto rows =
            static_cast<std::uint64_t>(test::number(store.reader, "SELECT count(*) FROM ledger"));
        for (const std::uint64_t added : {0U, 1U}) {
            const auto verified = test::value(verify_store(store.reader, std::nullopt, {}));
            EXPECT_TRUE(verified.good()) << (verified.fault ? verified.fault->text : "");
            EXPECT_EQ(verified.rows, rows + added);
            LedgerRow next;
            next.time = now;
            next.kind = "start";
            test::must(ledger.append({next}));
        }
    }
}

// 1200 rows: more than the migration takes at once.
TEST(Schema, version_4_gets_its_ledger_chained) {
    const TempDir dir;
    {
        Database database = at_version(dir / "a.db", 4);
        test::must(database.execute(
            "DELETE FROM ledger; DELETE FROM sqlite_sequence WHERE name = 'ledger'; "
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
            "INSERT INTO ledger SELECT NULL, 1795255200 + i, 'decision', 'r' || i, 'Q', "
            "'a@x.test', "
            "'b@Example.ORG', 'example.org', 'default', i % 2, 'dane', 'enforce', 'meets', 'dane', "
            "'', 'accept', 'accept', '' FROM n"));
    }
    Database database = test::migrated(dir / "a.db");
    ChainCheck check{ChainHead{}};
    auto rows = test::value(rows_after(database, 0, 2000));
    ASSERT_EQ(rows.size(), 1200U);
    for (const auto& [row, chain] : rows) {
        const auto fault = check.next(row, chain);
        ASSERT_FALSE(fault) << fault->text;
        EXPECT_EQ(row.domain, "example.org");
        EXPECT_EQ(row.reference, "r" + std::to_string(row.id));
    }
    EXPECT_EQ(test::value(chain_head(database)), check.last());
    EXPECT_FALSE(database.execute("UPDATE ledger SET outcome = 'meets'"));
    LedgerRow next;
    next.kind = "start";
    test::must(insert_row(database, next));
    rows = test::value(rows_after(database, 1200, 2));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_FALSE(check.next(rows[0].row, rows[0].chain)) << "the chain goes on";
}

TEST(Schema, a_failing_migration_leaves_the_store_as_it_was) {
    const TempDir dir;
    Database database = at_version(dir / "a.db", 1);
    // Something is in the way of version 2.
    test::must(database.execute("CREATE TABLE promise (a INTEGER) STRICT"));
    EXPECT_FALSE(migrate(database));
    EXPECT_FALSE(database.in_transaction());
    EXPECT_EQ(*version_of(database), 1);
    test::must(database.execute("DROP TABLE promise"));
    EXPECT_TRUE(migrate(database));
}

TEST(Schema, a_newer_store_is_refused_and_left_untouched) {
    const TempDir dir;
    {
        Database database = test::migrated(dir / "a.db");
        test::must(database.execute(fmt::format("PRAGMA user_version = {}", schema_version + 1)));
    }
    const std::string before = contents(dir / "a.db");
    {
        Database database = test::open_or_throw(dir / "a.db");
        for (const auto& refused : {migrate(database), require_current(database)}) {
            ASSERT_FALSE(refused);
            EXPECT_NE(refused.error().find(dir / "a.db"), std::string::npos);
            EXPECT_NE(refused.error().find("written by a newer surehop"), std::string::npos);
        }
        EXPECT_EQ(*version_of(database), schema_version + 1);
    }
    EXPECT_EQ(contents(dir / "a.db"), before);
}

TEST(Schema, the_database_of_another_program_is_refused_and_left_untouched) {
    const TempDir dir;
    {
        Database other = test::open_or_throw(dir / "a.db");
        test::must(other.execute("CREATE TABLE bookmarks (url TEXT)"));
    }
    const std::string before = contents(dir / "a.db");
    {
        Database database = test::open_or_throw(dir / "a.db");
        const auto refused = migrate(database);
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().find("another program"), std::string::npos) << refused.error();
    }
    EXPECT_EQ(contents(dir / "a.db"), before);
}

TEST(Schema, waits_for_another_that_migrates_and_finds_it_done) {
    const TempDir dir;
    Database slow = test::open_or_throw(dir / "a.db");
    Database waiting = test::open_or_throw(dir / "a.db");
    test::must(waiting.execute("PRAGMA busy_timeout = 50"));
    test::must(slow.execute("BEGIN IMMEDIATE"));
    EXPECT_FALSE(migrate(waiting));
    test::must(slow.execute("ROLLBACK"));
    test::must(migrate(slow));
    EXPECT_TRUE(migrate(waiting));
}

// What the header of the allowlist and of the ledger promise, kept by the file itself.
TEST(Schema, history_cannot_be_rewritten) {
    const TempDir dir;
    Database database = test::migrated(dir / "a.db");
    test::must(database.execute("INSERT INTO ledger SELECT NULL, 1, 'decision', 'r', '', '', '', "
                                "'', '', 0, '', '', '', '', "
                                "'', '', '', '', '', '', '', '', 1"));
    test::must(
        database.execute("INSERT INTO exception VALUES (1, '@example.org', NULL, 'none', 'r', "
                         "'o', '', 'b', 1, 2, NULL, '', 0)"));
    EXPECT_FALSE(database.execute("UPDATE ledger SET outcome = 'meets'"));
    EXPECT_FALSE(database.execute("DELETE FROM exception"));
    EXPECT_TRUE(database.execute("UPDATE exception SET removed = 1"));
}

} // namespace
} // namespace surehop
