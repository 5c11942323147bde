// SPDX-License-Identifier: Apache-2.0
#include "store/database.h"

#include "support/child.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace surehop {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

std::string open_error(const std::string& path,
                       Database::Access access = Database::Access::read_write) {
    const auto database = Database::open(path, access);
    return database ? "opened" : database.error();
}

void expect_words(const std::string& text, const std::vector<std::string>& words) {
    for (const std::string& word : words)
        EXPECT_NE(text.find(word), std::string::npos) << "no '" << word << "' in: " << text;
}

unsigned mode_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777U;
}

TEST(Database, is_set_up_for_durability) {
    const TempDir dir;
    Database database = test::open_or_throw(dir / "a.db");
    EXPECT_EQ(test::text(database, "PRAGMA journal_mode"), "wal");
    EXPECT_EQ(test::number(database, "PRAGMA synchronous"), 2); // FULL
    EXPECT_EQ(test::number(database, "PRAGMA foreign_keys"), 1);
    EXPECT_EQ(test::number(database, "PRAGMA busy_timeout"), 5000);
    EXPECT_EQ(test::number(database, "PRAGMA trusted_schema"), 0);
    EXPECT_EQ(database.path(), dir / "a.db");
}

TEST(Database, values_come_back_as_they_went_in) {
    auto database = test::open_or_throw(":memory:");
    test::must(database.execute("CREATE TABLE t (a TEXT, b INTEGER, c TEXT) STRICT"));
    const std::string odd("nul \0 quote ' \xc3\xbc \xff", 17);
    auto insert = database.prepare("INSERT INTO t VALUES (?1, ?2, ?3)");
    ASSERT_TRUE(insert);
    test::must(insert->bind(1, odd).bind(2, INT64_MIN).bind_null(3).run());
    insert->reset();
    test::must(insert->bind(1, std::string_view()).bind(2, Time{Seconds{7}}).bind(3, "").run());
    EXPECT_EQ(database.changes(), 1);
    EXPECT_EQ(database.last_insert_id(), 2);
    insert->reset(); // forgets what was bound
    test::must(insert->run());

    auto query = database.prepare("SELECT a, b, c FROM t ORDER BY rowid");
    ASSERT_TRUE(query);
    ASSERT_TRUE(*query->step());
    EXPECT_EQ(query->text(0), odd);
    EXPECT_EQ(query->number(1), INT64_MIN);
    EXPECT_TRUE(query->is_null(2));
    ASSERT_TRUE(*query->step());
    EXPECT_FALSE(query->is_null(0)); // a view of nothing is the empty text, not NULL
    EXPECT_EQ(query->text(0), "");
    EXPECT_EQ(query->time(1), Time{Seconds{7}});
    EXPECT_FALSE(query->is_null(2));
    ASSERT_TRUE(*query->step());
    EXPECT_TRUE(query->is_null(0));
    EXPECT_FALSE(*query->step());
}

TEST(Database, mistakes_in_statements_are_errors) {
    auto database = test::open_or_throw(":memory:");
    EXPECT_FALSE(database.execute("SELEKT 1"));
    EXPECT_FALSE(database.prepare("SELECT * FROM nothing"));
    EXPECT_FALSE(database.prepare(""));
    EXPECT_FALSE(database.reuse("SELECT * FROM nothing"));
    // Names in double quotes are never taken for text.
    EXPECT_FALSE(database.prepare("SELECT \"a word\""));
    auto query = database.prepare("SELECT ?1");
    ASSERT_TRUE(query);
    EXPECT_FALSE(query->bind(2, "no such parameter").step());
    query->reset();
    EXPECT_TRUE(query->bind(1, "this one").step());
}

TEST(Database, a_reused_statement_begins_anew) {
    const TempDir dir;
    auto database = test::open_or_throw(dir / "a.db");
    test::must(
        database.execute("CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1), (2)"));
    for (int round = 0; round < 3; ++round) {
        auto query = database.reuse("SELECT a FROM t WHERE a >= ?1 ORDER BY a");
        ASSERT_TRUE(query);
        auto first = query->bind(1, std::int64_t{1}).step();
        ASSERT_TRUE(first && *first);
        EXPECT_EQ(query->number(0), 1); // and is left in the middle
    }
    // None of them holds on to its view of the database, which would keep the WAL growing.
    auto checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
    ASSERT_TRUE(checkpoint && *checkpoint->step());
    EXPECT_EQ(checkpoint->number(0), 0) << "busy";
    // What was bound is forgotten: NULL is not less than anything.
    auto query = database.reuse("SELECT a FROM t WHERE a >= ?1 ORDER BY a");
    EXPECT_FALSE(*query->step());
}

