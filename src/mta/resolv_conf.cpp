// SPDX-License-Identifier: Apache-2.0
#include "mta/resolv_conf.h"

#include "address/ip_range.h"
#include "address/nexthop.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace surehop {

namespace {

std::vector<std::string> nameservers(const std::string& text) {
    std::vector<std::string> out;
    for (const std::string_view line : split(text, '\n')) {
        const std::string_view trimmed = trim(line);
        constexpr std::string_view word = "nameserver";
        if (!trimmed.starts_with(word))
            continue;
        const std::string_view rest = trim(trimmed.substr(word.size()));
        const std::string_view address = rest.substr(0, rest.find_first_of(" \t\r"));
        out.push_back(canonical_address(address).value_or(std::string(address)));
    }
    if (out.empty())
        out.emplace_back("127.0.0.1"); // resolver(5)
    return out;
}

bool is_ours(const std::string& address, const Wiring& surehop) {
    if (surehop.resolvers.empty())
        return (is_loopback(address) && address != "127.0.0.53" && address != "127.0.0.11") ||
               std::find(surehop.trusted.begin(), surehop.trusted.end(), address) !=
                   surehop.trusted.end();
    const std::string with_port =
        address.find(':') == std::string::npos ? address + ":53" : fmt::format("[{}]:53", address);
    return std::any_of(surehop.resolvers.begin(), surehop.resolvers.end(),
                       [&](const std::string& one) { return one == address || one == with_port; });
}

} // namespace

void examine_resolv_conf(const std::string& file, const char* mta, const std::string& remedy,
                         const Wiring& surehop, const Surroundings& around, Findings& out) {
    constexpr std::string_view check = "mta-resolver";
    const auto text = around.read(file);
    if (!text)
        out.warning(check, fmt::format("{} cannot be read: {} then asks 127.0.0.1", file, mta),
                    remedy);
    for (const std::string& address : nameservers(text.value_or("")))
        if (!is_ours(address, surehop))
            out.failed(check,
                       fmt::format("{} has {} ask {}, whose word on DNSSEC surehop does not take: "
                                   "delivery rests on it",
                                   file, mta, printable(address, 50)),
                       remedy);
}

} // namespace surehop
