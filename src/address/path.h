// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/domain.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

// The path of MAIL and RCPT: RFC 5321 §4.1.2 with RFC 6531 §3.3, with or without the angle brackets
// (milters see both). A source route is read and ignored (RFC 5321 Appendix C). The local part
// keeps its case (§2.4) and loses quotes that it does not need, so that "bob"@x.test and bob@x.test
// are one. Stray dots (a..b@x.test, a.@x.test) are not the RFC's, but in use and accepted by
// Postfix: they are read, and print quoted.
//
// Errors are sentences for the sender: no domain where one is needed, an unclosed quote, a part
// that is too long (§4.5.3.1), an invalid IDN. `invalid_idn` tells the last apart, because it is
// answered by 553 5.1.3.

namespace surehop {

class Path {
  public:
    enum class Fault { syntax, invalid_idn };

    struct Failure {
        Fault fault;
        std::string text;
    };

    // On failure `failure` (if given) says more than the text.
    static Result<Path> parse(std::string_view text, Failure* failure = nullptr);

    bool is_null() const; // <>, the reverse path of a bounce

    // The local part without quoting: what the octets mean.
    const std::string& local() const { return local_; }

    // None for <>, for <postmaster> and other names without a domain, and for address literals.
    const std::optional<Domain>& domain() const { return domain_; }

    // The text between the brackets of [192.0.2.1], lower case; IPv6 as "ipv6:2001:db8::1" in its
    // canonical form (RFC 5952).
    const std::optional<std::string>& literal() const { return literal_; }

    // Canonical: local@domain, the local part quoted where it must be; "" for <>.
    std::string text() const;

    bool operator==(const Path&) const = default;

  private:
    std::string local_;
    std::optional<Domain> domain_;
    std::optional<std::string> literal_;
};

} // namespace surehop