TEST(Database, the_wal_goes_into_the_file_when_asked_and_not_within_a_commit) {
    const TempDir dir;
    const std::string path = dir / "a.db";
    auto opened = test::open_or_throw(path);
    test::must(opened.execute("CREATE TABLE t (a BLOB) STRICT; PRAGMA wal_checkpoint"));
    opened.checkpoint_later();
    Database database = std::move(opened);
    const auto hundred_pages = [&] {
        test::must(database.execute("INSERT INTO t VALUES (zeroblob(400000))"));
    };
    const auto before = fs::file_size(path);
    for (int i = 0; i < 5; ++i)
        hundred_pages();
    database.checkpoint_if_due();
    EXPECT_EQ(fs::file_size(path), before) << "it is not yet";
    for (int i = 0; i < 15; ++i)
        hundred_pages();
    EXPECT_EQ(fs::file_size(path), before) << "SQLite itself does it at 1000 pages";
    database.checkpoint_if_due();
    EXPECT_GT(fs::file_size(path), 20 * 400'000U);
    const auto wal = fs::file_size(path + "-wal");
    for (int i = 0; i < 5; ++i)
        hundred_pages();
    EXPECT_EQ(fs::file_size(path + "-wal"), wal) << "is written from its beginning again";
}

TEST(Database, moves_with_its_statements) {
    auto first = test::open_or_throw(":memory:");
    test::must(first.execute("CREATE TABLE t (a INTEGER) STRICT"));
    ASSERT_TRUE(first.reuse("INSERT INTO t VALUES (1)")->run());
    Database second = std::move(first);
    ASSERT_TRUE(second.reuse("INSERT INTO t VALUES (1)")->run());
    EXPECT_EQ(test::number(second, "SELECT count(*) FROM t"), 2);
    second = test::open_or_throw(":memory:");
    EXPECT_FALSE(second.reuse("INSERT INTO t VALUES (1)")) << "the other database's statement";
}

// ---- files

TEST(DatabaseFile, is_readable_by_the_group_at_most) {
    const TempDir dir;
    struct Row {
        mode_t umask;
        unsigned mode;
    };
    for (const Row& row : {Row{0, 0640}, Row{0022, 0640}, Row{0007, 0640}, Row{0077, 0600}}) {
        const mode_t before = ::umask(row.umask);
        const std::string path = dir / std::to_string(row.umask);
        auto database = test::open_or_throw(path);
        test::must(database.execute("CREATE TABLE t (a INTEGER) STRICT"));
        ::umask(before);
        EXPECT_EQ(mode_of(path), row.mode);
        EXPECT_EQ(mode_of(path + "-wal"), row.mode);
        EXPECT_EQ(mode_of(path + "-shm"), row.mode);
    }
}

TEST(DatabaseFile, keeps_the_mode_that_somebody_gave_it) {
    const TempDir dir;
    {
        test::migrated(dir / "a.db");
    }
    fs::permissions(dir / "a.db", fs::perms(0600));
    {
        test::migrated(dir / "a.db");
    }
    EXPECT_EQ(mode_of(dir / "a.db"), 0600U);
}

TEST(DatabaseFile, reading_creates_nothing) {
    const TempDir dir;
    expect_words(open_error(dir / "a.db", Database::Access::read_only),
                 {dir / "a.db", "there is no store", "surehopd creates it"});
    EXPECT_FALSE(fs::exists(dir / "a.db"));
}

TEST(DatabaseFile, read_only_reads_beside_the_writer_and_cannot_write) {
    const TempDir dir;
    auto writer = test::migrated(dir / "a.db");
    auto reader = test::open_or_throw(dir / "a.db", Database::Access::read_only);
    test::must(writer.execute("CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (7)"));
    EXPECT_EQ(test::number(reader, "SELECT a FROM t"), 7);
    const auto written = reader.execute("INSERT INTO t VALUES (8)");
    ASSERT_FALSE(written);
    expect_words(written.error(), {dir / "a.db", "cannot be written"});
}

TEST(DatabaseFile, what_is_wrong_and_what_to_do) {
    const TempDir dir;
    EXPECT_NE(open_error(""), "opened");

    expect_words(open_error(dir / "none/a.db"),
                 {dir / "none/a.db", "there is no folder", "create it", "surehopd runs as"});
    std::ofstream(dir / "file") << "x";
    expect_words(open_error(dir / "file/a.db"), {"there is no folder"});

    fs::create_directory(dir / "folder");
    expect_words(open_error(dir / "folder"), {dir / "folder"});

    std::ofstream(dir / "garbage") << std::string(10000, 'x');
    for (const auto access : {Database::Access::read_write, Database::Access::read_only})
        expect_words(open_error(dir / "garbage", access),
                     {dir / "garbage", "is not an SQLite database", "backup", "move it away"});
}

TEST(DatabaseFile, a_cut_file_is_named_as_damaged) {
    const TempDir dir;
    const std::string path = dir / "a.db";
    {
        auto database = test::migrated(path);
        test::must(database.execute("CREATE TABLE t (a TEXT) STRICT"));
        for (int i = 0; i < 100; ++i)
            test::must(database.execute("INSERT INTO t VALUES (hex(randomblob(2000)))"));
    }
    fs::resize_file(path, fs::file_size(path) / 2);
    expect_words(open_error(path), {path, "is damaged", "backup"});
}

// SQLite would begin anew in it without a word, and remove the WAL that has the last commits.
TEST(DatabaseFile, an_empty_one_is_not_a_new_one) {
    const TempDir dir;
    const std::string path = dir / "a.db";
    std::ofstream(path).close();
    std::ofstream(path + "-wal") << "commits";
    for (const auto access : {Database::Access::read_write, Database::Access::read_only})
        expect_words(open_error(path, access), {path, "is empty", "backup", "remove it"});
    EXPECT_EQ(fs::file_size(path), 0U);
    EXPECT_TRUE(fs::exists(path + "-wal"));
}

// Whoever looks at any moment, or is killed at it, leaves no empty file of that name behind.
TEST(DatabaseFile, a_new_one_gets_its_name_with_its_first_page) {
    const TempDir dir;
    std::atomic<bool> seen_empty{false}, over{false};
    std::jthread watcher([&] {
        struct stat status{};
        while (!over)
            if (::stat((dir / "a.db").c_str(), &status) == 0 && status.st_size == 0)
                seen_empty = true;
    });
    for (int i = 0; i < 50; ++i) {
        fs::remove(dir / "a.db");
        EXPECT_EQ(open_error(dir / "a.db"), "opened");
    }
    over = true;
    watcher.join();
    EXPECT_FALSE(seen_empty);
    for (const auto& entry : fs::directory_iterator(dir.path()))
        EXPECT_EQ(entry.path().filename().string().substr(0, 4), "a.db");
    EXPECT_LE(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()), 3);
}

