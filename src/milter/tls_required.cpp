// SPDX-License-Identifier: Apache-2.0
#include "milter/tls_required.h"

#include "base/text.h"

#include <algorithm>

namespace surehop {

bool waives_tls(std::string_view name, std::string_view value) {
    const auto begins = value.find_first_not_of(" \t\r\n"); // it may be folded
    // "TLS-Required : No" is that field too (RFC 5322 §4.5.8). "No (comment)" is none by RFC 8689;
    // what some version of an MTA makes of it is not worth finding out the hard way.
    return same_ignoring_case(trim(name), "TLS-Required") && begins != std::string_view::npos &&
           same_ignoring_case(value.substr(begins, 2), "no");
}

bool forbids_waiver(const RuleSet& rules) {
    const auto guards = [](const Requirement& asked) {
        return asked.mode == PolicyMode::enforce && asked.minimum != Level::none;
    };
    return guards(rules.last_resort()) || std::ranges::any_of(rules.rules(), [&](const Rule& rule) {
               return guards(rule.requirement);
           });
}

} // namespace surehop
