// SPDX-License-Identifier: Apache-2.0
#include "mtasts/policy.h"

#include "fuzz/binding_line.h"

#include <string>

using namespace surehop;
using fuzz::require;
using namespace surehop::mtasts;

namespace {

void require_pattern(const MxPattern& pattern) {
    for (const char c : pattern.name)
        require(c > 0x20 && c < 0x7f && c != ':' && c != ',' && c != ';' && c != '*' && c != '=',
                "a pattern cannot become something else in a line for the MTA");
    const auto name = Domain::parse(pattern.name);
    require(name && name->text() == pattern.name, "a pattern holds a name");
    require(pattern.matches(*name) == !pattern.wildcard, "a star does not stand for nothing");
    if (const auto below = Domain::parse("mx." + pattern.name))
        require(pattern.matches(*below) == pattern.wildcard, "a star stands for one label");
    if (const auto deeper = Domain::parse("a.mx." + pattern.name))
        require(!pattern.matches(*deeper), "and for no more");
}

// A domain without DANE that publishes this policy, its MX hosts those that the policy names, and
// one that it may not.
Facts publishing(const Policy& policy) {
    constexpr Time now{Seconds{1795255200}};
    constexpr std::size_t enough = 3; // of hosts
    Facts facts;
    facts.mx = Standing{State::present, Reason::none};
    facts.sts.standing = {State::present, Reason::none};
    facts.sts.refresh = facts.sts.standing;
    facts.sts.policy = policy;
    facts.learnt = now;
    facts.until = now + Seconds{60};
    facts.hosts.emplace_back(*Domain::parse("mx.stranger.test"));
    for (const MxPattern& pattern : policy.mx)
        if (const auto name = Domain::parse((pattern.wildcard ? "mx." : "") + pattern.name);
            name && facts.hosts.size() <= enough)
            facts.hosts.emplace_back(*name);
    for (Host& host : facts.hosts) {
        host.addresses = {State::present, Reason::none};
        host.tlsa = {State::absent, Reason::tlsa_none};
    }
    return facts;
}

void require_bound(const Policy& policy) {
    const Facts facts = publishing(policy);
    const NextHop next_hop = *NextHop::parse("example.org");
    const Assessment assessed = assess(next_hop, facts, facts.learnt);
    for (const Lock lock : {Lock::postfix, Lock::postfix310, Lock::sendmail})
        for (const Level floor : {Level::none, Level::authenticated})
            fuzz::require_answer(assessed, next_hop, facts, floor, lock);
    const bool allowed = std::any_of(facts.hosts.begin(), facts.hosts.end(),
                                     [&](const Host& host) { return policy.allows(host.name); });
    const LockAnswer answer = lock_answer(assessed, Level::none, Lock::postfix);
    require((answer.kind == LockAnswer::Kind::policy) == (allowed && policy.mode == Mode::enforce),
            "a policy in mode enforce binds, where it allows a host");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string body(fuzz::text_of(data, size));
    const auto policy = parse_policy(body);
    require(!parse_policy("\n" + body), "a blank line is never valid");
    if (!policy) {
        fuzz::require_error(policy.error());
        return 0;
    }
    require(policy->max_age >= Seconds{0} && policy->max_age <= longest_max_age,
            "max_age in bounds");
    require(policy->mode == Mode::none || !policy->mx.empty(), "a mode with force has an mx");
    for (const MxPattern& pattern : policy->mx)
        require_pattern(pattern);
    require_bound(*policy);

    const auto again = parse_policy(print_policy(*policy));
    require(again && *again == *policy, "what is printed is read as the same policy");

    const auto longer = parse_policy(body + (body.ends_with('\n') ? "" : "\n") + "\r\n\n");
    require(longer && *longer == *policy, "empty lines at the end say nothing");

    std::string crlf;
    for (std::size_t i = 0; i < body.size(); ++i) {
        if (body[i] == '\n' && (i == 0 || body[i - 1] != '\r'))
            crlf += '\r';
        crlf += body[i];
    }
    const auto same = parse_policy(crlf);
    require(same && *same == *policy, "CRLF and LF mean the same");
    return 0;
}
