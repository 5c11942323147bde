// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "assess/level.h"
#include "base/time.h"
#include "rules/address_pattern.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

// An allowlist entry: for these recipients (and, if given, this sender) a lower level is accepted
// until a date, for a reason that somebody owns. It never raises what a rule asks.

namespace surehop {

struct Exception {
    std::int64_t id = 0;
    AddressPattern recipient;
    std::optional<AddressPattern> sender;
    Level lowest = Level::none;       // lowest level still accepted
    bool overrides_published = false; // at the lock, also what the destination publishes
    std::string reason;
    std::string owner;
    std::string ticket;     // may be empty
    std::string created_by; // "uid 0 (root)"
    Time from;
    Time until; // the first second at which it no longer holds
    std::optional<Time> removed;
    std::string removed_reason;

    bool over(Time now) const { return removed || until <= now; }
    bool live(Time now) const { return !over(now) && from <= now; } // else it is still to come
    bool covers(const Path& from_whom, const Path& to_whom) const {
        return recipient.matches(to_whom) && (!sender || sender->matches(from_whom));
    }
    // The lock sees a next hop and no recipient: an exception for one address there opens it, too.
    bool opens(const Domain& next_hop) const {
        return recipient.kind() == AddressPattern::Kind::address
                   ? recipient.domain() == next_hop
                   : recipient.matches_domain(next_hop);
    }
};

using ExceptionPtr = std::shared_ptr<const Exception>; // null: there is none

} // namespace surehop
