// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>

// Who holds how many connections to the control socket. Everybody may open it, and a connection may
// last for half a minute: no user gets more than a few, and all of them together leave room for
// root and the daemon's own user, who are never turned away here. For one thread.

namespace surehop {

class ControlSeats {
  public:
    static constexpr std::size_t most_of_one = 4;
    static constexpr std::size_t most_of_others = 20; // of all but root and the daemon's own user
    // What the listener takes in all: as many again for those two.
    static constexpr std::size_t most = 2 * most_of_others;

    explicit ControlSeats(uid_t own) : own_(own) {}

    using Seat = std::shared_ptr<void>; // given back when it ends, which must be before these seats
    Seat take(uid_t user);              // null: this user, or all together, hold enough

    // Once a minute at most: a line in the log about it is due.
    bool worth_telling(std::chrono::steady_clock::time_point now);

  private:
    uid_t own_;
    std::size_t others_ = 0;
    std::map<uid_t, std::size_t> held_;
    std::optional<std::chrono::steady_clock::time_point> told_;
};

} // namespace surehop
