// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/domain.h"
#include "base/result.h"
#include "base/time.h"

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// The MTA-STS policy body, RFC 8461 §3.2, and how an MX host matches it, §4.1. Strict where the
// grammar is strict: a policy that is not certain protects nobody, and says so.

namespace surehop::mtasts {

enum class Mode { none, testing, enforce };
std::string_view name_of(Mode mode);

// "mail.example.com" or "*.example.com": the star stands for exactly one whole label (§4.1).
struct MxPattern {
    bool wildcard = false;
    std::string name; // A-labels, lower case, without "*."
    bool matches(const Domain& host) const;
    std::string text() const;
    bool operator==(const MxPattern&) const = default;
};

struct Policy {
    Mode mode = Mode::none;
    Seconds max_age{0}; // at most 31557600 (§3.2); larger values are clamped, not refused
    std::vector<MxPattern> mx;

    bool allows(const Domain& host) const;
    bool operator==(const Policy&) const = default;
};

constexpr Seconds longest_max_age{31557600};

// §3.2 sets none; a policy with more is not taken. Each is compared with each MX host at each use.
constexpr std::size_t most_mx = 1000;

// Empty lines are taken at the end only. The error names the line and what is wrong with it.
Result<Policy> parse_policy(std::string_view body);

// A body that parses to the same policy.
std::string print_policy(const Policy& policy);

} // namespace surehop::mtasts
