// SPDX-License-Identifier: Apache-2.0
// A DNS answer from anywhere. First octet: which type was asked for; the rest: the packet.
#include "resolve/dns_packet.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace {

using namespace surehop;

void demand(bool condition) {
    if (!condition)
        std::abort();
}

bool is_clean(const std::string& name) {
    return name.size() <= 4 * 255 && std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                      c == '.' || c == '\\';
           });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array types{RrType::a,   RrType::cname, RrType::soa, RrType::mx,
                               RrType::txt, RrType::aaaa,  RrType::tlsa};
    if (size == 0)
        return 0;
    const Question question("example.org", types[data[0] % types.size()]);
    const DnsAnswer answer = read_dns_answer({data + 1, size - 1}, question);
    if (answer.status == DnsStatus::malformed)
        demand(answer.records.empty() && !answer.authentic && answer.ttl == 0);
    demand((answer.status != DnsStatus::answer) || !answer.records.empty());
    demand((answer.status != DnsStatus::no_data) || answer.records.empty());
    demand(answer.records.size() <= 500);
    demand(answer.ttl <= 0x7fffffffU);
    for (const DnsRecord& record : answer.records) {
        demand(is_clean(record.owner) && record.ttl <= 0x7fffffffU);
        if (const auto* alias = std::get_if<DnsRecord::Cname>(&record.data))
            demand(is_clean(alias->target));
        if (const auto* mx = std::get_if<MxRecord>(&record.data))
            demand(is_clean(mx->exchange));
        if (const auto* address = std::get_if<DnsRecord::Address>(&record.data))
            demand(!address->text.empty());
    }
    return 0;
}
