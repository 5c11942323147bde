// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/domain.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Where the MTA will connect, in the syntax in which Postfix says it: `domain`, `domain:port`
// (MX look-up), `[host]`, `[host]:port` (no MX look-up), `[192.0.2.1]`, `[IPv6:2001:db8::1]:25`.
//
// Ports are numbers (1 to 65535) or the services of mail: `smtp`, `mail` (25), `submission` (587),
// `submissions`, `smtps`, `ssmtp`, `urd` (465). Another name would take this machine's list of
// services, and the MTA may have another one.
// In any case; out in one normal form, which is the key of facts and of the lock. Errors: empty,
// a list of several next hops, a port that is none, an invalid name or address.

namespace surehop {

enum class HopKind {
    domain,   // MX look-up of a name
    host,     // one host, no MX look-up
    address,  // one address
    internal, // never judged: configuration says so
    hidden,   // cannot be seen from here
};
std::string_view name_of(HopKind kind);

enum class HopSource { rcpt_host, route, recipient_domain };
std::string_view name_of(HopSource source); // "rcpt-host", "route", "recipient-domain"

class NextHop {
  public:
    // What Postfix, Sendmail or the configuration says. `default_port` where it names none.
    static Result<NextHop> parse(std::string_view text, std::uint16_t default_port = 25);
    static NextHop of_domain(Domain domain, std::uint16_t port = 25);
    static NextHop of_address(std::string address, std::uint16_t port = 25); // canonical text
    static NextHop internal(std::string name);
    static NextHop hidden(std::string name); // `name`: what is known, for the record

    HopKind kind() const { return kind_; }
    // Without brackets and port.
    const std::string& name() const { return domain_ ? domain_->text() : name_; }
    std::uint16_t port() const { return port_; }

    // The name of a domain or host.
    const std::optional<Domain>& domain() const { return domain_; }

    // Normal form: example.org, example.org:2525, [mx.example.org], [192.0.2.1]:2525,
    // [ipv6:2001:db8::1]. Port 25 is left out. Of internal and hidden ones something with a blank,
    // which is no other's key.
    std::string key() const;

    bool operator==(const NextHop&) const = default;

  private:
    HopKind kind_ = HopKind::hidden;
    std::string name_; // of what has no domain
    std::optional<Domain> domain_;
    std::uint16_t port_ = 25;
};

// The elements of a list of next hops, as Postfix 3.5 and later takes one in place of a next hop:
// separated by commas, blanks or both. Empty when there is none.
std::vector<std::string_view> next_hop_list(std::string_view text);

// Canonical text of an address (RFC 5952), of either family; none if it is not an address.
// Takes "192.0.2.1", "2001:DB8::1", "IPv6:2001:db8::1".
std::optional<std::string> canonical_address(std::string_view text);

} // namespace surehop
