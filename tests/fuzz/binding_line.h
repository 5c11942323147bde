// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "assess/assessment.h"
#include "base/text.h"
#include "binding/tls_policy.h"

#include "fuzz/require.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

// What must hold of the lock's answer whatever the facts are: a stranger's DNS and policy choose
// among a few lines, and the names of MX hosts are all that they can write into one.

namespace surehop::fuzz {

constexpr std::array all_levels = {Level::none, Level::encrypted, Level::verified,
                                   Level::authenticated, Level::dane};

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
        require(words.size() == 2 && words[1] == protocols &&
                    words[0] == (level == Level::verified ? "verify" : "encrypt"),
                "a level, a floor of protocols and no more");
        return;
    }
    require(words.size() == (lock == Lock::sendmail ? 3U : 4U) && words[0] == "secure" &&
                words[1].starts_with("match=") && words[2] == "servername=hostname" &&
                (lock == Lock::sendmail || words[3] == protocols),
            "secure, its hosts, SNI, a floor of protocols and no more");
    for (const std::string_view name : split(words[1].substr(6), ':'))
        require(std::any_of(facts.hosts.begin(), facts.hosts.end(),
                            [&](const Host& host) {
                                return host.name.text() == name &&
                                       host.addresses.state == State::present &&
                                       facts.sts.policy.allows(host.name);
                            }),
                "a name that mail may go to: an MX host that the policy allows");
}

inline void require_answer(const Assessment& assessed, const Facts& facts, Level floor, Lock lock) {
    const LockAnswer answer = lock_answer(assessed, floor, lock);
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
            require_answer(assessed, facts, floor, lock);
}

} // namespace surehop::fuzz
