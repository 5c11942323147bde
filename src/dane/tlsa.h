// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// DANE for SMTP in short (RFC 6698, 7671, 7672). A domain signed with DNSSEC publishes, beside each
// MX host, TLSA records at _25._tcp.HOST that say which certificate or key the host will show:
//
//   usage     0 PKIX-TA  1 PKIX-EE  2 DANE-TA  3 DANE-EE      what the data names
//   selector  0 Cert     1 SPKI                               of what it is taken
//   matching  0 Full     1 SHA2-256  2 SHA2-512               how it is compared
//
// A client that finds such records, validly signed, must use TLS, and at least one *usable* record
// must match (RFC 7672 §2.2). SMTP uses only DANE-TA and DANE-EE: PKIX-TA and PKIX-EE need a set of
// public CAs that MTAs do not share, and count as unusable (§3.1.3). If all records are unusable,
// TLS is still required, but nobody is authenticated (§2.2): that is `encrypted`, not `dane`.
// Records in an unsigned zone mean nothing at all.
//
// The certificate itself is compared by the delivering MTA; surehop decides only what is usable.

namespace surehop::dane {

enum class Usage : std::uint8_t { pkix_ta = 0, pkix_ee = 1, dane_ta = 2, dane_ee = 3 };
enum class Selector : std::uint8_t { cert = 0, spki = 1 };
enum class Matching : std::uint8_t { full = 0, sha256 = 1, sha512 = 2 };

// As it came: any octet may stand in the first three fields.
struct Tlsa {
    std::uint8_t usage = 0;
    std::uint8_t selector = 0;
    std::uint8_t matching = 0;
    Bytes data;
    bool operator==(const Tlsa&) const = default;
};

// RDATA of a TLSA record, RFC 6698 §2.1. Error: too short to hold three octets and data.
Result<Tlsa> parse_rdata(std::span<const std::uint8_t> rdata);

// "3 1 1 0d4a…" (RFC 6698 §2.2), and back.
std::string print(const Tlsa& record);
Result<Tlsa> parse_text(std::string_view text);

// Why a record cannot serve SMTP, or nothing when it can: RFC 7672 §3.1.3 (usage), RFC 7671 §2 and
// RFC 6698 §2.1 (known selector and matching type), digest length, and for Full(0) data that is a
// DER certificate or public key.
std::optional<std::string_view> unusable_because(const Tlsa& record);

// The records that may decide: the usable ones, and of these, within each usage and selector,
// Full(0) and the strongest digest only (digest agility, RFC 7671 §9).
std::vector<Tlsa> usable(std::span<const Tlsa> records);

} // namespace surehop::dane
