// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "facts/facts.h"
#include "resolve/dns.h"

#include <optional>
#include <string>
#include <vector>

// One DNS answer, read as a fact: CNAMEs followed, and failure told apart from absence.

namespace surehop {

struct Lookup {
    Standing standing;      // present: `records` are those of the type asked for
    bool exists = true;     // false: NXDOMAIN, of the name or of the end of its CNAMEs
    bool secure = false;    // the whole answer, each CNAME on the way included
    bool aliased = false;   // at least one CNAME
    std::string final_name; // the end of the CNAMEs
    std::vector<DnsRecord> records;
    std::uint32_t ttl = 0;
};

// Asks, follows, classifies. With `validating`, a SERVFAIL is asked again with checking disabled to
// learn whether it was a dead server (dns-servfail) or a broken signature (dns-bogus); the answer
// to that second question is never used.
asio::awaitable<Lookup> look_up(Dns& dns, std::string name, RrType type, bool validating);

} // namespace surehop
