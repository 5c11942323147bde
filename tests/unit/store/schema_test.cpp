// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include "store/ledger_table.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace surehop {
namespace {

using test::TempDir;

std::string contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// What a program of that version would have left behind.
Database at_version(const std::string& path, int version) {
    Database database = test::migrated(path);
    if (version < 6)
        test::must(database.execute("ALTER TABLE ledger DROP COLUMN times; "
                                    "ALTER TABLE exception DROP COLUMN override_published"));
    if (version < 5)
        test::must(database.execute("DROP INDEX ledger_by_domain; DROP INDEX ledger_by_time; "
                                    "ALTER TABLE ledger DROP COLUMN domain; "
                                    "ALTER TABLE ledger DROP COLUMN offer; "
                                    "ALTER TABLE ledger DROP COLUMN facts; "
                                    "ALTER TABLE ledger DROP COLUMN chain"));
    if (version < 4)
        test::must(database.execute("DROP INDEX facts_by_refresh; "
                                    "ALTER TABLE facts DROP COLUMN refresh"));
    if (version < 3)
        test::must(database.execute("DROP INDEX ledger_by_change"));
    if (version < 2)
        test::must(database.execute("DROP TABLE promise"));
    test::must(database.execute("PRAGMA user_version = " + std::to_string(version)));
    return database;
}

TEST(Schema, an_empty_file_becomes_a_store) {
    const TempDir dir;
    std::ofstream(dir / "a.db").flush(); // zero octets: what a crash at birth leaves
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
    EXPECT_FALSE(database.execute("INSERT INTO facts VALUES ('k', 'b', 'noon', 0, 0, 0, 0)"));
    EXPECT_FALSE(database.execute("INSERT INTO facts VALUES (NULL, 'b', 0, 0, 0, 0, 0)"));
    EXPECT_TRUE(database.execute("INSERT INTO facts VALUES ('k', 'b', 0, 0, 0, 0, 0)"));
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

TEST(Schema, version_1_keeps_its_rows) {
    const TempDir dir;
    {
        Database database = at_version(dir / "a.db", 1);
        test::must(
            database.execute("INSERT INTO facts VALUES ('example.org', 'body', 1, 2, 3, 4)"));
        const auto old = require_current(database);
        ASSERT_FALSE(old);
        EXPECT_NE(old.error().find("start surehopd once"), std::string::npos) << old.error();
    }
    Database database = test::migrated(dir / "a.db");
    EXPECT_EQ(*version_of(database), schema_version);
    EXPECT_EQ(test::text(database, "SELECT body FROM facts"), "body");
    EXPECT_EQ(test::number(database, "SELECT refresh FROM facts"), 1) << "its policy is due";
    EXPECT_EQ(test::number(database, "SELECT count(*) FROM promise"), 0);
}

// 1200 rows: more than the migration takes at once.
TEST(Schema, version_4_gets_its_ledger_chained) {
    const TempDir dir;
    {
        Database database = at_version(dir / "a.db", 4);
        test::must(database.execute(
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
        at_version(dir / "a.db", schema_version + 1);
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
