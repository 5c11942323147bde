// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehopd_signals.h"

#include <fmt/format.h>

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>

namespace surehop {

namespace {

// A signal handler is given nothing but the number: what it needs has to be where it can find it.
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<bool> stop_wanted{false};
std::atomic<bool> reload_wanted{false};
std::atomic<int> bell{-1};
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

void on_signal(int number) {
    const int saved = errno;
    (number == SIGHUP || number == SIGUSR1 ? reload_wanted : stop_wanted) = true;
    const std::uint64_t one = 1;
    // A full eventfd has rung already.
    [[maybe_unused]] const auto written = ::write(bell, &one, sizeof one);
    errno = saved;
}

sigset_t ours() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGUSR1})
        sigaddset(&set, number);
    return set;
}

asio::awaitable<void> listen_to_bell(asio::io_context& loop, SignalActions actions) {
    asio::posix::stream_descriptor ring(loop, bell);
    for (;;) {
        std::uint64_t count = 0;
        asio::error_code failed;
        co_await ring.async_read_some(asio::buffer(&count, sizeof count),
                                      asio::redirect_error(asio::use_awaitable, failed));
        if (failed)
            co_return;
        if (stop_wanted.exchange(false)) {
            actions.stop();
            co_return;
        }
        if (reload_wanted.exchange(false))
            actions.reload();
    }
}

} // namespace

void block_signals() {
    const sigset_t set = ours();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

Status take_signals(asio::io_context& loop, SignalActions actions) {
    bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell < 0)
        return Error{fmt::format("cannot make an eventfd: {}", std::strerror(errno))};
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGUSR1})
        ::sigaction(number, &action, nullptr);
    asio::co_spawn(loop, listen_to_bell(loop, std::move(actions)), asio::detached);
    const sigset_t set = ours();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    return Done{};
}

} // namespace surehop
