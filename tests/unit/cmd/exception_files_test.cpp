// SPDX-License-Identifier: Apache-2.0
#include "cmd/exception_files.h"

#include "cmd/exception_watch.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace surehop {
namespace {

using test::TempDir;
using test::TestStore;

constexpr Seconds day{86400};
const std::string header = "recipient,lowest,reason,owner,until\n";

struct ExceptionFilesTest : testing::Test {
    ExceptionFilesTest() {
        terms.files = {file};
        terms.longest = 100 * 366 * day; // the end stands in the file for good
    }

    // Written a while ago, so that nobody can be at it still.
    void write(const std::string& lines, const std::string& first = header) {
        std::ofstream(file) << first << lines;
        age(file, 60 + ++versions);
    }
    static void age(const std::string& path, int seconds) {
        std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() -
                                                   std::chrono::seconds{seconds});
    }
    static std::string line(const std::string& recipient, const std::string& reason = "x") {
        return recipient + ",none," + reason + ",Anna,2099-12-31\n";
    }
    void look(bool anew = false) { files.look(terms, now, anew); }
    std::string live() {
        std::string out;
        for (const Exception& one : allowlist->list())
            if (one.live(now))
                out += (out.empty() ? "" : " ") + one.recipient.text() + "=" + one.reason;
        return out;
    }
    std::string state() { return files.states(terms, now).at(0).at("state"); }
    std::string text() { return files.states(terms, now).at(0).at("text"); }
    std::int64_t rows(const std::string& kind) {
        store.settle();
        return test::number(store.reader,
                            "SELECT count(*) FROM ledger WHERE kind = '" + kind + "'");
    }

    TempDir dir;
    TestStore store{dir / "a.db"};
    std::unique_ptr<Allowlist> allowlist = test::value(Allowlist::open(store.reader, store.writer));
    Ledger ledger{store.reader, store.writer};
    ExceptionFiles files{*allowlist, ledger};
    std::string file = dir / "partners.csv";
    AllowTerms terms;
    int versions = 0;
    // Of this machine: whether a file has been left alone is told by its clock.
    Time now = std::chrono::floor<Seconds>(std::chrono::system_clock::now());
};

TEST_F(ExceptionFilesTest, what_the_file_says_is_in_force) {
    EXPECT_EQ(state(), "not-read");
    write(line("a.test") + line("b.test"));
    look(true);
    EXPECT_EQ(live(), "@a.test=x @b.test=x");
    EXPECT_EQ(state(), "good");
    EXPECT_EQ(files.states(terms, now).at(0).at("exceptions"), 2);
    EXPECT_EQ(allowlist->find(1)->created_by, "file " + file);
    write(line("a.test", "y") + line("c.test"));
    look();
    EXPECT_EQ(live(), "@c.test=x @a.test=y");
    EXPECT_EQ(allowlist->list().size(), 4U) << "what has ended is kept";
    EXPECT_EQ(allowlist->find(2)->removed_reason, "no longer in " + file);
    EXPECT_EQ(rows("allow-file"), 2);
    look(true);
    EXPECT_EQ(allowlist->list().size(), 4U) << "read again, it says the same";
    EXPECT_EQ(rows("allow-file"), 2);
    write("");
    look();
    EXPECT_EQ(live(), "") << "a list of nothing, well-formed, ends all";
    EXPECT_EQ(rows("allow-file-failed"), 0);
}

TEST_F(ExceptionFilesTest, only_its_own_are_touched) {
    Exception by_hand;
    by_hand.recipient = *AddressPattern::parse("hand.test");
    by_hand.reason = "x";
    by_hand.owner = "Anna";
    by_hand.created_by = "uid 0 (root)";
    by_hand.from = now;
    by_hand.until = now + day;
    (void)test::value(allowlist->add(by_hand));
    by_hand.created_by = "file " + file + ".old";
    by_hand.recipient = *AddressPattern::parse("other.test");
    (void)test::value(allowlist->add(by_hand));
    write(line("a.test"));
    look();
    write("");
    look();
    EXPECT_EQ(live(), "@hand.test=x @other.test=x");
    terms.files.clear(); // what came from it before stays, until somebody removes it
    look();
    EXPECT_EQ(live(), "@hand.test=x @other.test=x");
}

