// SPDX-License-Identifier: Apache-2.0
#include "gate/decision.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace surehop {

namespace {

// A destination may have as many hosts as it likes; the ledger names the first.
constexpr std::size_t most_hosts = 8;

// At the end of the details, where the MTA may use several.
constexpr std::string_view all_next_hops = "next hops: ";

std::string text_of(const Offer& offer) {
    std::string out(name_of(offer.level));
    for (std::size_t i = 0; i < std::min(offer.hosts.size(), most_hosts); ++i)
        out += " " + offer.hosts[i];
    if (offer.hosts.size() > most_hosts)
        out += fmt::format(" and {} more", offer.hosts.size() - most_hosts);
    return out;
}

std::string reference_to(const Facts& facts) {
    std::string out = "learnt " + format_time(facts.learnt);
    if (facts.sts.standing.state == State::present)
        out += ", policy " + facts.sts.id;
    return out;
}

} // namespace

LedgerRow ledger_row(const Decision& d, const std::string& queue_id) {
    LedgerRow row;
    row.time = d.made;
    row.kind = "decision";
    row.reference = d.reference;
    row.queue_id = queue_id;
    row.sender = d.sender.text();
    row.recipient = d.recipient.text();
    row.next_hop = d.next_hop.key();
    row.rule = d.requirement.rule;
    row.exception = d.exception ? d.exception->id : 0;
    row.minimum = name_of(d.requirement.minimum);
    row.mode = name_of(d.requirement.mode);
    row.outcome = name_of(d.verdict.outcome);
    row.level = name_of(d.verdict.level);
    if (!d.assessment.offers.empty())
        row.offer = text_of(d.assessment.offers.front());
    if (d.facts)
        row.facts = reference_to(*d.facts);
    row.reason = token_of(d.verdict.reason);
    row.action = name_of(d.verdict.action);
    row.would = name_of(d.verdict.would);
    if (d.lock == Lock::none && !refuses(d.verdict.action))
        row.detail = "unbound";
    if (d.verdict.demanded != Level::none)
        row.detail = fmt::format("the lock demands {}", name_of(d.verdict.demanded));
    if (d.next_hops.size() > 1) {
        row.detail += row.detail.empty() ? "" : "; ";
        row.detail += all_next_hops;
        for (const NextHop& hop : d.next_hops)
            row.detail += fmt::format("{}{}", &hop == &d.next_hops.front() ? "" : ", ", hop.key());
    }
    return row;
}

std::string told_next_hops(const LedgerRow& row) {
    const auto list = row.detail.find(all_next_hops);
    return list == std::string::npos ? row.next_hop
                                     : row.detail.substr(list + all_next_hops.size());
}

std::vector<Promised> promises_of(const Decision& d) {
    const Level level =
        d.exception ? std::min(d.requirement.minimum, d.exception->lowest) : d.requirement.minimum;
    if (d.verdict.outcome != OutcomeKind::meets || level == Level::none ||
        only_marks(d.requirement) || d.lock == Lock::none ||
        d.requirement.mode == PolicyMode::audit)
        return {};
    std::vector<Promised> out;
    for (const NextHop& hop : d.next_hops)
        if (hop.kind() != HopKind::internal && hop.kind() != HopKind::hidden)
            out.push_back({hop.key(), level});
    return out;
}

} // namespace surehop
