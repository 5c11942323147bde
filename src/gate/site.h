// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/domain.h"
#include "address/nexthop.h"
#include "address/path.h"
#include "base/time.h"
#include "binding/tls_policy.h"
#include "rules/ruleset.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

// What this site has configured that a decision depends on. Immutable; captured once per message,
// so that a reload never splits one.

namespace surehop {

struct Route {
    // The route holds for recipients that match (when the MTA does not say where it will connect)
    // or for this next hop (as the MTA or another route says it).
    std::vector<AddressPattern> domains;
    std::optional<NextHop> next_hop;
    bool internal = false; // never judged
};

struct Site {
    RuleSetPtr rules;
    std::vector<Route> routes;
    std::vector<Domain> final_domains; // delivered here: local, virtual and lmtp are not transport
    Lock lock = Lock::none;
    Seconds queue_lifetime{std::chrono::days{5}}; // how long the MTA tries to deliver
    Millis wait{2000};                            // RCPT, for an unknown next hop
    std::string tag_header = "X-Surehop";
    bool refuses_waiver = true; // "TLS-Required: No" of a sender, where a minimum is enforced
    std::string configuration_hash;
};

using SitePtr = std::shared_ptr<const Site>;

} // namespace surehop
