// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/path.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

// Which addresses a rule or an exception means:
//
//   user@example.org   that address, in any case (ASCII). RFC 5321 §2.4 leaves the case of a local
//                      part to its own host, but MTAs fold it on the way (Postfix in {rcpt_addr}),
//                      and another spelling must be no way around a rule (invariant 3)
//   @example.org       every address of that domain; `example.org` is the same
//   *.example.org      every address of the domains below it, not of example.org itself;
//                      `.example.org` is the same
//   *                  every address, and the null sender
//   <>                 the null sender
//
// An address literal is matched by [192.0.2.1] in place of the domain. A star anywhere else is an
// error, since it would not mean what its writer hoped.

namespace surehop {

class AddressPattern {
  public:
    AddressPattern() = default; // *

    enum class Kind { any, null_sender, address, domain, suffix };

    static Result<AddressPattern> parse(std::string_view text);

    bool matches(const Path& path) const;
    bool matches_domain(const Domain& domain) const; // domain, suffix and any; false otherwise
    bool on_domain_alone() const;                    // any, domain or suffix
    Kind kind() const { return kind_; }

    // Normal form, in lower case, which parses to the same: user@example.org, @example.org,
    // *.example.org, *, <>.
    const std::string& text() const { return text_; }

    // The domain that it names; none for `*`, `<>` and address literals.
    const std::optional<Domain>& domain() const { return domain_; }

    bool operator==(const AddressPattern&) const = default;

  private:
    AddressPattern(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}

    Kind kind_ = Kind::any;
    std::string text_ = "*";
    std::string local_;
    std::optional<Domain> domain_;
    std::optional<std::string> literal_;
};

} // namespace surehop
