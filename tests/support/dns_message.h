// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resolve/dns.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// DNS packets for tests, good ones and broken ones: built field by field, so that each can be
// wrong.

namespace surehop::test {

Bytes wire_name(std::string_view name); // "mx.example.org"; no compression
Bytes a_rdata(std::string_view address);
Bytes aaaa_rdata(std::string_view address);
Bytes mx_rdata(unsigned preference, std::string_view exchange);
Bytes txt_rdata(const std::vector<std::string>& strings);
Bytes soa_rdata(std::uint32_t minimum);

constexpr unsigned type_ns = 2, type_rrsig = 46, type_opt = 41;

class DnsMessage {
  public:
    DnsMessage(std::string_view name, RrType type, unsigned qclass = 1);
    DnsMessage(std::string_view name, unsigned type, unsigned qclass = 1);

    DnsMessage& id(unsigned value);
    DnsMessage& flags(unsigned set, unsigned cleared = 0); // of the header's second word
    DnsMessage& rcode(unsigned value) { return flags(value & 0x0fU, 0x0fU); }
    DnsMessage& authentic() { return flags(0x0020U); }
    DnsMessage& truncated() { return flags(0x0200U); }
    DnsMessage& question(const Bytes& octets); // one more

    DnsMessage& answer(const Bytes& owner, unsigned type, std::uint32_t ttl, const Bytes& rdata,
                       unsigned rclass = 1);
    DnsMessage& answer(std::string_view owner, RrType type, std::uint32_t ttl, const Bytes& rdata);
    DnsMessage& authority(std::string_view owner, unsigned type, std::uint32_t ttl,
                          const Bytes& rdata);
    DnsMessage& additional(const Bytes& owner, unsigned type, unsigned rclass, std::uint32_t ttl,
                           const Bytes& rdata);
    DnsMessage& edns(unsigned upper_rcode = 0); // an OPT record

    DnsMessage& count(unsigned section,
                      unsigned value);     // lie about it: 0 question ... 3 additional
    DnsMessage& tail(const Bytes& octets); // octets after the message

    Bytes bytes() const;

  private:
    void record(unsigned section, const Bytes& owner, unsigned type, unsigned rclass,
                std::uint32_t ttl, const Bytes& rdata);
    unsigned id_ = 0, flags_ = 0x8180U; // response, recursion desired and available
    unsigned counts_[4] = {1, 0, 0, 0};
    Bytes body_[4], tail_;
};

// What a server learns from a query.
struct DnsQuery {
    unsigned id = 0;
    std::string name; // as sent, dots between labels
    unsigned type = 0;
    bool recursion_desired = false, wants_ad = false, checking_disabled = false, dnssec_ok = false;
    unsigned edns_octets = 0; // 0: no OPT record
    bool tcp = false;
};
std::optional<DnsQuery> read_query(std::span<const std::uint8_t> packet);

} // namespace surehop::test
