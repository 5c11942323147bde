// SPDX-License-Identifier: Apache-2.0
#include "report/report_json.h"

#include "allow/selection.h"
#include "facts/reason.h"
#include "rules/rule.h"
#include "rules/verdict.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace surehop {

namespace {

constexpr std::array outcomes = {OutcomeKind::meets, OutcomeKind::falls_short, OutcomeKind::unknown,
                                 OutcomeKind::no_mail};
constexpr std::array actions = {Action::accept, Action::tag, Action::quarantine, Action::defer,
                                Action::reject};

Count of(const Counts& counts, std::string_view name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
}

Count sum(const Counts& counts) {
    Count all = 0;
    for (const auto& [name, count] : counts)
        all += count;
    return all;
}

// Every name there is, also with 0: who reads it by program needs no special case.
template <class Names> Json by_name(const Counts& counts, const Names& names) {
    Json out = Json::object();
    for (const auto& name : names)
        out[std::string(name_of(name))] = of(counts, name_of(name));
    return out;
}

Json by_level(const Counts& counts) {
    Json out = Json::object();
    for (auto name = level_names.rbegin(); name != level_names.rend(); ++name)
        out[std::string(*name)] = of(counts, *name);
    return out;
}

Json reason_json(const std::string& token, Count recipients) {
    return Json{
        {"reason", token}, {"sentence", sentence_of_token(token)}, {"recipients", recipients}};
}

// The `top` of them, most first, as pairs.
template <class Map, class Weight>
std::vector<typename Map::const_iterator> most(const Map& map, std::size_t top, Weight weight) {
    std::vector<typename Map::const_iterator> out;
    for (auto one = map.begin(); one != map.end(); ++one)
        out.push_back(one);
    std::ranges::stable_sort(
        out, [&](const auto& a, const auto& b) { return weight(a->second) > weight(b->second); });
    if (out.size() > top)
        out.resize(top);
    return out;
}

Json domains_json(const DomainTallies& domains, std::size_t top) {
    Count recipients = 0;
    for (const auto& [name, domain] : domains)
        recipients += domain.recipients;
    Json list = Json::array();
    for (const auto& one : most(domains, top, [](const DomainTally& d) { return d.recipients; })) {
        Json reasons = Json::array();
        for (const auto& reason : most(one->second.reasons, top, [](Count n) { return n; }))
            reasons.push_back(reason_json(reason->first, reason->second));
        list.push_back({{"domain", one->first},
                        {"recipients", one->second.recipients},
                        {"reasons", std::move(reasons)}});
    }
    return Json{{"recipients", recipients}, {"domains", domains.size()}, {"top", std::move(list)}};
}

Json rules_json(const Totals& totals) {
    Json out = Json::array();
    for (const auto& one : most(totals.rules, totals.rules.size(),
                                [](const RuleTally& rule) { return sum(rule.outcomes); })) {
        Json row{{"rule", one->first.empty() ? Json(nullptr) : Json(one->first)},
                 {"recipients", sum(one->second.outcomes)}};
        row["outcomes"] = by_name(one->second.outcomes, outcomes);
        row["actions"] = by_name(one->second.actions, actions);
        out.push_back(std::move(row));
    }
    return out;
}

Json exception_json(const Exception& exception, bool addresses) {
    using Kind = AddressPattern::Kind;
    const Kind kind = exception.recipient.kind();
    Json out{{"id", exception.id}};
    const auto& domain = exception.recipient.domain();
    out["recipient"] = kind != Kind::address || addresses ? Json(exception.recipient.text())
                                                          : Json(nullptr); // of a person
    out["domain"] = domain ? Json(domain->text()) : Json(nullptr);
    out["lowest"] = name_of(exception.lowest);
    out["owner"] = exception.owner;
    out["reason"] = exception.reason;
    out["until"] = format_time(exception.until);
    out["removed"] = exception.removed ? Json(format_time(*exception.removed)) : Json(nullptr);
    return out;
}

Json exceptions_json(const Totals& totals, std::span<const Exception> exceptions,
                     const ReportTerms& terms, Time now) {
    Json used = Json::array(), ending = Json::array();
    for (const auto& one :
         most(totals.exceptions, totals.exceptions.size(),
              [](const ExceptionTally& exception) { return exception.recipients; })) {
        const auto found = std::ranges::find(exceptions, one->first, &Exception::id);
        Json row = found == exceptions.end() ? Json{{"id", one->first}}
                                             : exception_json(*found, terms.addresses);
        row["recipients"] = one->second.recipients;
        row["needed"] = one->second.needed;
        used.push_back(std::move(row));
    }
    std::vector<const Exception*> soon;
    for (const Exception& exception : exceptions)
        if (ends_soon(exception, now))
            soon.push_back(&exception);
    std::ranges::stable_sort(soon, {}, &Exception::until);
    for (const Exception* exception : soon)
        ending.push_back(exception_json(*exception, terms.addresses));
    const ExceptionCounts counts = count(exceptions, now);
    return Json{{"live", counts.live},
                {"to_come", counts.to_come},
                {"used", std::move(used)},
                {"ending", std::move(ending)}};
}

Json recurrent_json(const RecurrentTallies& all, std::size_t top) {
    Json out = Json::array();
    for (const auto& one : most(all, top, [](const RecurrentTally& each) { return each.times; })) {
        const auto& [next_hop, token] = one->first;
        out.push_back({{"next_hop", next_hop},
                       {"reason", token},
                       {"sentence", sentence_of_token(token)},
                       {"times", one->second.times},
                       {"last", format_time(one->second.last)}});
    }
    return out;
}

Json events_json(const std::deque<Event>& events) {
    Json out = Json::array();
    for (const Event& event : events)
        out.push_back({{"time", format_time(event.time)},
                       {"kind", event.kind},
                       {"mode", event.mode},
                       {"detail", event.detail}});
    return out;
}

} // namespace

