// SPDX-License-Identifier: Apache-2.0
#include "address/nexthop.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace surehop {

namespace {

// Postfix's CHARS_COMMA_SP.
bool separates(char c) { return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

constexpr std::string_view ipv6_tag = "ipv6:"; // RFC 5321 §4.1.3, in any case

Error not_a_hop(std::string_view text, std::string_view why) {
    return Error{fmt::format("'{}' is not a next hop: {}", printable(text, 80), why)};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    struct Service {
        std::string_view name;
        std::uint16_t port;
    };
    static constexpr std::array<Service, 7> services = {{{"smtp", 25},
                                                         {"mail", 25},
                                                         {"submission", 587},
                                                         {"submissions", 465},
                                                         {"smtps", 465},
                                                         {"ssmtp", 465},
                                                         {"urd", 465}}};
    for (const Service& service : services)
        if (same_ignoring_case(text, service.name))
            return service.port;
    const auto number = parse_number(text, 65535);
    if (!number || *number == 0 || text.size() > 5)
        return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

std::optional<std::string> reprint(int family, const std::string& text) {
    std::array<unsigned char, 16> octets{};
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (inet_pton(family, text.c_str(), octets.data()) != 1 ||
        inet_ntop(family, octets.data(), out.data(), out.size()) == nullptr)
        return std::nullopt;
    return std::string(out.data());
}

} // namespace

std::string_view name_of(HopKind kind) {
    switch (kind) {
    case HopKind::domain:
        return "domain";
    case HopKind::host:
        return "host";
    case HopKind::address:
        return "address";
    case HopKind::internal:
        return "internal";
    case HopKind::hidden:
        return "hidden";
    }
    return "";
}

std::string_view name_of(HopSource source) {
    switch (source) {
    case HopSource::rcpt_host:
        return "rcpt-host";
    case HopSource::route:
        return "route";
    case HopSource::recipient_domain:
        return "recipient-domain";
    }
    return "";
}

std::optional<std::string> canonical_address(std::string_view text) {
    const bool tagged = same_ignoring_case(text.substr(0, ipv6_tag.size()), ipv6_tag);
    if (tagged)
        text.remove_prefix(ipv6_tag.size());
    // A zone (fe80::1%eth0) is of this machine only, and inet_pton stops at a NUL.
    if (text.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
        return std::nullopt;
    const std::string address(text);
    if (!tagged)
        if (auto canonical = reprint(AF_INET, address))
            return canonical;
    return reprint(AF_INET6, address);
}

Result<NextHop> NextHop::parse(std::string_view text, std::uint16_t default_port) {
    if (text.empty())
        return not_a_hop(text, "it is empty");
    if (std::ranges::any_of(text, separates))
        return not_a_hop(text, "a list, or a blank");

    const bool bracketed = text.front() == '[';
    std::string_view name = text, rest;
    if (bracketed) {
        const auto close = text.find(']');
        if (close == std::string_view::npos)
            return not_a_hop(text, "no closing bracket");
        name = text.substr(1, close - 1);
        rest = text.substr(close + 1);
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        name = text.substr(0, colon);
        rest = text.substr(colon);
    }

    std::uint16_t port = default_port;
    if (!rest.empty()) {
        const auto given = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
        if (!given)
            return not_a_hop(text, "the port is neither a number from 1 to 65535 nor smtp, "
                                   "submission, submissions or smtps");
        port = *given;
    }

    if (auto address = canonical_address(name)) {
        if (!bracketed)
            return not_a_hop(text, "an address needs brackets");
        return of_address(*std::move(address), port);
    }
    auto domain = Domain::parse(name);
    if (!domain)
        return Error{domain.error()};
    NextHop hop = of_domain(*std::move(domain), port);
    if (bracketed)
        hop.kind_ = HopKind::host;
    return hop;
}

std::vector<std::string_view> next_hop_list(std::string_view text) {
    std::vector<std::string_view> out;
    for (auto end = text.begin();;) {
        const auto begin = std::find_if_not(end, text.end(), separates);
        if (begin == text.end())
            return out;
        end = std::find_if(begin, text.end(), separates);
        out.emplace_back(begin, end);
    }
}

NextHop NextHop::of_domain(Domain domain, std::uint16_t port) {
    NextHop hop;
    hop.kind_ = HopKind::domain;
    hop.domain_ = std::move(domain);
    hop.port_ = port;
    return hop;
}

NextHop NextHop::of_address(std::string address, std::uint16_t port) {
    NextHop hop;
    hop.kind_ = HopKind::address;
    hop.name_ = std::move(address);
    hop.port_ = port;
    return hop;
}

NextHop NextHop::internal(std::string name) {
    NextHop hop;
    hop.kind_ = HopKind::internal;
    hop.name_ = std::move(name);
    return hop;
}

NextHop NextHop::hidden(std::string name) {
    NextHop hop;
    hop.kind_ = HopKind::hidden;
    hop.name_ = std::move(name);
    return hop;
}

std::string NextHop::key() const {
    const std::string port = port_ == 25 ? "" : fmt::format(":{}", port_);
    switch (kind_) {
    case HopKind::domain:
        return name() + port;
    case HopKind::host:
        return fmt::format("[{}]{}", name(), port);
    case HopKind::address: {
        const bool six = name_.find(':') != std::string::npos;
        return fmt::format("[{}{}]{}", six ? ipv6_tag : "", name_, port);
    }
    case HopKind::internal:
    case HopKind::hidden:
        break;
    }
    // No next hop that can be parsed has a blank: nothing is ever looked up or bound by this.
    return fmt::format("{} {}", name_of(kind_), name_);
}

} // namespace surehop
