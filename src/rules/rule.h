// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/ip_range.h"
#include "assess/level.h"
#include "rules/address_set.h"
#include "rules/condition.h"
#include "rules/context.h"
#include "rules/field_condition.h"
#include "rules/hours.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// One rule: for whom, and what is asked. All its conditions must hold; one that is empty always
// does.

namespace surehop {

enum class Action : std::uint8_t { accept, tag, quarantine, defer, reject };
std::string_view name_of(Action action);
std::optional<Action> action_of(std::string_view name);

enum class PolicyMode : std::uint8_t { audit, enforce };
std::string_view name_of(PolicyMode mode);

// What the rules ask for one recipient, before anything is looked up.
struct Requirement {
    std::string rule; // the rule's name; "default" for the last resort
    Level minimum = Level::none;
    TlsVersion least_tls = TlsVersion::v1_2; // of rules on the recipient's domain alone
    Action falls_short = Action::reject;
    Action unknown = Action::defer;
    PolicyMode mode = PolicyMode::enforce;
    std::string help;           // whom a refused sender may ask; may be empty
    bool by_requiretls = false; // the sender has asked for more than the rule
};

bool passes(Action action);  // marked or not: accept, tag
bool refuses(Action action); // for good or for now: reject, defer

// A requirement that lets mail pass which does not meet it, marked or not (`falls_short = "tag"`,
// `unknown = "tag"` or `"accept"`): nothing is promised under it, and it raises no floor.
bool only_marks(const Requirement& requirement);

// What the gate keeps out under this requirement, and so what the lock may demand: nothing where it
// only watches, or marks and lets pass.
Level enforced_level(const Requirement& requirement);
// The same, were it enforced.
Level demanded_level(const Requirement& requirement);

// Whether more is asked by `a` than by `b`: whoever enforces is stricter than whoever watches, then
// the higher minimum, then the harder action.
bool stricter(const Requirement& a, const Requirement& b);

// RFC 8689 §4.2.1: whoever sends with REQUIRETLS wants no hop below authenticated.
Requirement with_requiretls(Requirement requirement);

struct Rule {
    AddressSet senders;
    AddressSet recipients;
    std::vector<std::string> users; // in lower case; "*": whoever has authenticated
    std::vector<IpRange> clients;
    std::vector<std::string> listeners;
    std::vector<FieldCondition> fields; // all of them
    std::optional<std::uint64_t> larger_than;
    std::vector<Hours> hours;
    Requirement requirement;

    Answer matches(const Context& context) const;

    bool on_envelope_alone() const; // sender and recipient, and nothing else
    // Whether the rule looks at the recipient's domain and nothing else: only such rules can be
    // held by the lock, which sees a next hop and no message.
    bool on_recipient_domain_alone() const;
    bool for_every_domain() const;
    bool matches_domain(const Domain& domain) const; // of a rule that looks at nothing else
};

} // namespace surehop
