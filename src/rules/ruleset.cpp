// SPDX-License-Identifier: Apache-2.0
#include "rules/ruleset.h"

#include "base/bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace surehop {

namespace {

constexpr std::array<std::string_view, 5> action_names = {"accept", "tag", "quarantine", "defer",
                                                          "reject"};

template <class Patterns, class Test> bool none_or_any(const Patterns& patterns, const Test& test) {
    return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), test);
}

// What the gate keeps out under this requirement, and so what the lock may demand: nothing where it
// only watches, or marks and lets pass.
Level enforced_level(const Requirement& requirement) {
    const bool lets_pass = requirement.mode == PolicyMode::audit || only_marks(requirement);
    return lets_pass ? Level::none : requirement.minimum;
}

// Why a rule that looks at more than the recipient's domain cannot have what it asks for.
std::string why_below(const Requirement& asked, Level floor) {
    const auto sentence = [&](const std::string& does, const std::string& instead) {
        return fmt::format(
            "rule \"{}\" {}, but its recipients' domains have the floor {}: the lock "
            "sees no sender and no address, so such a rule may only raise; {}, or "
            "make an exception with 'surehop allow add'",
            asked.rule, does, name_of(floor), instead);
    };
    if (asked.mode == PolicyMode::audit)
        return sentence("is in audit mode and lets all mail pass",
                        "set mode = \"enforce\", or mode = \"audit\" for the whole domain");
    if (only_marks(asked))
        return sentence("lets mail pass that falls short or cannot be judged",
                        "set falls_short and unknown to \"reject\", \"defer\" or \"quarantine\"");
    return sentence(fmt::format("asks for {}", name_of(asked.minimum)),
                    fmt::format("set minimum = \"{}\" or higher", name_of(floor)));
}

std::string canonical(const std::vector<AddressPattern>& patterns) {
    std::string out;
    for (const AddressPattern& pattern : patterns)
        out += pattern.text() + "\n";
    return out;
}

std::string canonical(const Requirement& r) {
    return fmt::format("{}\n{}\n{}\n{}\n{}\n", r.rule, name_of(r.minimum), name_of(r.falls_short),
                       name_of(r.unknown), name_of(r.mode));
}

} // namespace

std::string_view name_of(Action action) {
    return action_names.at(static_cast<std::size_t>(action));
}

std::optional<Action> action_of(std::string_view name) {
    for (std::size_t i = 0; i < action_names.size(); ++i)
        if (action_names.at(i) == name)
            return static_cast<Action>(i);
    return std::nullopt;
}

std::string_view name_of(PolicyMode mode) {
    return mode == PolicyMode::enforce ? "enforce" : "audit";
}

bool passes(Action action) { return action == Action::accept || action == Action::tag; }

bool only_marks(const Requirement& requirement) {
    return passes(requirement.falls_short) || passes(requirement.unknown);
}

bool Rule::matches(const Path& sender, const Path& recipient) const {
    return none_or_any(senders, [&](const AddressPattern& p) { return p.matches(sender); }) &&
           none_or_any(recipients, [&](const AddressPattern& p) { return p.matches(recipient); });
}

bool Rule::for_every_domain() const {
    return none_or_any(
        recipients, [](const AddressPattern& p) { return p.kind() == AddressPattern::Kind::any; });
}

bool Rule::on_recipient_domain_alone() const {
    return senders.empty() &&
           std::all_of(recipients.begin(), recipients.end(),
                       [](const AddressPattern& p) { return p.on_domain_alone(); });
}

RuleSet::RuleSet(std::vector<Rule> rules, Requirement last_resort)
    : rules_(std::move(rules)), last_resort_(std::move(last_resort)) {
    std::string all;
    for (const Rule& rule : rules_)
        all += canonical(rule.requirement) + canonical(rule.senders) + "\n" +
               canonical(rule.recipients) + "\n";
    hash_ = to_hex(sha256(all + canonical(last_resort_)));
}

const Requirement& RuleSet::requirement(const Path& sender, const Path& recipient) const {
    for (const Rule& rule : rules_)
        if (rule.matches(sender, recipient))
            return rule.requirement;
    return last_resort_;
}

bool Rule::matches_domain(const Domain& domain) const {
    return none_or_any(recipients,
                       [&](const AddressPattern& p) { return p.matches_domain(domain); });
}

Level RuleSet::floor(const Domain& domain) const {
    for (const Rule& rule : rules_)
        if (rule.on_recipient_domain_alone() && rule.matches_domain(domain))
            return enforced_level(rule.requirement);
    return last_resort_floor();
}

Level RuleSet::last_resort_floor() const { return enforced_level(last_resort_); }

Level RuleSet::lowest_floor() const {
    Level lowest = last_resort_floor();
    for (const Rule& rule : rules_)
        if (rule.on_recipient_domain_alone())
            lowest = std::min(lowest, enforced_level(rule.requirement));
    return lowest;
}

PolicyMode RuleSet::mode() const {
    for (const Rule& rule : rules_)
        if (rule.on_recipient_domain_alone() && rule.for_every_domain())
            return rule.requirement.mode;
    return last_resort_.mode;
}

std::vector<std::string> RuleSet::no_longer_enforced(const RuleSet& before) const {
    std::vector<std::string> out;
    if (before.mode() == PolicyMode::enforce && mode() == PolicyMode::audit)
        out.emplace_back("the mode");
    for (const Rule& rule : rules_) {
        const auto same_name = [&](const Rule& old) {
            return old.requirement.rule == rule.requirement.rule &&
                   old.requirement.mode == PolicyMode::enforce;
        };
        if (rule.requirement.mode == PolicyMode::audit &&
            std::ranges::any_of(before.rules_, same_name))
            out.push_back(fmt::format("rule \"{}\"", rule.requirement.rule));
    }
    return out;
}

// Domains that stand for all others: each that a rule names, one below each suffix, and one that no
// rule names.
std::vector<Domain> RuleSet::telling_domains() const {
    std::set<Domain> out;
    const auto add = [&](const std::string& name) {
        if (auto domain = Domain::parse(name))
            out.insert(*std::move(domain));
    };
    add("any.invalid");
    for (const Rule& rule : rules_)
        for (const AddressPattern& pattern : rule.recipients)
            if (const auto& domain = pattern.domain())
                add(pattern.kind() == AddressPattern::Kind::suffix ? "any." + domain->text()
                                                                   : domain->text());
    return {out.begin(), out.end()};
}

std::vector<RuleSet::BelowFloor> RuleSet::below_floor() const {
    std::vector<Level> highest(rules_.size(), Level::none); // floor that a rule's mail can meet
    for (const Domain& domain : telling_domains()) {
        const Level found = floor(domain);
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            const Rule& rule = rules_[i];
            const bool alone = rule.on_recipient_domain_alone();
            if (alone && rule.matches_domain(domain))
                break; // decides for everybody: no later rule sees mail to this domain
            const bool reaches = none_or_any(rule.recipients, [&](const AddressPattern& p) {
                return p.matches_domain(domain) ||
                       (p.kind() == AddressPattern::Kind::address && p.domain() == domain);
            });
            if (!alone && reaches)
                highest[i] = std::max(highest[i], found);
        }
    }
    std::vector<BelowFloor> out;
    for (std::size_t i = 0; i < rules_.size(); ++i)
        if (enforced_level(rules_[i].requirement) < highest[i])
            out.push_back({i, why_below(rules_[i].requirement, highest[i])});
    return out;
}

} // namespace surehop
