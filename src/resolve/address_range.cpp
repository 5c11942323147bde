// SPDX-License-Identifier: Apache-2.0
#include "resolve/address_range.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <optional>
#include <span>

namespace surehop {

namespace {

// Both families in sixteen octets, IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2): one comparison for
// all.
using Octets = std::array<std::uint8_t, 16>;

struct Range {
    Octets from{};
    unsigned bits = 0; // 0 to 128
};

constexpr unsigned mapped_bits = 96;

Octets mapped(std::span<const std::uint8_t, 4> v4) {
    Octets octets{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::copy(v4.begin(), v4.end(), octets.begin() + 12);
    return octets;
}

std::optional<Octets> parse_address(std::string_view text) {
    if (text.find('\0') != std::string_view::npos)
        return std::nullopt;
    const std::string terminated(text);
    std::array<std::uint8_t, 4> v4{};
    if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1)
        return mapped(v4);
    Octets v6{};
    if (inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1)
        return v6;
    return std::nullopt;
}

std::optional<Range> parse_range(std::string_view text) {
    const auto slash = text.find('/');
    const auto from = parse_address(text.substr(0, slash));
    if (!from)
        return std::nullopt;
    if (slash == std::string_view::npos)
        return Range{*from, 128};
    const unsigned before = text.find(':') == std::string_view::npos ? mapped_bits : 0;
    const auto bits = parse_number(text.substr(slash + 1), 128 - before);
    if (!bits)
        return std::nullopt;
    return Range{*from, before + static_cast<unsigned>(*bits)};
}

bool holds(const Range& range, const Octets& address) {
    const std::size_t whole = range.bits / 8;
    if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
                    range.from.begin()))
        return false;
    const unsigned rest = range.bits % 8;
    const unsigned mask = 0xff00U >> rest & 0xffU;
    return rest == 0 || ((address[whole] ^ range.from[whole]) & mask) == 0;
}

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

template <class Texts> std::vector<Range> read_ranges(const Texts& texts) {
    std::vector<Range> ranges;
    for (const auto& text : texts)
        if (const auto range = parse_range(text))
            ranges.push_back(*range);
    return ranges;
}

bool any_holds(const std::vector<Range>& ranges, const Octets& address) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const Range& range) { return holds(range, address); });
}

bool is_public(const Octets& address) {
    static const auto special = read_ranges(special_ranges);
    static const auto special_v6 = read_ranges(special_ranges_v6);
    if (holds(*parse_range("::ffff:0:0/96"), address))
        return !any_holds(special, address);
    for (const Embedding& embedding : embeddings) {
        if (holds(*parse_range(embedding.prefix), address))
            return is_public(mapped(std::span(address).subspan(embedding.at).template first<4>()));
    }
    return holds(*parse_range(global_unicast), address) && !any_holds(special_v6, address);
}

} // namespace

bool is_public_address(std::string_view address) {
    const auto octets = parse_address(address);
    return octets && is_public(*octets);
}

bool is_within(std::string_view address, const std::vector<std::string>& ranges) {
    const auto octets = parse_address(address);
    return octets && any_holds(read_ranges(ranges), *octets);
}

Status check_ranges(const std::vector<std::string>& ranges) {
    for (const std::string& range : ranges)
        if (!parse_range(range))
            return Error{fmt::format("\"{}\" is not a range of addresses such as 10.0.0.0/8 or "
                                     "2001:db8::/32, nor an address",
                                     printable(range))};
    return Done{};
}

} // namespace surehop
