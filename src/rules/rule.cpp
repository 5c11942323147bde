// SPDX-License-Identifier: Apache-2.0
#include "rules/rule.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace surehop {

namespace {

constexpr std::array<std::string_view, 5> action_names = {"accept", "tag", "quarantine", "defer",
                                                          "reject"};

// A list of which one element must hold, about something that the mail server may not tell.
template <class List, class Told, class Test>
Answer one_of(const List& list, const std::optional<Told>& told, const Test& test) {
    if (list.empty())
        return Answer::yes;
    if (!told)
        return Answer::cannot_tell;
    return answer(std::ranges::any_of(list, [&](const auto& one) { return test(one, *told); }));
}

bool is_user(const std::string& wanted, const std::string& user) {
    return !user.empty() && (wanted == "*" || same_ignoring_case(wanted, user));
}

Answer test_client(const std::vector<IpRange>& ranges, const std::optional<std::string>& client) {
    const auto address = client ? parse_ip(*client) : std::nullopt;
    return one_of(ranges, address,
                  [](const IpRange& range, const IpAddress& one) { return range.holds(one); });
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

bool refuses(Action action) { return action == Action::reject || action == Action::defer; }

bool only_marks(const Requirement& requirement) {
    return passes(requirement.falls_short) || passes(requirement.unknown);
}

Level demanded_level(const Requirement& requirement) {
    return only_marks(requirement) ? Level::none : requirement.minimum;
}

Level enforced_level(const Requirement& requirement) {
    return requirement.mode == PolicyMode::audit ? Level::none : demanded_level(requirement);
}

bool stricter(const Requirement& a, const Requirement& b) {
    const auto rank = [](const Requirement& r) {
        return std::tuple(r.mode, enforced_level(r), r.minimum, r.falls_short, r.unknown);
    };
    return rank(a) > rank(b);
}

Requirement with_requiretls(Requirement requirement) {
    requirement.by_requiretls = requirement.minimum < Level::authenticated;
    requirement.minimum = std::max(requirement.minimum, Level::authenticated);
    if (passes(requirement.falls_short))
        requirement.falls_short = Action::reject;
    if (passes(requirement.unknown))
        requirement.unknown = Action::defer;
    return requirement;
}

Answer Rule::matches(const Context& context) const {
    Answer all = both(answer(senders.empty() || senders.matches(context.sender)),
                      answer(recipients.empty() || recipients.matches(context.recipient)));
    if (all == Answer::no || on_envelope_alone())
        return all;
    all = both(all, one_of(users, context.user, is_user));
    all = both(all, test_client(clients, context.client));
    all = both(all, one_of(listeners, context.listener, same_ignoring_case));
    all = both(all, one_of(hours, context.when, [](const Hours& window, const LocalTime& when) {
                   return window.holds(when);
               }));
    if (larger_than)
        all = both(all, context.size ? answer(*context.size > *larger_than) : Answer::cannot_tell);
    for (const FieldCondition& field : fields)
        if (all != Answer::no)
            all = both(all, field.test(context.fields));
    return all;
}

bool Rule::on_envelope_alone() const {
    return users.empty() && clients.empty() && listeners.empty() && fields.empty() &&
           !larger_than && hours.empty();
}

bool Rule::for_every_domain() const { return recipients.empty() || recipients.any(); }

bool Rule::on_recipient_domain_alone() const {
    return senders.empty() && on_envelope_alone() && recipients.on_domain_alone();
}

bool Rule::matches_domain(const Domain& domain) const {
    return recipients.empty() || recipients.matches_domain(domain);
}

} // namespace surehop
