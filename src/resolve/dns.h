// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.h"
#include "base/time.h"
#include "resolve/loop.h"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// The DNS as an inquiry needs it: one question, one answer that says how sure it is. Implemented by
// AresDns on the network and by a zone literal in tests. Coroutines run on the loop.

namespace surehop {

enum class RrType : std::uint16_t {
    a = 1,
    cname = 5,
    soa = 6,
    mx = 15,
    txt = 16,
    aaaa = 28,
    tlsa = 52
};

struct Question {
    Question(std::string asked, RrType kind, bool unchecked = false)
        : name(std::move(asked)), type(kind), checking_disabled(unchecked) {}
    std::string name; // A-labels, no trailing dot; "" is the root
    RrType type;
    // The CD bit (RFC 4035 §3.2.2): only to tell a bogus answer from a dead server, never to use
    // it.
    bool checking_disabled;
};

enum class DnsStatus : std::uint8_t {
    answer,      // records (perhaps only CNAMEs)
    no_data,     // the name exists, the type does not
    no_name,     // NXDOMAIN
    timeout,     // nobody answered
    unreachable, // no server can be reached
    servfail,    // the server could not, or would not, because the answer is bogus
    refused,     // any other rcode
    malformed,   // the packet could not be read
};

struct MxRecord {
    std::uint16_t preference;
    std::string exchange; // "" is the root: null MX (RFC 7505)
};

struct DnsRecord {
    std::string owner; // lower case, no trailing dot
    std::uint32_t ttl = 0;
    // A and AAAA: canonical text; CNAME: target; MX; TXT: strings joined; TLSA and SOA: RDATA.
    struct Address {
        std::string text;
    };
    struct Cname {
        std::string target;
    };
    struct Text {
        std::string text;
    };
    struct Raw {
        Bytes rdata;
    };
    std::variant<Address, Cname, MxRecord, Text, Raw> data;
};

struct DnsAnswer {
    DnsStatus status = DnsStatus::unreachable;
    // The AD bit (RFC 4035 §4.9.3), and the server is one whose AD bit may be believed.
    bool authentic = false;
    std::vector<DnsRecord> records; // the answer section; RRSIGs left out
    std::uint32_t ttl = 0;          // smallest of the answer; for a denial: RFC 2308 §5
};

class Dns {
  public:
    virtual ~Dns() = default;
    // Never throws, always ends: `timeout` at the latest after the configured time.
    virtual asio::awaitable<DnsAnswer> ask(Question question) = 0;
};

// What is known of the resolver's validation (DESIGN invariant 7).
enum class Validation : std::uint8_t {
    untested, // it has shown neither yet: DANE is unknown
    proven,   // the self-test passed: the AD bit counts
    never,    // it does not, and never did in this process: a site without DANE, but unknown
              // where DANE was known to hold before
    lost,     // it did validate and does not now: DANE is unknown
};

} // namespace surehop
