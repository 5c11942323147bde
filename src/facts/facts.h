// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/domain.h"
#include "base/time.h"
#include "dane/tlsa.h"
#include "facts/reason.h"
#include "mtasts/policy.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What is known of a next hop, as learnt from DNS and HTTPS, before anybody judges it.
//
// Every fact has a state. *Unknown* is a value of its own: a look-up that failed proves nothing,
// and must never be read as "absent" or "low" (RFC 7672 §2.1.1, RFC 8461 §5.1).

namespace surehop {

enum class State : std::uint8_t {
    present,
    absent,  // a look-up that worked says so
    invalid, // published, and broken in a way that counts as not published
    unknown, // could not be learnt now
};
std::string_view name_of(State state);
std::optional<State> state_of(std::string_view name);

struct Standing {
    State state = State::unknown;
    Reason reason = Reason::none;
    bool operator==(const Standing&) const = default;
};

// One MX host (or the only host of a next hop without MX look-up).
struct Host {
    explicit Host(Domain its_name, std::uint16_t its_preference = 0)
        : name(std::move(its_name)), preference(its_preference) {}

    Domain name;
    std::uint16_t preference;
    Standing addresses;
    std::optional<bool> addresses_secure; // none: the resolver does not validate
    Standing tlsa;                        // present: secure records exist, usable or not
    std::vector<dane::Tlsa> records;      // as published
    std::size_t unreadable = 0;           // records too short to keep; published, and unusable

    std::size_t usable() const; // how many records serve SMTP (RFC 7672 §3.1)
    bool operator==(const Host&) const = default;
};

// A policy that could not be had; tried again after a while (RFC 8461 §3.3). Kept in memory only.
struct FailedFetch {
    std::string id; // seen in DNS
    Time at;
    Standing why;
    bool operator==(const FailedFetch&) const = default;
};

// The MTA-STS policy in force for the next hop's domain.
struct StsFacts {
    Standing standing; // present: `policy` is in force, whatever its mode
    Standing refresh;  // of the latest look-up; differs where a cached policy stays in force
    std::string id;    // seen in DNS when the policy was fetched
    mtasts::Policy policy;
    Time fetched;
    Time expires;
    std::optional<FailedFetch> failed; // the latest fetch, if it failed
    bool operator==(const StsFacts&) const = default;
};

struct Facts {
    // Null for next hops without MX look-up. Absent: implicit MX (RFC 5321 §5.1) when `hosts` holds
    // the domain itself; no such domain when `mx->reason` says so.
    std::optional<Standing> mx;
    std::optional<bool> mx_secure; // the MX answer and each CNAME on its way; none: not knowable
    bool null_mx = false;          // RFC 7505
    bool implicit_mx = false;
    // DANE held when it could last be looked up, and now it cannot be, since our resolver does not
    // validate or did not answer: unknown until it does.
    bool dane_lost = false;
    // Look-ups in a row in which something failed; those where only we were at fault do not count.
    std::uint32_t failures = 0;
    std::vector<Host> hosts; // by preference
    StsFacts sts;
    Time reached; // when DNS last named a host of it and an address; however it went since
    Time learnt;
    Time until; // when to ask again; never later than the smallest TTL seen

    // A clock set back makes stale what was learnt "later", lest it live for as long.
    bool fresh(Time now) const { return learnt <= now && now < until; }

    bool complete() const; // nothing of it is unknown

    bool operator==(const Facts&) const = default;
};

using FactsPtr = std::shared_ptr<const Facts>;

} // namespace surehop