// Root may write everywhere; so these look with other eyes.
TEST(DatabaseFile, not_permitted) {
    const TempDir dir;
    fs::permissions(dir.path(), fs::perms(0755));
    const std::string closed = dir / "closed", path = dir / "closed/a.db";
    fs::create_directory(closed);

    fs::permissions(closed, fs::perms(0555));
    expect_words(test::as_nobody([&] { return open_error(path); }),
                 {path, "not permitted", closed, "surehopd runs as"});

    fs::permissions(closed, fs::perms(0755));
    {
        test::migrated(path);
    }
    fs::permissions(path, fs::perms(0444));
    fs::permissions(closed, fs::perms(0555));
    expect_words(test::as_nobody([&] { return open_error(path); }), {path, "cannot be written"});

    fs::permissions(path, fs::perms(0000));
    expect_words(test::as_nobody([&] { return open_error(path); }), {path, "not permitted"});
    fs::permissions(closed, fs::perms(0000));
    expect_words(test::as_nobody([&] { return open_error(path); }), {path, "not permitted"});
    fs::permissions(closed, fs::perms(0755)); // so that it can be removed
}

TEST(DatabaseFile, locked_by_another_program) {
    const TempDir dir;
    auto one = test::migrated(dir / "a.db"), other = test::open_or_throw(dir / "a.db");
    test::must(other.execute("PRAGMA busy_timeout = 50"));
    test::must(one.execute("BEGIN IMMEDIATE"));
    const auto refused = other.execute("BEGIN IMMEDIATE");
    ASSERT_FALSE(refused);
    expect_words(refused.error(), {dir / "a.db", "locked by another program"});
    EXPECT_EQ(test::number(other, "SELECT count(*) FROM ledger"), 0) << "readers never wait";
    test::must(one.execute("ROLLBACK"));
    EXPECT_TRUE(other.execute("BEGIN IMMEDIATE"));
}

TEST(DatabaseFile, a_full_disk_is_named) {
    const TempDir dir;
    auto database = test::migrated(dir / "a.db");
    test::must(database.execute("PRAGMA max_page_count = 25; CREATE TABLE t (a TEXT) STRICT"));
    Status status = Done{};
    for (int i = 0; i < 1000 && status; ++i)
        status = database.execute("INSERT INTO t VALUES (hex(randomblob(500)))");
    ASSERT_FALSE(status);
    expect_words(status.error(), {dir / "a.db", "disk is full"});
}

TEST(DatabaseFile, many_may_open_a_new_one_at_once) {
    const TempDir dir;
    std::vector<std::string> faults(8);
    {
        std::vector<std::jthread> threads;
        for (std::string& fault : faults)
            threads.emplace_back([&] {
                auto database = Database::open(dir / "a.db");
                if (!database) {
                    fault = database.error();
                    return;
                }
                if (auto done = migrate(*database); !done)
                    fault = done.error();
            });
    }
    for (const std::string& fault : faults)
        EXPECT_EQ(fault, "");
}

} // namespace
} // namespace surehop
