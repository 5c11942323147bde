// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rules/rule.h"
#include "rules/rule_index.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

// Who needs what. The first rule whose conditions hold decides; the last resort always holds.
// Immutable once loaded: a message is judged by the set that was in force when it began.

namespace surehop {

class RuleSet {
  public:
    RuleSet(std::vector<Rule> rules, Requirement last_resort);

    // What may be asked of this recipient, never empty: of each rule that does not certainly fail
    // to match, up to and including the first that certainly matches, in their order. As long as
    // more is to come of the message, each may turn out to be the one. Then the first match
    // decides, and what still cannot be told counts as matched where that is stricter: one remains.
    std::vector<const Requirement*> candidates(const Context& context) const;

    // Whom the lock obeys, which sees a next hop and no message: the first rule, last resort
    // included, that matches on recipient domain alone. Without a domain (a literal) the last
    // resort.
    const Requirement& of_next_hop(const std::optional<Domain>& domain) const;
    // The level that the lock demands whoever writes. Of a rule in audit mode, or that only marks,
    // none: what the gate lets pass must not end at the lock.
    Level floor(const std::optional<Domain>& domain) const;
    // The version of TLS that goes with it.
    TlsVersion least_tls(const std::optional<Domain>& domain) const;
    Level lowest_floor() const; // that mail to anywhere finds at the lock

    // Of mail that no narrower rule is about: of the first rule for everybody, or the last resort.
    PolicyMode mode() const;
    // What was in enforce mode in `before` and is in audit mode here, in words: "rule \"x\"".
    std::vector<std::string> no_longer_enforced(const RuleSet& before) const;

    // The rules that let mail pass which the lock's floor then holds back, each with a sentence.
    struct BelowFloor {
        std::size_t rule; // its place in rules()
        std::string why;
    };
    std::vector<BelowFloor> below_floor() const;

    // What rules ask about: names of header fields, in lower case; whether the size counts.
    const std::set<std::string, std::less<>>& field_names() const { return field_names_; }
    bool asks_for_size() const { return asks_for_size_; }

    const std::vector<Rule>& rules() const { return rules_; }
    const Requirement& last_resort() const { return last_resort_; }

    // SHA-256 over everything that decides, in hex: names the set in the ledger.
    const std::string& hash() const { return hash_; }

  private:
    std::vector<Domain> telling_domains() const;

    std::vector<Rule> rules_;
    RuleIndex index_;
    Requirement last_resort_;
    std::string hash_;
    std::set<std::string, std::less<>> field_names_;
    bool asks_for_size_ = false;
};

using RuleSetPtr = std::shared_ptr<const RuleSet>;

} // namespace surehop
