// SPDX-License-Identifier: Apache-2.0
#include "store/writer.h"

#include "support/child.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace surehop {
namespace {

using test::TempDir;
using test::TestStore;

// One row in the ledger with this reference, and in `detail` as many octets as asked for.
Writer::Job row(const std::string& reference, std::size_t octets = 0) {
    return [reference, octets](Database& database) -> Status {
        auto insert = database.reuse(
            "INSERT INTO ledger SELECT NULL, 1, 'decision', ?1, '', '', '', '', '', 0, '', '', '', "
            "'', '', '', '', ?2, '', '', '', '', 1");
        if (!insert)
            return Error{insert.error()};
        return insert->bind(1, reference).bind(2, std::string(octets, 'x')).run();
    };
}

std::int64_t rows(Database& database, const std::string& reference = "%") {
    return test::number(database,
                        "SELECT count(*) FROM ledger WHERE reference LIKE '" + reference + "'");
}

// Holds the writer in a job, so that what is submitted meanwhile becomes one batch.
class Pause {
  public:
    explicit Pause(Writer& writer) {
        std::promise<void> started;
        done_ = writer.submit([&, go = go_.get_future().share()](Database&) -> Status {
            started.set_value();
            go.wait();
            return Done{};
        });
        started.get_future().wait();
    }
    void end() {
        go_.set_value();
        test::must(done_.get());
    }

  private:
    std::promise<void> go_;
    std::future<Status> done_;
};

TEST(Writer, a_job_is_on_disk_when_it_is_done) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    test::must(store.writer.submit_and_wait(row("a")));
    EXPECT_EQ(rows(store.reader), 1);
    EXPECT_EQ(store.writer.queued(), 0U);
    EXPECT_EQ(store.writer.commits(), 1U);
}

TEST(Writer, those_who_wait_together_share_one_commit) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    Pause pause(store.writer);
    std::vector<std::future<Status>> waiting;
    for (int i = 0; i < 20; ++i)
        waiting.push_back(store.writer.submit(row("a")));
    EXPECT_EQ(store.writer.queued(), 20U);
    pause.end();
    for (auto& done : waiting)
        EXPECT_TRUE(done.get());
    EXPECT_EQ(store.writer.commits(), 2U); // the pause, and all twenty
    EXPECT_EQ(rows(store.reader), 20);
}

TEST(Writer, twenty_threads_lose_nothing_and_commit_far_less_often_than_they_write) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    std::atomic<int> failed = 0;
    {
        std::latch start(20);
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 20; ++thread)
            threads.emplace_back([&, thread] {
                start.arrive_and_wait();
                for (int i = 0; i < 50; ++i)
                    if (!store.writer.submit_and_wait(row(std::to_string(thread * 50 + i))))
                        ++failed;
            });
    }
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(test::number(store.reader, "SELECT count(DISTINCT reference) FROM ledger"), 1000);
    EXPECT_LT(store.writer.commits(), 500U);
}

TEST(Writer, a_failing_job_takes_nobody_with_it) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    Pause pause(store.writer);
    auto before = store.writer.submit(row("before"));
    auto half = store.writer.submit([](Database& database) -> Status {
        test::must(row("half")(database)); // written, and then it goes wrong
        return Error{"no"};
    });
    auto bad = store.writer.submit([](Database& database) -> Status {
        return database.execute("INSERT INTO ledger (kind) VALUES (NULL)");
    });
    auto thrown =
        store.writer.submit([](Database&) -> Status { throw std::runtime_error("oops"); });
    auto after = store.writer.submit(row("after"));
    pause.end();
    EXPECT_TRUE(before.get());
    EXPECT_EQ(half.get().error(), "no");
    EXPECT_FALSE(bad.get());
    EXPECT_NE(thrown.get().error().find("oops"), std::string::npos);
    EXPECT_TRUE(after.get());
    EXPECT_EQ(store.writer.commits(), 2U);
    EXPECT_EQ(rows(store.reader), 2);
    EXPECT_EQ(rows(store.reader, "half"), 0);
}