TEST_F(ExceptionFilesTest, a_file_that_is_no_good_changes_nothing) {
    struct Row {
        std::string why;
        void (*spoil)(const std::string& file);
    };
    using std::filesystem::perms;
    for (const Row& row : {
             Row{": cannot be read (No such file or directory); ",
                 [](const std::string& path) { std::filesystem::remove(path); }},
             Row{":3: until: 'soon' is not a time; ",
                 [](const std::string& path) {
                     std::ofstream(path) << header << line("c.test") << "d.test,none,x,Anna,soon\n";
                 }},
             Row{": is empty; ", [](const std::string& path) { std::ofstream{path}; }},
             Row{": may be written by everybody; ",
                 [](const std::string& path) {
                     std::filesystem::permissions(path, perms::others_write,
                                                  std::filesystem::perm_options::add);
                 }},
             Row{": is in a folder that everybody may write; ",
                 [](const std::string& path) {
                     std::filesystem::permissions(std::filesystem::path(path).parent_path(),
                                                  perms::others_write,
                                                  std::filesystem::perm_options::add);
                 }},
             Row{": is larger than 4194304 octets; ",
                 [](const std::string& path) {
                     std::ofstream(path) << std::string(longest_list + 1, '\n');
                 }},
             Row{": is no regular file; ",
                 [](const std::string& path) {
                     std::filesystem::remove(path);
                     std::filesystem::create_directory(path);
                 }},
             Row{": is no regular file; ",
                 [](const std::string& path) {
                     std::filesystem::remove(path);
                     ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
                 }},
         }) {
        write(line("a.test") + line("b.test"));
        look(true);
        ASSERT_EQ(live(), "@a.test=x @b.test=x") << row.why;
        const auto told = rows("allow-file-failed"), good = rows("allow-file");
        row.spoil(file);
        if (std::filesystem::exists(file))
            age(file, 30);
        now += Seconds{60};
        look();
        look();
        now += Seconds{60};
        look();
        EXPECT_EQ(live(), "@a.test=x @b.test=x") << row.why;
        EXPECT_EQ(state(), "failed") << row.why;
        EXPECT_TRUE(text().starts_with(file + row.why)) << text();
        EXPECT_EQ(rows("allow-file-failed"), told + 1) << "once: " << row.why;
        EXPECT_EQ(files.states(terms, now).at(0).at("exceptions"), 2);
        std::filesystem::remove_all(file);
        std::filesystem::permissions(std::filesystem::path(file).parent_path(), perms::owner_all);
        write(line("a.test") + line("b.test"));
        look();
        EXPECT_EQ(state(), "good") << row.why << text();
        EXPECT_EQ(rows("allow-file"), good + 1) << "and once that it is good again: " << row.why;
    }
}

TEST_F(ExceptionFilesTest, a_restart_keeps_what_was_good) {
    write(line("a.test"));
    look(true);
    write("broken\n");
    allowlist = test::value(Allowlist::open(store.reader, store.writer));
    ExceptionFiles again(*allowlist, ledger);
    again.look(terms, now, true);
    EXPECT_EQ(live(), "@a.test=x");
    EXPECT_EQ(again.states(terms, now).at(0).at("state"), "failed");
}

// Half of a list looks like a list.
TEST_F(ExceptionFilesTest, a_file_that_somebody_writes_waits) {
    write(line("a.test") + line("b.test"));
    look(true);
    std::ofstream(file) << header << line("a.test");
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now());
    now = std::chrono::floor<Seconds>(std::chrono::system_clock::now());
    look();
    EXPECT_EQ(live(), "@a.test=x @b.test=x");
    now += Seconds{3};
    look();
    EXPECT_EQ(live(), "@a.test=x");
}

