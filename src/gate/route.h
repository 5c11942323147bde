// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "gate/decision.h"
#include "gate/site.h"

#include <vector>

// The first step of the spine: where would this recipient's mail really go? The MTA knows best
// ({rcpt_mailer}, {rcpt_host}); else configured routes, else the recipient's own domain.

namespace surehop {

struct Way {
    // Never empty. Several where the MTA has a list, of which it may use any.
    std::vector<NextHop> next_hops;
    HopSource source = HopSource::recipient_domain;
    Reason reason = Reason::none; // of those that are hidden
};

Way find_way(const Context& context, const Site& site);

// The same next hop, or *internal* where a route or a loopback literal says that it is never
// judged. With lock = "sendmail" a route of a recipient's domain says so, too: that is what
// Sendmail asks with.
NextHop judged(NextHop next_hop, const Site& site);

} // namespace surehop
