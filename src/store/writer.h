// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "store/database.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>

// The one thread that writes. Jobs are taken in batches and committed together with
// synchronous=FULL: one fsync serves all who wait (group commit, no linger). A job gets the database
// inside the open transaction and says whether it worked; its future is ready when the batch is on
// disk, or holds the error: then nothing of the batch is. A failing job does not take the others
// with it (a savepoint around each).

namespace surehop {

class Writer {
  public:
    using Job = std::function<Status(Database&)>;

    explicit Writer(Database database); // its own connection
    ~Writer();                          // commits what is queued, then stops
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    std::future<Status> submit(Job job);
    Status submit_and_wait(Job job);

    // For jobs that nobody waits for: a failure is told to `report`, once until one works again.
    void submit_and_forget(Job job);
    void on_failure(std::function<void(const std::string&)> report);

    // What is waiting now; submit() fails at once above the limit (100 000 jobs).
    std::size_t queued() const;

  private:
    struct Waiting {
        Job job;
        std::promise<Status> done;
        bool forget = false;
    };
    void run();
    void commit(std::deque<Waiting>& batch);

    Database database_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Waiting> queue_;
    bool stopping_ = false;
    std::function<void(const std::string&)> report_;
    bool failing_ = false;
    std::thread thread_;
};

} // namespace surehop
