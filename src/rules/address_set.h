// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rules/address_pattern.h"

#include <string>
#include <unordered_set>
#include <vector>

// Many address patterns, such as a list of partners: whether one of them matches costs a few
// look-ups, however many there are.

namespace surehop {

class AddressSet {
  public:
    AddressSet() = default; // matches nothing
    // `from`: how a reader of the configuration knows it; by default the pattern itself.
    void add(const AddressPattern& pattern) { add(std::vector{pattern}, pattern.text()); }
    void add(std::vector<AddressPattern> patterns, std::string from);

    bool empty() const { return from_.empty(); } // nothing was added, not even an empty list
    std::size_t size() const { return patterns_.size(); }

    bool matches(const Path& path) const;
    // Of the patterns that look at a domain alone: whether one matches all addresses of this one.
    bool matches_domain(const Domain& domain) const;
    // Whether it has a pattern for this domain or for an address in it.
    bool reaches(const Domain& domain) const;
    bool on_domain_alone() const {
        return on_domain_alone_;
    } // every pattern looks at a domain alone
    bool any() const; // "*" is in it
    // Whether every address that this pattern matches is matched.
    bool covers(const AddressPattern& pattern) const;

    const std::vector<AddressPattern>& patterns() const { return patterns_; }
    const std::vector<std::string>& from() const { return from_; }

    bool operator==(const AddressSet& other) const { return patterns_ == other.patterns_; }

  private:
    bool has(const std::string& text) const { return texts_.contains(text); }
    bool has_above(const Domain& domain) const;

    std::vector<AddressPattern> patterns_;
    std::vector<std::string> from_;
    std::unordered_set<std::string> texts_;           // of the patterns
    std::unordered_set<std::string> address_domains_; // of those that are addresses
    bool on_domain_alone_ = true;
};

} // namespace surehop
