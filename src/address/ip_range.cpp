// SPDX-License-Identifier: Apache-2.0
#include "address/ip_range.h"

#include "base/text.h"

#include <arpa/inet.h>

#include <algorithm>

namespace surehop {

namespace {

constexpr unsigned mapped_bits = 96;

} // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
    if (text.find('\0') != std::string_view::npos)
        return std::nullopt;
    const std::string terminated(text);
    IpAddress octets{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (inet_pton(AF_INET, terminated.c_str(), octets.data() + 12) == 1)
        return octets;
    if (inet_pton(AF_INET6, terminated.c_str(), octets.data()) == 1)
        return octets;
    return std::nullopt;
}

bool is_loopback(const IpAddress& address) {
    constexpr IpAddress v6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    constexpr IpAddress v4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
    return address == v6 || std::equal(v4.begin(), v4.begin() + 13, address.begin());
}

bool is_loopback(std::string_view text) {
    const auto address = parse_ip(text);
    return address && is_loopback(*address);
}

std::optional<IpRange> IpRange::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto from = parse_ip(text.substr(0, slash));
    if (!from)
        return std::nullopt;
    if (slash == std::string_view::npos)
        return IpRange(text, *from, 128);
    const unsigned before = text.find(':') == std::string_view::npos ? mapped_bits : 0;
    const auto bits = parse_number(text.substr(slash + 1), 128 - before);
    if (!bits)
        return std::nullopt;
    return IpRange(text, *from, before + static_cast<unsigned>(*bits));
}

bool IpRange::holds(const IpAddress& address) const {
    const unsigned whole = bits_ / 8;
    if (!std::equal(from_.begin(), from_.begin() + whole, address.begin()))
        return false;
    const unsigned rest = bits_ % 8;
    return rest == 0 || (from_.at(whole) >> (8 - rest)) == (address.at(whole) >> (8 - rest));
}

} // namespace surehop
