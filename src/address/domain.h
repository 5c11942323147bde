// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <compare>
#include <string>
#include <string_view>

// A domain name as it is compared, stored and asked for: A-labels (RFC 5890 §2.3.2.1), lower case,
// no trailing dot. This is the only way to hold a name: what is not a Domain has not been checked.
//
// In: ASCII in any case with or without a trailing dot, or U-labels in UTF-8 (RFC 6531 §3.2;
// IDNA 2008 look-up, RFC 5891 §5, UTS 46 non-transitional). Out: 1 to 253 octets, labels of 1
// to 63. Letters, digits, hyphen, and the underscore that names of DNS records and careless MX
// hosts hold. Errors: an empty name or label, one too long, a foreign character, an A-label or
// U-label that IDNA does not allow. An address (192.0.2.1) is not a name.

namespace surehop {

class Domain {
  public:
    static Result<Domain> parse(std::string_view text);

    const std::string& text() const { return text_; }

    // True for the same name and for every name below it.
    bool is_within(const Domain& ancestor) const;

    // "www.example.org" → "example.org"; empty at a single label.
    std::string_view parent() const;

    auto operator<=>(const Domain&) const = default;

  private:
    explicit Domain(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

} // namespace surehop
