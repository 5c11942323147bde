// SPDX-License-Identifier: Apache-2.0
#include "rules/ruleset.h"

#include "base/bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace surehop {

namespace {

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

std::string canonical(const AddressSet& set) {
    std::string out;
    for (const AddressPattern& pattern : set.patterns())
        out += pattern.text() + "\n";
    return out;
}

// The other conditions, each by name: none of them leaves a trace of its own in the hash.
std::string canonical_rest(const Rule& rule) {
    std::string out;
    const auto add = [&](std::string_view name, std::string_view value) {
        out += fmt::format("{}={}:{}\n", name, value.size(), value);
    };
    for (const std::string& user : rule.users)
        add("user", user);
    for (const IpRange& range : rule.clients)
        add("client", range.text());
    for (const std::string& listener : rule.listeners)
        add("listener", listener);
    for (const FieldCondition& field : rule.fields)
        add("header " + field.key(), field.expression());
    if (rule.larger_than)
        add("larger_than", std::to_string(*rule.larger_than));
    for (const Hours& window : rule.hours)
        add("hours", window.text());
    return out;
}

std::string canonical(const Requirement& r) {
    return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n", r.rule, name_of(r.minimum),
                       name_of(r.falls_short), name_of(r.unknown), name_of(r.mode),
                       name_of(r.least_tls));
}

} // namespace

RuleSet::RuleSet(std::vector<Rule> rules, Requirement last_resort)
    : rules_(std::move(rules)), index_(rules_), last_resort_(std::move(last_resort)) {
    std::string all;
    for (const Rule& rule : rules_)
        all += canonical(rule.requirement) + canonical(rule.senders) + "\n" +
               canonical(rule.recipients) + "\n" + canonical_rest(rule);
    hash_ = to_hex(sha256(all + canonical(last_resort_)));
    for (const Rule& rule : rules_) {
        for (const FieldCondition& field : rule.fields)
            field_names_.insert(field.key());
        asks_for_size_ |= rule.larger_than.has_value();
    }
}

std::vector<const Requirement*> RuleSet::candidates(const Context& context) const {
    std::vector<const Requirement*> out;
    Answer last = Answer::no;
    for (const std::size_t place : index_.about(context.recipient.domain())) {
        const Rule& rule = rules_[place];
        last = rule.matches(context);
        if (last != Answer::no)
            out.push_back(&rule.requirement);
        if (last == Answer::yes)
            break;
    }
    if (last != Answer::yes)
        out.push_back(&last_resort_);
    if (!context.more_to_come && out.size() > 1)
        // Of equals the first.
        out = {*std::ranges::max_element(
            out, [](const Requirement* a, const Requirement* b) { return stricter(*b, *a); })};
    return out;
}

const Requirement& RuleSet::of_next_hop(const std::optional<Domain>& domain) const {
    if (!domain)
        return last_resort_;
    for (const std::size_t place : index_.about(domain))
        if (const Rule& rule = rules_[place];
            rule.on_recipient_domain_alone() && rule.matches_domain(*domain))
            return rule.requirement;
    return last_resort_;
}

Level RuleSet::floor(const std::optional<Domain>& domain) const {
    return enforced_level(of_next_hop(domain));
}

TlsVersion RuleSet::least_tls(const std::optional<Domain>& domain) const {
    const Requirement& requirement = of_next_hop(domain);
    return enforced_level(requirement) == Level::none ? TlsVersion::v1_2 : requirement.least_tls;
}

Level RuleSet::lowest_floor() const {
    Level lowest = enforced_level(last_resort_);
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
        for (const AddressPattern& pattern : rule.recipients.patterns())
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
            if (!alone && (rule.recipients.empty() || rule.recipients.reaches(domain)))
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
