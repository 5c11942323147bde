// SPDX-License-Identifier: Apache-2.0
#include "resolve/dns_packet.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

namespace surehop {

namespace {

constexpr unsigned class_in = 1;
constexpr unsigned type_ns = 2, type_opt = 41;
constexpr std::size_t most_records = 500;     // of one section: more serves nobody honest
constexpr std::size_t most_name_octets = 255; // RFC 1035 §2.3.4, as on the wire
constexpr std::size_t most_jumps = 127;       // one for each label that a name can have
constexpr std::size_t header_octets = 12;

// RFC 2181 §8: a TTL with the topmost bit set counts as zero.
std::uint32_t usable_ttl(std::uint32_t ttl) { return ttl > 0x7fffffffU ? 0 : ttl; }

std::string escaped(std::uint8_t octet) {
    if ((octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' ||
        octet == '_')
        return {static_cast<char>(octet)};
    if (octet >= 'A' && octet <= 'Z')
        return {static_cast<char>(octet - 'A' + 'a')};
    return {'\\', static_cast<char>('0' + octet / 100), static_cast<char>('0' + octet / 10 % 10),
            static_cast<char>('0' + octet % 10)};
}

// A place in the packet. A read beyond the end, or of something forbidden, spoils the reader for
// good; what it returns from then on means nothing, so callers look at `good` once per record.
class Reader {
  public:
    explicit Reader(std::span<const std::uint8_t> packet) : packet_(packet) {}

    bool good() const { return good_; }
    std::size_t at() const { return at_; }
    bool at_end() const { return at_ == packet_.size(); }
    void spoil() { good_ = false; }

    unsigned u8() {
        const auto octets = take(1);
        return good_ ? octets[0] : 0;
    }
    unsigned u16() {
        const unsigned high = u8();
        return high << 8U | u8();
    }
    std::uint32_t u32() {
        const std::uint32_t high = u16();
        return high << 16U | u16();
    }
    std::span<const std::uint8_t> take(std::size_t count) {
        if (!good_ || packet_.size() - at_ < count) {
            good_ = false;
            return {};
        }
        at_ += count;
        return packet_.subspan(at_ - count, count);
    }

    // RFC 1035 §4.1.4. A pointer must lie before everything read for this name so far: each one
    // goes further back, so that no chain of them can be a loop. Nor can a chain be long.
    std::string name() {
        std::string text;
        std::size_t octets = 0, jumps = 0, lowest = at_, resume = 0;
        for (;;) {
            const unsigned length = u8();
            if (!good_)
                return {};
            if (length == 0)
                break;
            if (length >= 0xc0U) {
                const std::size_t target = (length & 0x3fU) << 8U | u8();
                if (!good_ || target < header_octets || target >= lowest || ++jumps > most_jumps) {
                    good_ = false;
                    return {};
                }
                if (resume == 0)
                    resume = at_;
                at_ = lowest = target;
                continue;
            }
            octets += length + 1;
            if (length > 63 || octets + 1 > most_name_octets) { // 0x40 and 0x80 were never used
                good_ = false;
                return {};
            }
            if (!text.empty())
                text += '.';
            for (const std::uint8_t octet : take(length))
                text += escaped(octet);
        }
        if (resume != 0)
            at_ = resume;
        return text;
    }

  private:
    std::span<const std::uint8_t> packet_;
    std::size_t at_ = 0;
    bool good_ = true;
};

std::string address_text(int family, std::span<const std::uint8_t> octets) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, octets.data(), text.data(), static_cast<socklen_t>(text.size()));
    return text.data();
}

// RFC 1035 §3.3.14: one or more strings, which fill the RDATA; RFC 8461 §3.1 joins them.
std::optional<std::string> joined_strings(std::span<const std::uint8_t> rdata) {
    std::string text;
    std::size_t at = 0;
    while (at < rdata.size()) {
        const std::size_t length = rdata[at++];
        if (rdata.size() - at < length)
            return std::nullopt;
        text.append(rdata.begin() + static_cast<std::ptrdiff_t>(at),
                    rdata.begin() + static_cast<std::ptrdiff_t>(at + length));
        at += length;
    }
    return rdata.empty() ? std::nullopt : std::optional(text);
}

struct RecordHead {
    std::string owner;
    unsigned type = 0, rclass = 0;
    std::uint32_t ttl = 0;
    std::size_t length = 0;
};

RecordHead read_head(Reader& in) {
    RecordHead head;
    head.owner = in.name();
    head.type = in.u16();
    head.rclass = in.u16();
    head.ttl = in.u32();
    head.length = in.u16();
    return head;
}

// The data of a record of a type that surehop uses; none for other types. Broken RDATA spoils the
// packet.
std::optional<decltype(DnsRecord::data)> read_rdata(Reader& in, const RecordHead& head) {
    switch (static_cast<RrType>(head.type)) {
    case RrType::a:
    case RrType::aaaa: {
        const bool v4 = static_cast<RrType>(head.type) == RrType::a;
        const auto octets = in.take(v4 ? 4 : 16);
        return in.good() ? std::optional(
                               DnsRecord::Address{address_text(v4 ? AF_INET : AF_INET6, octets)})
                         : std::nullopt;
    }
    case RrType::cname:
        return DnsRecord::Cname{in.name()};
    case RrType::mx: {
        const auto preference = static_cast<std::uint16_t>(in.u16());
        return MxRecord{preference, in.name()};
    }
    case RrType::txt: {
        auto text = joined_strings(in.take(head.length));
        if (!text)
            in.spoil();
        return DnsRecord::Text{std::move(text).value_or("")};
    }
    case RrType::soa:
    case RrType::tlsa: {
        const auto octets = in.take(head.length);
        return DnsRecord::Raw{Bytes(octets.begin(), octets.end())};
    }
    }
    return std::nullopt;
}

// The record, if it answers a question for `asked`: one of that type, or an alias.
std::optional<DnsRecord> read_record(Reader& in, const RecordHead& head, RrType asked) {
    const std::size_t end = in.at() + head.length;
    const auto type = static_cast<RrType>(head.type);
    std::optional<DnsRecord> record;
    if (head.rclass == class_in && (type == asked || type == RrType::cname)) {
        if (auto data = read_rdata(in, head))
            record = DnsRecord{head.owner, usable_ttl(head.ttl), std::move(*data)};
    } else {
        in.take(head.length);
    }
    if (in.at() != end)
        in.spoil();
    return record;
}

struct Authority {
    bool name_servers = false;
    std::optional<std::uint32_t> denial_ttl; // RFC 2308 §5: the smaller of TTL and MINIMUM
};

void read_authority(Reader& in, Authority& authority) {
    const RecordHead head = read_head(in);
    const std::size_t end = in.at() + head.length;
    if (head.rclass == class_in && head.type == type_ns)
        authority.name_servers = true;
    if (head.rclass == class_in && static_cast<RrType>(head.type) == RrType::soa) {
        in.name();
        in.name();
        in.take(16); // serial, refresh, retry, expire
        const std::uint32_t minimum = in.u32();
        const std::uint32_t ttl = std::min(usable_ttl(head.ttl), usable_ttl(minimum));
        authority.denial_ttl = std::min(authority.denial_ttl.value_or(ttl), ttl);
    } else {
        in.take(head.length);
    }
    if (in.at() != end)
        in.spoil();
}

// RFC 6891 §6.1.3: the upper eight bits of the rcode; BADVERS (16) looks like NOERROR without them.
void read_additional(Reader& in, unsigned& rcode, bool& edns_seen) {
    const RecordHead head = read_head(in);
    in.take(head.length);
    if (head.type != type_opt)
        return;
    if (edns_seen || !head.owner.empty()) // §6.1.1
        in.spoil();
    edns_seen = true;
    rcode |= head.ttl >> 24U << 4U;
}

DnsAnswer malformed() {
    DnsAnswer answer;
    answer.status = DnsStatus::malformed;
    return answer;
}

} // namespace