TEST(Writer, a_job_cannot_end_the_transaction_of_the_others_unseen) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    auto rogue = [](Database& database) { return database.execute("COMMIT"); };
    EXPECT_FALSE(store.writer.submit_and_wait(rogue));
    EXPECT_TRUE(store.writer.submit_and_wait(row("after")));
}

TEST(Writer, stopping_commits_what_is_queued) {
    const TempDir dir;
    {
        TestStore store(dir / "a.db");
        auto pause = std::make_unique<Pause>(store.writer);
        for (int i = 0; i < 2500; ++i) // more than one batch
            store.writer.submit_and_forget(row("later"));
        std::jthread([&] { pause->end(); }).join();
    }
    auto database = test::open_or_throw(dir / "a.db");
    EXPECT_EQ(rows(database), 2500);
}

TEST(Writer, the_queue_has_an_end) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    std::vector<std::string> told;
    store.writer.on_failure([&](const std::string& failure) { told.push_back(failure); });
    Pause pause(store.writer);
    const auto nothing = [](Database&) -> Status { return Done{}; };
    for (int i = 0; i < 100'000; ++i)
        store.writer.submit_and_forget(nothing);
    store.writer.submit_and_forget(row("dropped"));
    store.writer.submit_and_forget(row("dropped"));
    auto refused = store.writer.submit(row("refused"));
    ASSERT_EQ(refused.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    EXPECT_NE(refused.get().error().find("too many writes wait"), std::string::npos);
    pause.end();
    while (store.writer.queued() > 0) // there is no room for settle() yet
        std::this_thread::yield();
    store.settle();
    EXPECT_EQ(rows(store.reader), 0);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0], "2 writes to the store were dropped: too many waited");
}

TEST(Writer, forgotten_failures_are_told_once_until_one_works) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    std::vector<std::string> told;
    store.writer.on_failure([&](const std::string& failure) { told.push_back(failure); });
    const auto fail = [](Database&) -> Status { return Error{"the disk is full"}; };
    for (int i = 0; i < 3; ++i)
        store.writer.submit_and_forget(fail);
    store.settle();
    EXPECT_EQ(told, std::vector<std::string>(1, "the disk is full"));
    store.writer.submit_and_forget(row("a"));
    store.writer.submit_and_forget(fail);
    store.settle();
    EXPECT_EQ(told.size(), 2U);
}

// ---- faults of the disk

constexpr const char* small = "PRAGMA max_page_count = 60"; // of 4096 octets

TEST(WriterFault, a_full_disk_fails_who_does_not_fit_and_nobody_else) {
    const TempDir dir;
    TestStore store(dir / "a.db", [](Database& database) { test::must(database.execute(small)); });
    Pause pause(store.writer);
    std::vector<std::pair<std::string, std::future<Status>>> waiting;
    for (int i = 0; i < 30; ++i) {
        const std::string reference = "r" + std::to_string(i);
        const std::size_t octets = i % 3 == 1 ? 1'000'000 : 10; // every third is too large
        waiting.emplace_back(reference, store.writer.submit(row(reference, octets)));
    }
    pause.end();
    int worked = 0;
    for (auto& [reference, done] : waiting) {
        const Status status = done.get();
        worked += status ? 1 : 0;
        EXPECT_EQ(rows(store.reader, reference), status ? 1 : 0) << reference;
        EXPECT_TRUE(status || status.error().find("disk is full") != std::string::npos);
    }
    EXPECT_EQ(worked, 20);
    EXPECT_EQ(test::text(store.reader, "PRAGMA integrity_check"), "ok");
}

