// SPDX-License-Identifier: Apache-2.0
#include "resolve/address_range.h"

#include "address/ip_range.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace surehop {

namespace {

// IANA special-purpose address registries (RFC 6890 and later entries). Where an entry lies within
// a larger one that is not public either, only the larger one stands here. Ranges that the registry
// calls globally reachable (192.0.0.9, 192.31.196.0/24 and such) serve no policy host.
constexpr auto special_ranges = std::to_array<const char*>({
    "0.0.0.0/8",       // this network, RFC 791 §3.2
    "10.0.0.0/8",      // private use, RFC 1918
    "100.64.0.0/10",   // shared address space, RFC 6598
    "127.0.0.0/8",     // loopback, RFC 1122 §3.2.1.3
    "169.254.0.0/16",  // link local, RFC 3927: also where clouds keep their metadata
    "172.16.0.0/12",   // private use, RFC 1918
    "192.0.0.0/24",    // IETF protocol assignments, RFC 6890
    "192.0.2.0/24",    // documentation, RFC 5737
    "192.31.196.0/24", // AS112, RFC 7535
    "192.52.193.0/24", // AMT, RFC 7450
    "192.88.99.0/24",  // 6to4 relay anycast, RFC 7526
    "192.168.0.0/16",  // private use, RFC 1918
    "192.175.48.0/24", // AS112, RFC 7534
    "198.18.0.0/15",   // benchmarking, RFC 2544
    "198.51.100.0/24", // documentation, RFC 5737
    "203.0.113.0/24",  // documentation, RFC 5737
    "224.0.0.0/4",     // multicast, RFC 5771
    "240.0.0.0/4",     // reserved, and limited broadcast, RFC 1112 §4
});

// In IPv6 only 2000::/3 is in use for global unicast (RFC 4291 §2.4); of it, these are not public.
constexpr const char* global_unicast = "2000::/3";
constexpr auto special_ranges_v6 = std::to_array<const char*>({
    "2001::/23",         // IETF protocol assignments, RFC 2928: Teredo, benchmarking, ORCHID
    "2001:db8::/32",     // documentation, RFC 3849
    "2620:4f:8000::/48", // AS112, RFC 7534
    "3ffe::/16",         // the former 6bone, RFC 3701
    "3fff::/20",         // documentation, RFC 9637
});

// IPv6 addresses that lead to an IPv4 address: the prefix, and the octet at which that one starts.
struct Embedding {
    const char* prefix;
    std::size_t at;
};
constexpr auto embeddings = std::to_array<Embedding>({
    {"64:ff9b::/96", 12}, // NAT64, RFC 6052 §2.1
    {"2002::/16", 2},     // 6to4, RFC 3056 §2
});

template <class Texts> std::vector<IpRange> read_ranges(const Texts& texts) {
    std::vector<IpRange> ranges;
    for (const auto& text : texts)
        if (auto range = IpRange::parse(text))
            ranges.push_back(*std::move(range));
    return ranges;
}

bool any_holds(const std::vector<IpRange>& ranges, const IpAddress& address) {
    return std::ranges::any_of(ranges, [&](const IpRange& range) { return range.holds(address); });
}

// The IPv4 address that begins at this octet.
IpAddress embedded(const IpAddress& address, std::size_t at) {
    IpAddress out{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::copy_n(address.begin() + static_cast<std::ptrdiff_t>(at), 4, out.begin() + 12);
    return out;
}

bool is_public(const IpAddress& address) {
    static const auto special = read_ranges(special_ranges);
    static const auto special_v6 = read_ranges(special_ranges_v6);
    if (IpRange::parse("::ffff:0:0/96")->holds(address))
        return !any_holds(special, address);
    for (const Embedding& embedding : embeddings)
        if (IpRange::parse(embedding.prefix)->holds(address))
            return is_public(embedded(address, embedding.at));
    return IpRange::parse(global_unicast)->holds(address) && !any_holds(special_v6, address);
}

} // namespace

bool is_public_address(std::string_view address) {
    const auto octets = parse_ip(address);
    return octets && is_public(*octets);
}

bool is_within(std::string_view address, const std::vector<std::string>& ranges) {
    const auto octets = parse_ip(address);
    return octets && any_holds(read_ranges(ranges), *octets);
}

Status check_ranges(const std::vector<std::string>& ranges) {
    for (const std::string& range : ranges)
        if (!IpRange::parse(range))
            return Error{fmt::format("\"{}\" is not a range of addresses such as 10.0.0.0/8 or "
                                     "2001:db8::/32, nor an address",
                                     printable(range))};
    return Done{};
}

} // namespace surehop
