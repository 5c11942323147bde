// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// The value of a header field as its reader sees it, in UTF-8: unfolded (RFC 5322 §2.2.3), and with
// the encoded words (RFC 2047) decoded in which mail programs hide a whole Subject because of one
// letter.

namespace surehop {

struct FieldText {
    std::string text;
    bool whole = true; // false: a word that cannot be decoded has stayed as it was
};

FieldText readable(std::string_view value);

} // namespace surehop
