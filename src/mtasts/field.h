// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/text.h"

#include <algorithm>
#include <string_view>

// What the record (RFC 8461 §3.1) and the policy (§3.2) share: the names of their fields.

namespace surehop::mtasts {

// sts-ext-name, sts-policy-ext-name: (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".").
inline bool is_field_name(std::string_view text) {
    return !text.empty() && text.size() <= 32 && is_letter_or_digit(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
           });
}

} // namespace surehop::mtasts