Json report_json(const Totals& totals, std::span<const Exception> exceptions,
                 const ReportTerms& terms, Time now) {
    Json out{{"since", format_time(terms.since)}, {"until", format_time(terms.until)}};
    out["ledger"] = {{"rows", totals.rows},
                     {"first", totals.first},
                     {"last", totals.last},
                     {"head", terms.head.empty() ? Json(nullptr) : Json(terms.head)}};
    out["mode"] = totals.mode.empty() ? Json(nullptr) : Json(totals.mode);
    Json messages = Json::object();
    for (std::size_t fate = 0; fate < fate_names.size(); ++fate)
        messages[std::string(fate_names.at(fate))] = totals.messages.at(fate);
    out["messages"] = std::move(messages);
    out["recipients"] = {{"all", totals.recipients},
                         {"refused_in_floods", totals.summed},
                         {"outcomes", by_name(totals.outcomes, outcomes)},
                         {"actions", by_name(totals.actions, actions)},
                         {"audited", by_name(totals.audited, actions)}};
    out["went_on"] = {
        {"recipients", sum(totals.required)},    {"held_to", by_level(totals.held_to)},
        {"under_exception", totals.excepted},    {"not_looked_up", totals.not_asked},
        {"required", by_level(totals.required)}, {"unbound", totals.unbound}};
    out["rules"] = rules_json(totals);
    out["falls_short"] = domains_json(totals.falls_short, terms.top);
    out["unknown"] = domains_json(totals.unknown, terms.top);
    out["no_mail"] = domains_json(totals.no_mail, terms.top);
    if (terms.addresses) {
        Json list = Json::array();
        for (const auto& one : most(totals.addresses, terms.top, [](Count n) { return n; }))
            list.push_back({{"recipient", one->first}, {"times", one->second}});
        out["addresses"] = std::move(list);
    }
    out["rarest_given_up"] = totals.rarest_given_up;
    out["exceptions"] = exceptions_json(totals, exceptions, terms, now);
    out["held_back"] = recurrent_json(totals.held_back, terms.top);
    out["would_hold_back"] = recurrent_json(totals.would_hold_back, terms.top);
    out["downgrades"] = recurrent_json(totals.downgrades, totals.downgrades.size());
    out["incidents"] = events_json(totals.incidents);
    out["mode_changes"] = events_json(totals.modes);
    out["changes"] = totals.changes;
    return out;
}

} // namespace surehop
