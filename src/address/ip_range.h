// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// IP addresses and ranges of them, of both families in sixteen octets: IPv4 as ::ffff:a.b.c.d (RFC
// 4291 §2.5.5.2), so that one comparison does for all.

namespace surehop {

using IpAddress = std::array<std::uint8_t, 16>;

// "192.0.2.1", "2001:db8::1"; none for anything else.
std::optional<IpAddress> parse_ip(std::string_view text);

bool is_loopback(const IpAddress& address); // 127.0.0.0/8, ::1
bool is_loopback(std::string_view text);    // the same, written; anything else is not

class IpRange {
  public:
    // "10.0.0.0/8", "2001:db8::/32", or one address.
    static std::optional<IpRange> parse(std::string_view text);

    bool holds(const IpAddress& address) const;

    const std::string& text() const { return text_; } // as it was written
    bool operator==(const IpRange&) const = default;

  private:
    IpRange(std::string_view text, const IpAddress& from, unsigned bits)
        : text_(text), from_(from), bits_(bits) {}

    std::string text_;
    IpAddress from_;
    unsigned bits_; // 0 to 128
};

} // namespace surehop
