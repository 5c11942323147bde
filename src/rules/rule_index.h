// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rules/rule.h"

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

// Which rules may hold for a recipient, by its domain: a site may have a rule for each partner, and
// nearly all of them are about somebody else.

namespace surehop {

class RuleIndex {
  public:
    explicit RuleIndex(const std::vector<Rule>& rules);

    // Places of rules, in their order; left out are only such that cannot match the recipients of
    // this domain. Without a domain (postmaster, a literal): those that name no domain.
    std::vector<std::size_t> about(const std::optional<Domain>& domain) const;

  private:
    std::vector<std::size_t> anybody_; // with a pattern that names no domain, or without patterns
    std::unordered_map<std::string, std::vector<std::size_t>> domains_; // of addresses, too
    std::unordered_map<std::string, std::vector<std::size_t>> suffixes_;
};

} // namespace surehop
