// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "assess/level.h"
#include "base/time.h"
#include "facts/facts.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Facts and the time of day become a short list of offers: what this next hop can guarantee,
// through which of its MX hosts, and until when. Pure; asks nobody.
//
// Never overstates: an offer is as strong as the weakest MX host that its binding lets mail use.
// `dane` counts only hosts whose MX, address and TLSA records are secure and usable (RFC 7672
// §2.2). `authenticated` counts only hosts that the enforce policy names (RFC 8461 §4.1), and none
// whose TLSA records are usable or could not be looked up: MTA-STS must not override a failing DANE
// (RFC 8461 §2).

namespace surehop {

struct Offer {
    Level level = Level::none;
    std::vector<std::string> hosts; // MX names that the binding lets mail use, by preference
    bool every_host = true;         // no MX host that has an address is left out
    bool most_preferred = true;     // a host of the best preference is among them
    std::uint16_t preference = 0;   // the best among them
    std::optional<Reason> unsure;   // only hosts whose look-ups failed are left out: why
    Time until{};                   // ask again then
};

// Why a level is not offered.
struct Missing {
    Level level = Level::none;
    Reason reason = Reason::none;
    bool unknown = false; // it may well hold: a look-up failed
};

struct Assessment {
    std::optional<Reason> no_mail; // null MX, no such domain
    std::vector<Offer> offers;     // strongest first
    std::vector<Missing> missing;  // strongest first, one per level not offered: see miss()
    bool enforced = false;         // an MTA-STS policy in mode enforce is in force
    // `authenticated` over hosts that have DANE, too: for an MTA that knows no DANE.
    std::optional<Offer> sts_alone;
    // What stands in the way of any delivery now, even where nothing is demanded: MX hosts that
    // could not be looked up, TLSA records of none of them (RFC 7672 §2.1.2), or an enforce policy
    // that no usable host satisfies (RFC 8461 §5).
    std::optional<Reason> wait;

    void miss(Missing row);                     // keeps their order
    const Offer* at_least(Level minimum) const; // the strongest such offer, or null
    Missing why_not(Level minimum) const;       // what explains best that there is none
};

Assessment assess(const NextHop& next_hop, const Facts& facts, Time now);

} // namespace surehop
