// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resolve/loop.h"

#include <exception>
#include <memory>
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

} // namespace surehop
