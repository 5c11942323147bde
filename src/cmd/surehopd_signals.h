// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "resolve/loop.h"

#include <functional>

// Signals as events of the loop: the main thread runs it and is the only one that has them
// unblocked, and the handler does no more than write to an eventfd. libmilter wants some of them
// for itself, and gets none: see sigwait() in milter/mfapi.cpp.

namespace surehop {

// To be called before any thread is started: threads inherit the blocked signals.
void block_signals();

struct SignalActions {
    std::function<void()> stop;   // TERM, INT
    std::function<void()> reload; // HUP, USR1
};

// From the main thread, which then runs the loop. Once per process.
Status take_signals(asio::io_context& loop, SignalActions actions);

} // namespace surehop
