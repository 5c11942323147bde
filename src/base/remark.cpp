// SPDX-License-Identifier: Apache-2.0
#include "base/remark.h"

#include "base/text.h"

#include <fmt/format.h>

namespace surehop {

namespace {

// C0, DEL and, in UTF-8, C1.
bool has_control(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        if (octet < 0x20 || octet == 0x7f || (octet == 0xc2 && next >= 0x80 && next < 0xa0))
            return true;
    }
    return false;
}

} // namespace

Status check_remark(std::string_view name, std::string_view text, std::size_t most, bool required) {
    if (required && trim(text).empty())
        return Error{fmt::format("the {} is missing", name)};
    if (text.size() > most)
        return Error{
            fmt::format("the {} is too long: {} octets, at most {}", name, text.size(), most)};
    if (!is_utf8(text) || has_control(text))
        return Error{fmt::format("the {} holds characters that are not text", name)};
    return Done{};
}

} // namespace surehop
