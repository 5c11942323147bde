// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Octets: hexadecimal text, SHA-256 and HMAC-SHA-256 (RFC 2104).

namespace surehop {

using Bytes = std::vector<std::uint8_t>;

std::string to_hex(std::span<const std::uint8_t> bytes);       // lower case
std::optional<std::string> from_base64(std::string_view text); // padding may be missing
std::optional<Bytes> from_hex(std::string_view text);          // either case, even length

std::array<std::uint8_t, 32> sha256(std::string_view data);
std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, std::string_view data);

} // namespace surehop
