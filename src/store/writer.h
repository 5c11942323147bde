// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "store/database.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

// The one thread that writes. Jobs are taken in batches and committed together with
// synchronous=FULL: one fsync serves all who wait (group commit, no linger). A job gets the
// database inside the open transaction and says whether it worked; its future is ready when the
// batch is on disk, or holds the error: then nothing of the job is. A failing job does not take the
// others with it (a savepoint around each).
//
// A job may be run more than once: where SQLite gives up the whole transaction (disk full), the
// jobs before the failing one are run again in the next. It must not throw, wait, or call the
// writer.

namespace surehop {

class Writer {
  public:
    using Job = std::function<Status(Database&)>;
    using Report = std::function<void(const std::string&)>;

    explicit Writer(Database database); // its own connection
    ~Writer();                          // commits what is queued, then stops
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    std::future<Status> submit(Job job);
    Status submit_and_wait(Job job);

    // For jobs that nobody waits for: a failure is told to `report` (in the writer's thread), once
    // until one works again.
    void submit_and_forget(Job job);
    void on_failure(Report report);

    // What is waiting now; submit() fails at once above the limit (100 000 jobs).
    std::size_t queued() const;

    // Why the latest write is not on disk; nothing if it is.
    std::optional<std::string> trouble() const;

    // Transactions committed since the start: far fewer than jobs when many wait at once.
    std::uint64_t commits() const;

  private:
    struct Waiting {
        Job job;
        std::promise<Status> done;
        bool forget = false;
    };
    bool enqueue(Waiting waiting); // false: the queue is full
    void run();
    void commit(std::deque<Waiting> batch);
    void finish(Waiting& waiting, const Status& status);
    void take_note(const Status& status);
    void tell(const std::string& failure);

    Database database_;
    mutable std::mutex mutex_; // of what follows, up to `trouble_`
    std::condition_variable wake_;
    std::deque<Waiting> queue_;
    bool stopping_ = false;
    std::uint64_t dropped_ = 0; // forgotten jobs that found the queue full
    std::uint64_t commits_ = 0;
    Report report_;
    std::optional<std::string> trouble_;
    bool failing_ = false, troubled_ = false; // the thread's own
    std::thread thread_;
};

} // namespace surehop