TEST_F(ExceptionFilesTest, a_store_that_takes_nothing_is_tried_again) {
    test::must(store.writer.submit_and_wait([](Database& database) {
        return database.execute("CREATE TRIGGER no BEFORE INSERT ON exception BEGIN SELECT "
                                "raise(ABORT, 'closed'); END");
    }));
    write(line("a.test"));
    look();
    EXPECT_EQ(state(), "failed");
    EXPECT_NE(text().find("closed"), std::string::npos);
    test::must(store.writer.submit_and_wait(
        [](Database& database) { return database.execute("DROP TRIGGER no"); }));
    now += Seconds{60};
    look();
    EXPECT_EQ(live(), "@a.test=x");
}

TEST_F(ExceptionFilesTest, json_by_the_name) {
    file = dir / "partners.json";
    terms.files = {file};
    write("", R"({"exceptions": [{"recipient": "a.test", "lowest": "none", "reason": "x",
                 "owner": "A", "until": "2099-12-31"}]})");
    look();
    EXPECT_EQ(live(), "@a.test=x");
}

// ---- the watch ----

struct ExceptionWatchTest : testing::Test {
    Exception made(Seconds lasts) const {
        Exception one;
        one.recipient = *AddressPattern::parse("a.test");
        one.reason = "x";
        one.owner = "Anna";
        one.created_by = "root";
        one.from = now;
        one.until = now + lasts;
        return one;
    }
    std::string told() {
        store.settle();
        return test::text(store.reader,
                          "SELECT coalesce(group_concat(kind || ' ' || exception, ', '), '') FROM "
                          "(SELECT * FROM ledger WHERE kind IN ('allow-ending', 'allow-ended') "
                          "ORDER BY id)");
    }

    static constexpr Time now{Seconds{1795255200}}; // 2026-11-21T10:00:00Z
    TempDir dir;
    TestStore store{dir / "a.db"};
    std::unique_ptr<Allowlist> allowlist = test::value(Allowlist::open(store.reader, store.writer));
    Ledger ledger{store.reader, store.writer};
};

TEST_F(ExceptionWatchTest, tells_once_before_and_once_after_the_end) {
    (void)test::value(allowlist->add(made(30 * day)));
    (void)test::value(allowlist->add(made(10 * day)));
    ExceptionWatch watch(store.reader, *allowlist, ledger);
    watch.tick(now + Seconds{5});
    watch.tick(now + 10 * day - Seconds{60});
    EXPECT_EQ(told(), "");
    watch.tick(now + 10 * day);
    EXPECT_EQ(told(), "allow-ended 2") << "of a short one only the end";
    watch.tick(now + 16 * day);
    watch.tick(now + 16 * day + Seconds{61});
    EXPECT_EQ(told(), "allow-ended 2, allow-ending 1");
    ExceptionWatch restarted(store.reader, *allowlist, ledger);
    restarted.tick(now + 17 * day);
    EXPECT_EQ(told(), "allow-ended 2, allow-ending 1");
    restarted.tick(now + 30 * day);
    restarted.tick(now + 31 * day);
    EXPECT_EQ(told(), "allow-ended 2, allow-ending 1, allow-ended 1");
}

TEST_F(ExceptionWatchTest, tells_late_what_it_missed_but_not_old_stories) {
    (void)test::value(allowlist->add(made(30 * day)));
    (void)test::value(allowlist->add(made(60 * day)));
    ExceptionWatch watch(store.reader, *allowlist, ledger);
    watch.tick(now + 50 * day); // surehopd was stopped all the time
    EXPECT_EQ(told(), "allow-ending 2");
}

} // namespace
} // namespace surehop
