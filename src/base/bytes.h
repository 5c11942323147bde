// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Octets: hexadecimal text and SHA-256.

namespace surehop {

using Bytes = std::vector<std::uint8_t>;

std::string to_hex(std::span<const std::uint8_t> bytes);       // lower case
std::optional<std::string> from_base64(std::string_view text); // padding may be missing
std::optional<Bytes> from_hex(std::string_view text);          // either case, even length

std::array<std::uint8_t, 32> sha256(std::string_view data);

} // namespace surehop
