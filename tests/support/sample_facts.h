// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "facts/facts.h"

#include <string>
#include <string_view>

// Facts as an inquiry would find them on 21 November 2026, 10:00 UTC.

namespace surehop::test {

constexpr Time ten_o_clock{Seconds{1795255200}}; // 2026-11-21T10:00:00Z

inline Domain domain(std::string_view name) { return *Domain::parse(name); }

inline dane::Tlsa tlsa(std::uint8_t usage) {
    return {usage, 1, 1, Bytes(32, 0xab)}; // SPKI, SHA2-256
}

// A signed domain with DANE on its MX host and an MTA-STS enforce policy.
inline Facts full_facts(std::string_view name = "example.org") {
    Facts facts;
    facts.mx = Standing{State::present, Reason::none};
    facts.mx_secure = true;
    Host host(domain("mx1." + std::string(name)), 10);
    host.addresses = {State::present, Reason::none};
    host.addresses_secure = true;
    host.tlsa = {State::present, Reason::none};
    host.records = {tlsa(3), tlsa(0)}; // DANE-EE is usable, PKIX-TA is not
    facts.hosts.push_back(host);
    facts.sts.standing = {State::present, Reason::none};
    facts.sts.refresh = {State::present, Reason::none};
    facts.sts.id = "20260101";
    facts.sts.policy = {mtasts::Mode::enforce, Seconds{604800}, {{true, std::string(name)}}};
    facts.sts.fetched = ten_o_clock;
    facts.sts.expires = ten_o_clock + Seconds{604800};
    facts.learnt = ten_o_clock;
    facts.until = ten_o_clock + Seconds{3600};
    return facts;
}

// A domain without DNSSEC that publishes nothing.
inline Facts plain_facts(std::string_view name = "example.net") {
    Facts facts;
    facts.mx = Standing{State::present, Reason::none};
    Host host(domain("mail." + std::string(name)), 0);
    host.addresses = {State::present, Reason::none};
    host.tlsa = {State::absent, Reason::tlsa_none};
    facts.hosts.push_back(host);
    facts.sts.standing = {State::absent, Reason::sts_txt_none};
    facts.sts.refresh = facts.sts.standing;
    facts.learnt = ten_o_clock;
    facts.until = ten_o_clock + Seconds{300};
    return facts;
}

} // namespace surehop::test
