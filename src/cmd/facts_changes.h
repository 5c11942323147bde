// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "facts/facts.h"
#include "store/ledger.h"

#include <cstdint>
#include <map>
#include <string>

// What became worse at a next hop is told once: in the log, and a downgrade in the ledger too.

namespace surehop {

// Since the start. On the loop.
struct ChangeCounts {
    std::uint64_t downgrades = 0;
    std::uint64_t refreshes_failed = 0; // of policies in force, each time
    // When a downgrade of a next hop was last told: whoever goes up and down all the time is told
    // once an hour, and counted.
    std::map<std::string, Time> told;
};

// `before`: null when nothing was known. Does not wait for the disk.
void tell_changes(Ledger& ledger, ChangeCounts& counts, const NextHop& next_hop,
                  const Facts* before, const Facts& after);

} // namespace surehop
