// SPDX-License-Identifier: Apache-2.0
#include "support/dns_message.h"

#include "base/text.h"

#include <arpa/inet.h>

namespace surehop::test {

namespace {

void put16(Bytes& to, unsigned value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8U));
    to.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes& to, std::uint32_t value) {
    put16(to, value >> 16U);
    put16(to, value & 0xffffU);
}

void put(Bytes& to, const Bytes& octets) { to.insert(to.end(), octets.begin(), octets.end()); }

Bytes address_rdata(int family, std::size_t size, std::string_view address) {
    Bytes octets(size);
    inet_pton(family, std::string(address).c_str(), octets.data());
    return octets;
}

} // namespace

Bytes wire_name(std::string_view name) {
    Bytes octets;
    if (!name.empty())
        for (const std::string_view label : split(name, '.')) {
            octets.push_back(static_cast<std::uint8_t>(label.size()));
            octets.insert(octets.end(), label.begin(), label.end());
        }
    octets.push_back(0);
    return octets;
}

Bytes a_rdata(std::string_view address) { return address_rdata(AF_INET, 4, address); }

Bytes aaaa_rdata(std::string_view address) { return address_rdata(AF_INET6, 16, address); }

Bytes mx_rdata(unsigned preference, std::string_view exchange) {
    Bytes octets;
    put16(octets, preference);
    put(octets, wire_name(exchange));
    return octets;
}

Bytes txt_rdata(const std::vector<std::string>& strings) {
    Bytes octets;
    for (const std::string& text : strings) {
        octets.push_back(static_cast<std::uint8_t>(text.size()));
        octets.insert(octets.end(), text.begin(), text.end());
    }
    return octets;
}

Bytes soa_rdata(std::uint32_t minimum) {
    Bytes octets = wire_name("ns.example");
    put(octets, wire_name("hostmaster.example"));
    for (const std::uint32_t field : {1U, 3600U, 600U, 86400U, minimum})
        put32(octets, field);
    return octets;
}

DnsMessage::DnsMessage(std::string_view name, RrType type, unsigned qclass)
    : DnsMessage(name, static_cast<unsigned>(type), qclass) {}

DnsMessage::DnsMessage(std::string_view name, unsigned type, unsigned qclass) {
    body_[0] = wire_name(name);
    put16(body_[0], type);
    put16(body_[0], qclass);
}

DnsMessage& DnsMessage::id(unsigned value) {
    id_ = value;
    return *this;
}

DnsMessage& DnsMessage::flags(unsigned set, unsigned cleared) {
    flags_ = (flags_ & ~cleared) | set;
    return *this;
}

DnsMessage& DnsMessage::question(const Bytes& octets) {
    put(body_[0], octets);
    ++counts_[0];
    return *this;
}

void DnsMessage::record(unsigned section, const Bytes& owner, unsigned type, unsigned rclass,
                        std::uint32_t ttl, const Bytes& rdata) {
    Bytes& to = body_[section];
    put(to, owner);
    put16(to, type);
    put16(to, rclass);
    put32(to, ttl);
    put16(to, static_cast<unsigned>(rdata.size()));
    put(to, rdata);
    ++counts_[section];
}

DnsMessage& DnsMessage::answer(const Bytes& owner, unsigned type, std::uint32_t ttl,
                               const Bytes& rdata, unsigned rclass) {
    record(1, owner, type, rclass, ttl, rdata);
    return *this;
}

DnsMessage& DnsMessage::answer(std::string_view owner, RrType type, std::uint32_t ttl,
                               const Bytes& rdata) {
    return answer(wire_name(owner), static_cast<unsigned>(type), ttl, rdata);
}

DnsMessage& DnsMessage::authority(std::string_view owner, unsigned type, std::uint32_t ttl,
                                  const Bytes& rdata) {
    record(2, wire_name(owner), type, 1, ttl, rdata);
    return *this;
}

DnsMessage& DnsMessage::additional(const Bytes& owner, unsigned type, unsigned rclass,
                                   std::uint32_t ttl, const Bytes& rdata) {
    record(3, owner, type, rclass, ttl, rdata);
    return *this;
}

DnsMessage& DnsMessage::edns(unsigned upper_rcode) {
    return additional(wire_name(""), type_opt, 1232, upper_rcode << 24U, {});
}

DnsMessage& DnsMessage::count(unsigned section, unsigned value) {
    counts_[section] = value;
    return *this;
}

DnsMessage& DnsMessage::tail(const Bytes& octets) {
    tail_ = octets;
    return *this;
}

Bytes DnsMessage::bytes() const {
    Bytes octets;
    put16(octets, id_);
    put16(octets, flags_);
    for (const unsigned count : counts_)
        put16(octets, count);
    for (const Bytes& section : body_)
        put(octets, section);
    put(octets, tail_);
    return octets;
}

std::optional<DnsQuery> read_query(std::span<const std::uint8_t> packet) {
    const auto u16 = [&](std::size_t at) {
        return static_cast<unsigned>(packet[at]) << 8U | packet[at + 1];
    };
    if (packet.size() < 17)
        return std::nullopt;
    DnsQuery query;
    query.id = u16(0);
    const unsigned flags = u16(2);
    query.recursion_desired = (flags & 0x0100U) != 0;
    query.wants_ad = (flags & 0x0020U) != 0;
    query.checking_disabled = (flags & 0x0010U) != 0;
    std::size_t at = 12;
    while (at < packet.size() && packet[at] != 0) {
        const std::size_t length = packet[at];
        if (at + 1 + length >= packet.size())
            return std::nullopt;
        if (!query.name.empty())
            query.name += '.';
        query.name.append(packet.begin() + static_cast<std::ptrdiff_t>(at + 1),
                          packet.begin() + static_cast<std::ptrdiff_t>(at + 1 + length));
        at += 1 + length;
    }
    if (at + 5 > packet.size())
        return std::nullopt;
    query.type = u16(at + 1);
    at += 5;
    if (u16(10) > 0 && packet.size() >= at + 11 && packet[at] == 0 && u16(at + 1) == type_opt) {
        query.edns_octets = u16(at + 3);
        query.dnssec_ok = (packet[at + 7] & 0x80U) != 0;
    }
    return query;
}

} // namespace surehop::test
