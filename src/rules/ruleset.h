// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/path.h"
#include "assess/level.h"
#include "rules/address_pattern.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Who needs what. The first rule whose conditions hold decides; the last resort always holds.
// Immutable once loaded: a message is judged by the set that was in force when it began.

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
    Action falls_short = Action::reject;
    Action unknown = Action::defer;
    PolicyMode mode = PolicyMode::enforce;
    std::string help; // whom a refused sender may ask; may be empty
};

bool passes(Action action); // marked or not: accept, tag

// A requirement that lets mail pass which does not meet it, marked or not (`falls_short = "tag"`,
// `unknown = "tag"` or `"accept"`): nothing is promised under it, and it raises no floor.
bool only_marks(const Requirement& requirement);

struct Rule {
    std::vector<AddressPattern> senders;    // empty: any sender
    std::vector<AddressPattern> recipients; // empty: any recipient
    Requirement requirement;

    bool matches(const Path& sender, const Path& recipient) const;
    // Whether the rule looks at the recipient's domain and nothing else: only such rules can be
    // held by the lock, which sees a next hop and no message.
    bool on_recipient_domain_alone() const;
    bool for_every_domain() const;
    bool matches_domain(const Domain& domain) const; // of a rule that looks at nothing else
};

class RuleSet {
  public:
    RuleSet(std::vector<Rule> rules, Requirement last_resort);

    const Requirement& requirement(const Path& sender, const Path& recipient) const;

    // The level that the lock demands of this domain whoever writes: that of the first rule, last
    // resort included, that matches on recipient domain alone. One in audit mode, or that only
    // marks, sets the floor none: what the gate lets pass must not end at the lock.
    Level floor(const Domain& domain) const;
    Level last_resort_floor() const; // for a next hop without a name
    Level lowest_floor() const;      // that mail to anywhere finds at the lock

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

    const std::vector<Rule>& rules() const { return rules_; }
    const Requirement& last_resort() const { return last_resort_; }

    // SHA-256 over everything that decides, in hex: names the set in the ledger.
    const std::string& hash() const { return hash_; }

  private:
    std::vector<Domain> telling_domains() const;

    std::vector<Rule> rules_;
    Requirement last_resort_;
    std::string hash_;
};

using RuleSetPtr = std::shared_ptr<const RuleSet>;

} // namespace surehop
