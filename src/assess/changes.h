// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "assess/level.h"
#include "facts/facts.h"

#include <optional>
#include <vector>

// What became worse at a next hop between two look-ups, as far as somebody should hear of it. Pure.

namespace surehop {

// `dane` or `authenticated` was offered and is not any more: the policy went to testing or none,
// ended or cannot be parsed, the TLSA records are gone. A look-up that failed is no downgrade: that
// is unknown.
struct Downgrade {
    Level level;
    Reason reason; // why it is not offered now
    bool operator==(const Downgrade&) const = default;
};
std::vector<Downgrade> downgrades(const NextHop& next_hop, const Facts& before, const Facts& after);

// A policy in force was to be fetched again in this look-up, and could not be. Policies in mode
// none need no alarm.
bool refresh_fails(const Facts& facts);

// A policy in force that a look-up does not find any more, or cannot fetch (RFC 8461 §10.2:
// administrators want to know well before it ends): the first such look-up in a row, and the first
// one that finds it again.
enum class RefreshChange { fails, works_again };
std::optional<RefreshChange> refresh_change(const Facts* before, const Facts& after);

} // namespace surehop
