// SPDX-License-Identifier: Apache-2.0
#include "socketmap/netstring.h"

#include "base/text.h"

#include <algorithm>

namespace surehop {

std::optional<std::string> NetstringReader::next() {
    constexpr std::size_t most_digits = 9;
    if (broken_)
        return std::nullopt;
    const std::size_t colon = buffer_.find(':');
    if (colon == std::string::npos) {
        broken_ = buffer_.size() > most_digits ||
                  !std::all_of(buffer_.begin(), buffer_.end(),
                               [](char c) { return c >= '0' && c <= '9'; });
        return std::nullopt;
    }
    const std::string_view digits = std::string_view(buffer_).substr(0, colon);
    const auto length = parse_number(digits, most_);
    if (!length || (digits.size() > 1 && digits.front() == '0')) {
        broken_ = true;
        return std::nullopt;
    }
    const std::size_t end = colon + 1 + *length;
    if (buffer_.size() <= end)
        return std::nullopt;
    if (buffer_[end] != ',') {
        broken_ = true;
        return std::nullopt;
    }
    std::string out = buffer_.substr(colon + 1, *length);
    buffer_.erase(0, end + 1);
    return out;
}

std::string to_netstring(std::string_view text) {
    std::string out = std::to_string(text.size());
    out += ':';
    out += text;
    out += ',';
    return out;
}

} // namespace surehop