DnsAnswer read_dns_answer(std::span<const std::uint8_t> packet, const Question& question) {
    Reader in(packet);
    in.u16(); // the id: matched by whoever sent the question
    const unsigned flags = in.u16();
    const unsigned questions = in.u16(), answers = in.u16(), authorities = in.u16(),
                   additionals = in.u16();
    const bool response = (flags & 0x8000U) != 0, truncated = (flags & 0x0200U) != 0;
    const unsigned opcode = flags >> 11U & 0x0fU;
    unsigned rcode = flags & 0x0fU;
    if (!in.good() || !response || opcode != 0 || truncated || questions != 1 ||
        std::max({answers, authorities, additionals}) > most_records)
        return malformed();

    const std::string name = in.name();
    const unsigned type = in.u16(), qclass = in.u16();
    if (!in.good() || name != lower(question.name) ||
        type != static_cast<unsigned>(question.type) || qclass != class_in)
        return malformed();

    DnsAnswer answer;
    answer.authentic = (flags & 0x0020U) != 0;
    bool asked_type = false;
    std::uint32_t ttl = std::numeric_limits<std::uint32_t>::max();
    for (unsigned i = 0; i < answers && in.good(); ++i) {
        const RecordHead head = read_head(in);
        if (auto record = read_record(in, head, question.type)) {
            asked_type = asked_type || head.type == static_cast<unsigned>(question.type);
            ttl = std::min(ttl, record->ttl);
            answer.records.push_back(std::move(*record));
        }
    }
    Authority authority;
    for (unsigned i = 0; i < authorities && in.good(); ++i)
        read_authority(in, authority);
    bool edns_seen = false;
    for (unsigned i = 0; i < additionals && in.good(); ++i)
        read_additional(in, rcode, edns_seen);
    if (!in.good() || !in.at_end())
        return malformed();

    constexpr unsigned no_error = 0, servfail = 2, nx_domain = 3;
    // RFC 2308 §2.2: name servers and no SOA send us elsewhere, and deny nothing.
    const bool referral = !asked_type && authority.name_servers && !authority.denial_ttl;
    // Something is there, and none of it is what was asked for: neither a record nor a denial.
    const bool beside_the_point = answers > 0 && answer.records.empty();
    if (rcode == servfail)
        answer.status = DnsStatus::servfail;
    else if ((rcode == nx_domain && asked_type) || (rcode == no_error && beside_the_point))
        return malformed();
    else if (rcode == nx_domain)
        answer.status = DnsStatus::no_name; // perhaps of an alias' target: RFC 2308 §2.1
    else if (rcode != no_error || referral)
        answer.status = DnsStatus::refused;
    else
        answer.status = answer.records.empty() ? DnsStatus::no_data : DnsStatus::answer;

    // RFC 2308 §5: a denial without SOA is not to be cached.
    if (!asked_type)
        ttl = std::min(ttl, authority.denial_ttl.value_or(0));
    answer.ttl = ttl;
    return answer;
}

} // namespace surehop
