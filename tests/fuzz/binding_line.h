// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "assess/assessment.h"
#include "base/text.h"
#include "binding/tls_policy.h"

#include "fuzz/require.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What must hold of the lock's answer whatever the facts are: a stranger's DNS and policy choose
// among a few lines, and the names of MX hosts are all that they can write into one.

namespace surehop::fuzz {

constexpr std::array all_levels = {Level::none, Level::encrypted, Level::verified,
                                   Level::authenticated, Level::dane};

// What TLSRPT is told: the hosts of match= once more, and the policy as we would write it.
inline void require_attributes(std::span<const std::string_view> words, std::string_view names,
                               const Facts& facts) {
    const auto hosts = split(names, ':');
    require(words.size() >= 2 + hosts.size() && words[0] == "policy_type=sts" &&
                words[1].starts_with("policy_domain="),
            "whose policy it is");
    words = words.subspan(2);
    for (const std::string_view host : hosts) {
        require(words.front() == "mx_host_pattern=" + std::string(host), "the hosts of match=");
        words = words.subspan(1);
    }
    const std::string policy = mtasts::print_policy(facts.sts.policy);
    if (words.empty()) // too long
        return;
    for (const std::string_view line : split(policy, '\n')) {
        if (line.empty())
            continue;
        const auto parts = split(line, ' ');
        require(words.size() >= 6 && parts.size() == 2 && words[0] == "{" &&
                    words[1] == "policy_string" && words[2] == "=" && words[3] == parts[0] &&
                    words[4] == parts[1] && words[5] == "}",
                "each line of the policy");
        words = words.subspan(6);
    }
    require(words.empty(), "and no more");
}

// `text` binds mail to hosts of `facts`, and each word of it is one that Postfix is meant to read.
inline void require_line(std::string_view text, const Facts& facts, Level level, Lock lock) {
    const auto words = split(text, ' ');
    const std::string_view protocols = lock == Lock::postfix310
                                           ? "protocols=>=TLSv1.2"
                                           : "protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1";
    require(lock != Lock::sendmail || level == Level::authenticated,
            "Sendmail knows MTA-STS alone");
    if (level == Level::dane) {
        require(text == "dane-only", "DANE leaves no choice");
        return;
    }
    if (level != Level::authenticated) {
        const bool verify = level == Level::verified;
        require(words.size() == (verify ? 3U : 2U) && words.back() == protocols &&
                    words[0] == (verify ? "verify" : "encrypt") &&
                    (!verify || words[1] == "match=hostname"),
                "a level, a floor of protocols and no more");
        return;
    }
    const std::size_t fixed = lock == Lock::sendmail ? 3U : 4U;
    require((lock == Lock::postfix310 ? words.size() > fixed : words.size() == fixed) &&
                words[0] == "secure" && words[1].starts_with("match=") &&
                words[2] == "servername=hostname" &&
                (lock == Lock::sendmail || words[3] == protocols),
            "secure, its hosts, SNI, a floor of protocols and no more");
    if (lock == Lock::postfix310)
        require_attributes(std::span(words).subspan(fixed), words[1].substr(6), facts);
    for (const std::string_view name : split(words[1].substr(6), ':'))
        require(std::any_of(facts.hosts.begin(), facts.hosts.end(),
                            [&](const Host& host) {
                                return host.name.text() == name &&
                                       host.addresses.state == State::present &&
                                       facts.sts.policy.allows(host.name);
                            }),
                "a name that mail may go to: an MX host that the policy allows");
}

inline void require_answer(const Assessment& assessed, const NextHop& next_hop, const Facts& facts,
                           Level floor, Lock lock) {
    const LockAnswer answer = lock_answer(assessed, floor, lock, TlsVersion::v1_2,
                                          Published::honoured, origin_of(next_hop, facts));
    for (const char c : answer.text)
        require(c >= 0x20 && c < 0x7f, "an answer is printable");
    switch (answer.kind) {
    case LockAnswer::Kind::policy:
        require(answer.level >= floor, "a policy holds what is demanded");
        require_line(answer.text, facts, answer.level, lock);
        return;
    case LockAnswer::Kind::not_found:
        require(floor == Level::none && answer.text.empty(), "never, where something is demanded");
        require(!assessed.enforced, "never, while a policy is enforced");
        return;
    case LockAnswer::Kind::temporary:
        require(!answer.text.empty() && answer.level == Level::none,
                "why, and nothing is promised");
        return;
    }
}

// All that a lock can be asked of these facts.
inline void require_answers(const NextHop& next_hop, const Facts& facts, Time now) {
    const Assessment assessed = assess(next_hop, facts, now);
    for (const Offer& offer : assessed.offers)
        require(!offer.hosts.empty() && offer.until > now,
                "an offer is of some host, and not over");
    for (const Lock lock : {Lock::postfix, Lock::postfix310, Lock::sendmail})
        for (const Level floor : all_levels)
            require_answer(assessed, next_hop, facts, floor, lock);
}

} // namespace surehop::fuzz
