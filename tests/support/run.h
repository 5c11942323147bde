// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resolve/loop.h"

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

// Runs one coroutine on a loop until it ends, and returns what it returned.

namespace surehop::test {

template <class T> T run(asio::io_context& loop, asio::awaitable<T> job) {
    std::optional<T> result;
    std::exception_ptr failure;
    asio::co_spawn(loop, std::move(job), [&](std::exception_ptr error, T value) {
        failure = error;
        if (!error)
            result.emplace(std::move(value));
        loop.stop();
    });
    loop.restart();
    loop.run();
    if (failure)
        std::rethrow_exception(failure);
    if (!result)
        throw std::runtime_error("the loop ended before the coroutine");
    return std::move(*result);
}

inline void run(asio::io_context& loop, asio::awaitable<void> job) {
    (void)run(loop, [](asio::awaitable<void> inner) -> asio::awaitable<bool> {
        co_await std::move(inner);
        co_return true;
    }(std::move(job)));
}

} // namespace surehop::test
