// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resolve/loop.h"

#include <cstddef>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

// Runs all jobs at the same time and returns when the last has ended; the first exception is passed
// on then. On the loop's one thread: jobs may share the caller's variables.

namespace surehop {

inline asio::awaitable<void> gather(std::vector<asio::awaitable<void>> jobs) {
    const auto executor = co_await asio::this_coro::executor;
    std::size_t left = jobs.size();
    std::exception_ptr failed;
    asio::steady_timer all_done(executor, asio::steady_timer::time_point::max());
    for (auto& job : jobs)
        asio::co_spawn(executor, std::move(job), [&](const std::exception_ptr& error) {
            if (error && !failed)
                failed = error;
            if (--left == 0)
                all_done.cancel();
        });
    while (left > 0) {
        asio::error_code cancelled;
        co_await all_done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    if (failed)
        std::rethrow_exception(failed);
}

template <class Item, class Job>
asio::awaitable<void> work_through(std::vector<Item>& items, std::size_t& next, Job& job) {
    while (next < items.size()) {
        Item& item = items[next++];
        co_await job(item);
    }
}

// `job(item)` for each item, in order, but no more than `most` at the same time.
template <class Item, class Job>
asio::awaitable<void> for_each(std::vector<Item> items, std::size_t most, Job job) {
    std::size_t next = 0;
    std::vector<asio::awaitable<void>> workers;
    for (std::size_t i = 0; i < most && i < items.size(); ++i)
        workers.push_back(work_through(items, next, job));
    co_await gather(std::move(workers));
}

} // namespace surehop
