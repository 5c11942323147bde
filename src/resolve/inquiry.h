// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "base/time.h"
#include "facts/facts.h"
#include "resolve/dns.h"
#include "resolve/https.h"
#include "resolve/loop.h"

// One inquiry learns all facts of one next hop, and reads like the RFCs from top to bottom:
// MX hosts (RFC 5321 §5.1, RFC 7505), for each host its addresses and TLSA records (RFC 7672 §2.2),
// beside it the MTA-STS policy (RFC 8461 §3). It judges nothing.
//
// `known`: what was known before, or null. A cached policy stays in force until its max_age ends or
// a newer one has been fetched, whatever happens to DNS or to the policy host (RFC 8461 §5.1).

namespace surehop {

// How long facts may be used before they are asked for again: no longer than the smallest TTL
// (RFC 7671 §8.1; of a denial: RFC 2308 §5), within these bounds; shorter when a look-up failed.
struct Lifetimes {
    Seconds shortest{5};
    Seconds longest{3600};
};

struct Sources {
    Dns& dns;
    Https& https;
    Validation validation;
    const Clock& clock;
    Lifetimes lifetimes;
    bool fetch_again = false; // the MTA-STS policy, even if its id has not changed
    bool outage = false;      // everything fails at present: the fault is ours
};

asio::awaitable<Facts> inquire(NextHop next_hop, FactsPtr known, Sources sources);

// What could not be learnt is asked for again after this; each further failure in a row doubles it,
// except where the fault is ours, so that all is well soon after it is mended.
constexpr Seconds life_of_unknown{30};
constexpr Seconds longest_life_of_unknown{300};
constexpr Seconds life_without_validation{60}; // by then our resolver may validate

// More MX hosts than this are not asked about; the rest are not offered either. Of the TLSA records
// of one host no more than this are kept.
constexpr std::size_t most_hosts = 20;
constexpr std::size_t most_tlsa = 100;

} // namespace surehop
