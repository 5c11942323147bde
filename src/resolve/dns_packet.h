// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resolve/dns.h"

#include <cstdint>
#include <span>

// Reads one DNS answer (RFC 1035 §4, RFC 6891) as it came from the wire. Pure: octets in, answer
// out.
//
// Strict, since each mistake here could turn "cannot tell" into "there is none": the question must
// be ours, every section must be whole, names are bounded (RFC 1035 §2.3.4) and compression only
// points back. Whatever is not, or is truncated, is `malformed`. NOERROR without records is
// `no_data` only where it is not a referral (RFC 2308 §2.2), and the extended rcode of EDNS counts.
//
// Names come out in lower case; every octet but letters, digits, '-' and '_' becomes \DDD (RFC 1035
// §5.1), which no Domain accepts: an odd MX exchange spoils that host, not the whole answer.
// Only records of class IN and of the asked type come out, and the aliases that lead to them;
// RRSIG, DNAME and the like are passed over. `authentic` is the AD bit as it stands in the packet;
// whether it may be believed is for the caller.

namespace surehop {

DnsAnswer read_dns_answer(std::span<const std::uint8_t> packet, const Question& question);

} // namespace surehop
