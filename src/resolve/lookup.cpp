// SPDX-License-Identifier: Apache-2.0
#include "resolve/lookup.h"

#include <algorithm>

namespace surehop {

namespace {

constexpr int longest_alias_chain = 8;

Reason why_unknown(DnsStatus status) {
    switch (status) {
    case DnsStatus::timeout:
        return Reason::dns_timeout;
    case DnsStatus::unreachable:
        return Reason::dns_unreachable;
    case DnsStatus::servfail:
        return Reason::dns_servfail;
    case DnsStatus::refused:
        return Reason::dns_refused;
    default:
        return Reason::dns_malformed;
    }
}

bool has_type(const DnsRecord& record, RrType type) {
    switch (type) {
    case RrType::a:
    case RrType::aaaa:
        return std::holds_alternative<DnsRecord::Address>(record.data);
    case RrType::cname:
        return std::holds_alternative<DnsRecord::Cname>(record.data);
    case RrType::mx:
        return std::holds_alternative<MxRecord>(record.data);
    case RrType::txt:
        return std::holds_alternative<DnsRecord::Text>(record.data);
    case RrType::tlsa:
    case RrType::soa:
        return std::holds_alternative<DnsRecord::Raw>(record.data);
    }
    return false;
}

// Follows the CNAMEs of the answer from `name`; false when they never end.
bool follow(const DnsAnswer& answer, Lookup& found) {
    for (int links = 0; links <= longest_alias_chain; ++links) {
        const auto alias =
            std::find_if(answer.records.begin(), answer.records.end(), [&](const DnsRecord& r) {
                return r.owner == found.final_name &&
                       std::holds_alternative<DnsRecord::Cname>(r.data);
            });
        if (alias == answer.records.end())
            return true;
        found.aliased = true;
        found.final_name = std::get<DnsRecord::Cname>(alias->data).target;
    }
    return false;
}

} // namespace

asio::awaitable<Lookup> look_up(Dns& dns, std::string name, RrType type, bool validating) {
    Question question(name, type);
    DnsAnswer answer = co_await dns.ask(std::move(question));
    Lookup found;
    found.final_name = name;
    found.ttl = answer.ttl;
    found.secure = answer.authentic;

    switch (answer.status) {
    case DnsStatus::answer:
    case DnsStatus::no_data:
    case DnsStatus::no_name:
        break;
    default: // RFC 7672 §2.1.1: a failed look-up is an error, never "no record"
        found.standing = {State::unknown, why_unknown(answer.status)};
        found.secure = false;
        if (answer.status == DnsStatus::servfail && validating) {
            Question unchecked(name, type, true);
            const DnsAnswer again = co_await dns.ask(std::move(unchecked));
            if (again.status == DnsStatus::answer || again.status == DnsStatus::no_data ||
                again.status == DnsStatus::no_name)
                found.standing.reason = Reason::dns_bogus;
        }
        co_return found;
    }

    if (type != RrType::cname && !follow(answer, found)) {
        found.standing = {State::unknown, Reason::dns_cname_loop};
        co_return found;
    }
    found.exists = answer.status != DnsStatus::no_name;
    for (DnsRecord& record : answer.records)
        if (record.owner == found.final_name && has_type(record, type))
            found.records.push_back(std::move(record));
    found.standing.state = found.records.empty() ? State::absent : State::present;
    co_return found;
}

} // namespace surehop
