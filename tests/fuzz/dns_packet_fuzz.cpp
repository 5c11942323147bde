// SPDX-License-Identifier: Apache-2.0
// A DNS answer from anywhere. First octet: which type was asked for; the rest: the packet.
#include "address/nexthop.h"
#include "resolve/dns_packet.h"

#include "fuzz/require.h"

#include <algorithm>
#include <array>

using namespace surehop;
using fuzz::require;

namespace {

// The name a stranger chose, in the only form in which it gets out of the packet.
void require_name(std::string_view name) {
    require(name.size() <= std::size_t{4} * 255, "RFC 1035 §2.3.4, each octet as \\DDD");
    require(std::all_of(name.begin(), name.end(),
                        [](char c) {
                            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                                   c == '_' || c == '.' || c == '\\';
                        }),
            "no octet that means something elsewhere");
}

// Of the type that was asked for, or an alias on the way to it.
void require_record(const DnsRecord& record, RrType asked, std::size_t size) {
    require_name(record.owner);
    require(record.ttl <= 0x7fffffffU, "RFC 2181 §8");
    if (const auto* alias = std::get_if<DnsRecord::Cname>(&record.data)) {
        require_name(alias->target);
    } else if (const auto* mx = std::get_if<MxRecord>(&record.data)) {
        require(asked == RrType::mx, "an MX, and asked for");
        require_name(mx->exchange);
    } else if (const auto* address = std::get_if<DnsRecord::Address>(&record.data)) {
        require(asked == RrType::a || asked == RrType::aaaa, "an address, and asked for");
        require(canonical_address(address->text) == address->text, "in its canonical form");
        require((address->text.find(':') == std::string::npos) == (asked == RrType::a),
                "of the family that was asked for");
    } else if (const auto* text = std::get_if<DnsRecord::Text>(&record.data)) {
        require(asked == RrType::txt && text->text.size() < size, "no longer than the packet");
    } else if (const auto* raw = std::get_if<DnsRecord::Raw>(&record.data)) {
        require(asked == RrType::tlsa || asked == RrType::soa, "RDATA, and asked for");
        require(raw->rdata.size() < size, "no longer than the packet");
    }
}

bool same_data(const DnsRecord& a, const DnsRecord& b) {
    if (a.owner != b.owner || a.ttl != b.ttl || a.data.index() != b.data.index())
        return false;
    if (const auto* alias = std::get_if<DnsRecord::Cname>(&a.data))
        return alias->target == std::get<DnsRecord::Cname>(b.data).target;
    if (const auto* mx = std::get_if<MxRecord>(&a.data))
        return mx->preference == std::get<MxRecord>(b.data).preference &&
               mx->exchange == std::get<MxRecord>(b.data).exchange;
    if (const auto* address = std::get_if<DnsRecord::Address>(&a.data))
        return address->text == std::get<DnsRecord::Address>(b.data).text;
    if (const auto* text = std::get_if<DnsRecord::Text>(&a.data))
        return text->text == std::get<DnsRecord::Text>(b.data).text;
    return std::get<DnsRecord::Raw>(a.data).rdata == std::get<DnsRecord::Raw>(b.data).rdata;
}

bool same(const DnsAnswer& a, const DnsAnswer& b) {
    return a.status == b.status && a.authentic == b.authentic && a.ttl == b.ttl &&
           std::equal(a.records.begin(), a.records.end(), b.records.begin(), b.records.end(),
                      same_data);
}

// What the same packet says when it is touched where it must matter, or must not.
void require_strictness(const Bytes& packet, const Question& question, const DnsAnswer& answer) {
    Bytes other = packet;
    other[0] ^= 0xffU;
    require(same(read_dns_answer(other, question), answer), "the id is another's to look at");
    other = packet;
    other[3] ^= 0x20U; // AD
    DnsAnswer turned = answer;
    turned.authentic = !answer.authentic;
    require(same(read_dns_answer(other, question), turned), "the AD bit says only what it says");

    const auto malformed = [&](const Bytes& octets, const Question& asked) {
        return read_dns_answer(octets, asked).status == DnsStatus::malformed;
    };
    other = packet;
    other.push_back(0);
    require(malformed(other, question), "nothing follows an answer");
    for (const std::size_t cut : {packet.size() - 1, packet.size() / 2, std::size_t{12}})
        require(malformed(Bytes(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(cut)),
                          question),
                "half an answer is none");
    other = packet;
    other[2] |= 0x02U; // TC
    require(malformed(other, question), "a truncated answer is none");
    other = packet;
    other[2] &= 0x7fU; // QR
    require(malformed(other, question), "a question is no answer");
    require(malformed(packet, Question("example.net", question.type)), "another's answer");
    require(same(read_dns_answer(packet, Question("Example.ORG", question.type)), answer),
            "names are the same in any case");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array types{RrType::a,   RrType::cname, RrType::soa, RrType::mx,
                               RrType::txt, RrType::aaaa,  RrType::tlsa};
    if (size == 0)
        return 0;
    const Question question("example.org", types[data[0] % types.size()]);
    const Bytes packet(data + 1, data + size);
    const DnsAnswer answer = read_dns_answer(packet, question);
    if (answer.status == DnsStatus::malformed) {
        require(answer.records.empty() && !answer.authentic && answer.ttl == 0,
                "a broken packet says nothing");
        return 0;
    }
    require(answer.status != DnsStatus::answer || !answer.records.empty(), "an answer has records");
    require(answer.status != DnsStatus::no_data || answer.records.empty(), "and a denial has none");
    require(answer.records.size() <= 500 && answer.records.size() * 11 <= size,
            "no more records than there is room for");
    require(answer.ttl <= 0x7fffffffU, "RFC 2181 §8");
    for (const DnsRecord& record : answer.records) {
        require_record(record, question.type, size);
        require(answer.ttl <= record.ttl, "the smallest TTL of all");
    }
    require_strictness(packet, question, answer);
    return 0;
}
