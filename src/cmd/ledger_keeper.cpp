// SPDX-License-Identifier: Apache-2.0
#include "cmd/ledger_keeper.h"

#include "base/log.h"
#include "store/ledger_table.h"
#include "store/retention.h"

#include <chrono>
#include <exception>
#include <memory>

namespace surehop {

namespace {

constexpr std::chrono::hours between_heads{1};
constexpr Seconds between_removals{std::chrono::days{1} - std::chrono::minutes{10}};
constexpr std::chrono::milliseconds moment{50}; // mail goes first

} // namespace

void LedgerKeeper::tell_head() {
    const auto head = [this] {
        const auto hold = reader_.lock();
        return chain_head(reader_);
    }();
    if (!head)
        log::error("the head of the ledger cannot be read: {}", head.error());
    else if (head->id > 0)
        log::info("ledger head {}", head->text());
}

asio::awaitable<void> LedgerKeeper::remove_old(asio::io_context& loop, Seconds keep) {
    const Time now = clock_.now();
    asio::steady_timer pause(loop);
    for (bool more = true; more;) {
        // The job may outlive this coroutine.
        const auto left = std::make_shared<bool>(false);
        auto done = writer_.submit([left, now, keep](Database& database) -> Status {
            const auto step = cut_some(database, now, keep);
            if (!step)
                return Error{step.error()};
            *left = *step;
            return Done{};
        });
        do {
            pause.expires_after(moment);
            co_await pause.async_wait(asio::use_awaitable);
        } while (done.wait_for(std::chrono::seconds{0}) != std::future_status::ready);
        if (const Status status = done.get(); !status) {
            log::error("old rows of the ledger cannot be removed: {}", status.error());
            co_return;
        }
        more = *left;
    }
}

asio::awaitable<void> LedgerKeeper::run(asio::io_context& loop, std::function<Seconds()> keep,
                                        std::function<bool()> settled) {
    for (;;) {
        asio::steady_timer hour(loop, between_heads);
        co_await hour.async_wait(asio::use_awaitable);
        tell_head();
        const Time now = clock_.now();
        const bool due = !removed_ || now < *removed_ || now >= *removed_ + between_removals;
        if (keep() <= Seconds{0} || !due || !settled())
            continue;
        removed_ = now;
        try {
            co_await remove_old(loop, keep());
        } catch (const std::exception& error) {
            log::error("old rows of the ledger cannot be removed: {}", error.what());
        }
    }
}

} // namespace surehop
