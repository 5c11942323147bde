// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "facts/facts.h"
#include "store/ledger.h"

// What became worse at a next hop is told once: in the log, and a downgrade in the ledger too.

namespace surehop {

// `before`: null when nothing was known. Does not wait for the disk.
void tell_changes(Ledger& ledger, const NextHop& next_hop, const Facts* before, const Facts& after);

} // namespace surehop
