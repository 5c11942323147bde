// SPDX-License-Identifier: Apache-2.0
#include "dane/tlsa.h"

#include "fuzz/require.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

using namespace surehop;
using fuzz::require;
using namespace surehop::dane;

namespace {

void require_same_when_printed(const Tlsa& record) {
    const auto again = parse_text(print(record));
    require(again && *again == record, "what is printed is read as the same record");
}

// An octet of length and as many of RDATA, again and again; the rest is one long record.
std::vector<Tlsa> records_in(std::span<const std::uint8_t> input) {
    std::vector<Tlsa> records;
    while (!input.empty()) {
        const std::size_t length = input[0] == 0 ? input.size() - 1 : input[0];
        input = input.subspan(1);
        const auto rdata = input.first(std::min(length, input.size()));
        auto record = parse_rdata(rdata);
        require(static_cast<bool>(record) == (rdata.size() >= 4), "three octets, and data");
        if (record) {
            Bytes octets = {record->usage, record->selector, record->matching};
            octets.insert(octets.end(), record->data.begin(), record->data.end());
            require(std::ranges::equal(octets, rdata), "nothing is lost of the RDATA");
            records.push_back(*std::move(record));
        }
        input = input.subspan(rdata.size());
    }
    return records;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (const auto record = parse_text(fuzz::text_of(data, size)))
        require_same_when_printed(*record);
    else
        fuzz::require_error(record.error());

    const auto records = records_in(std::span(data, size));
    for (const Tlsa& record : records)
        require_same_when_printed(record);
    const auto left = usable(records);
    require(usable(left) == left, "what is usable stays usable");
    require(left.empty() ==
                std::all_of(records.begin(), records.end(),
                            [](const Tlsa& r) { return unusable_because(r).has_value(); }),
            "nothing is left only where nothing is usable");
    const auto turned = usable(std::vector<Tlsa>(records.rbegin(), records.rend()));
    require(std::equal(left.rbegin(), left.rend(), turned.begin(), turned.end()),
            "the order of records changes nothing");
    for (const Tlsa& record : left) {
        require(record.usage == 2 || record.usage == 3, "RFC 7672 §3.1.3: DANE-TA or DANE-EE");
        require(!unusable_because(record), "only usable records are left");
        require(std::find(records.begin(), records.end(), record) != records.end(),
                "only published records are left");
        for (const Tlsa& other : left)
            require(record.usage != other.usage || record.selector != other.selector ||
                        record.matching == other.matching || record.matching == 0 ||
                        other.matching == 0,
                    "one digest for each usage and selector");
    }
    return 0;
}