TEST(WriterFault, a_disk_that_fills_up_refuses_until_there_is_room) {
    const TempDir dir;
    TestStore store(dir / "a.db", [](Database& database) { test::must(database.execute(small)); });
    int accepted = 0;
    Status status = Done{};
    while (accepted < 1000 && (status = store.writer.submit_and_wait(row("a", 1000))))
        ++accepted;
    ASSERT_FALSE(status);
    EXPECT_GT(accepted, 10);
    EXPECT_EQ(rows(store.reader), accepted);
    EXPECT_FALSE(store.writer.submit_and_wait(row("a", 1000))) << "still full";
    test::must(store.writer.submit_and_wait(
        [](Database& database) { return database.execute("PRAGMA max_page_count = 100000"); }));
    EXPECT_TRUE(store.writer.submit_and_wait(row("a", 1000)));
    EXPECT_EQ(rows(store.reader), accepted + 1);
}

// The write itself fails, as late as in COMMIT: the process may not let a file grow further.
TEST(WriterFault, a_commit_that_fails_fails_all_who_wait_for_it) {
    const TempDir dir;
    const std::string path = dir / "a.db";
    {
        test::migrated(path);
    }
    test::Child child([&](int out) {
        std::signal(SIGXFSZ, SIG_IGN);
        TestStore store(path);
        test::must(store.writer.submit_and_wait(row("before")));
        const rlimit tight{20'000, RLIM_INFINITY}, wide{RLIM_INFINITY, RLIM_INFINITY};
        ::setrlimit(RLIMIT_FSIZE, &tight);
        Pause pause(store.writer);
        std::vector<std::future<Status>> waiting;
        for (int i = 0; i < 5; ++i)
            waiting.push_back(store.writer.submit(row("lost", 10'000)));
        pause.end();
        for (auto& done : waiting) {
            const Status status = done.get();
            test::say(out, (status ? "stored" : status.error()) + "\n");
        }
        test::say(out, "rows " + std::to_string(rows(store.reader, "lost")) + "\n");
        ::setrlimit(RLIMIT_FSIZE, &wide);
        test::say(out, store.writer.submit_and_wait(row("after")) ? "works again\n" : "broken\n");
        // A child that is not killed ends as surehopd does: TestStore goes, the queue is written.
    });
    const std::string said = child.read_all();
    const std::string refused = "the store " + path + " cannot be read or written";
    std::size_t count = 0;
    for (auto at = said.find(refused); at != std::string::npos; at = said.find(refused, at + 1))
        ++count;
    EXPECT_EQ(count, 5U) << said;
    EXPECT_TRUE(said.ends_with("\nrows 0\nworks again\n")) << said;
    auto database = test::open_or_throw(path);
    EXPECT_EQ(rows(database), 2);
    EXPECT_EQ(test::text(database, "PRAGMA integrity_check"), "ok");
}

TEST(WriterFault, another_program_with_the_lock_is_waited_for) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    test::must(store.reader.execute("BEGIN IMMEDIATE"));
    auto waiting = store.writer.submit(row("a"));
    EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
    test::must(store.reader.execute("ROLLBACK"));
    EXPECT_TRUE(waiting.get());
    EXPECT_EQ(rows(store.reader), 1);
}

TEST(WriterFault, a_lock_that_stays_is_an_error_for_the_whole_batch) {
    const TempDir dir;
    TestStore store(dir / "a.db", [](Database& database) {
        test::must(database.execute("PRAGMA busy_timeout = 50"));
    });
    test::must(store.reader.execute("BEGIN IMMEDIATE"));
    for (auto* what : {"a", "b"}) {
        const Status status = store.writer.submit_and_wait(row(what));
        ASSERT_FALSE(status);
        EXPECT_NE(status.error().find("locked by another program"), std::string::npos);
    }
    test::must(store.reader.execute("ROLLBACK"));
    EXPECT_TRUE(store.writer.submit_and_wait(row("c")));
    EXPECT_EQ(rows(store.reader), 1);
}

TEST(Writer, the_wal_stays_small) {
    const TempDir dir;
    TestStore store(dir / "a.db");
    std::uintmax_t most = 0;
    for (int i = 0; i < 60; ++i) {
        test::must(store.writer.submit_and_wait(row("R", 400'000)));
        most = std::max(most, std::filesystem::file_size(dir / "a.db-wal"));
    }
    EXPECT_LT(most, 8'000'000U) << "of 24 MB that were written";
}

} // namespace
} // namespace surehop
