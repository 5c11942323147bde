// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Small tools for text that may come from a stranger. All of them work on octets and know ASCII
// only: no locale changes what a policy or an address means.

namespace surehop {

// Decimal digits only (no sign, no blank), at most `most`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most);

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text);
bool same_ignoring_case(std::string_view a, std::string_view b);

std::string_view trim(std::string_view text); // SP and HTAB on both sides

// "a,b,,c" → "a" "b" "" "c".
std::vector<std::string_view> split(std::string_view text, char separator);

std::string join(std::span<const std::string> parts, std::string_view separator);

bool is_ascii(std::string_view text);
bool is_utf8(std::string_view text); // RFC 3629: no surrogates, no overlong forms

// What Postfix and Sendmail call a queued message: letters and digits; short enough to name one,
// and not "ALL", which means every message.
bool is_queue_id(std::string_view text);

// For logs, errors and replies: printable ASCII stays, each other octet becomes '?', and what is
// longer than `most` ends in "...".
std::string printable(std::string_view text, std::size_t most = 120);

// The known word nearest to a misspelt one, if near enough to be worth suggesting.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known);

} // namespace surehop
