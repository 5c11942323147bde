// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "mtasts/record.h"

#include "fuzz/require.h"

#include <string>
#include <vector>

using namespace surehop;
using fuzz::require;
using mtasts::parse_records;
using mtasts::Record;
using mtasts::RecordFault;

// Each line is a TXT record.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string> texts;
    for (const std::string_view text : split(fuzz::text_of(data, size), '\n'))
        texts.emplace_back(text);
    const auto result = parse_records(texts);

    auto more = texts;
    more.emplace_back("v=spf1 -all");
    require(parse_records(more) == result, "an unrelated record changes nothing");
    more.assign(texts.rbegin(), texts.rend());
    require(parse_records(more) == result, "the order of records changes nothing");
    more.emplace_back("v=STSv1; id=a;");
    require(parse_records(more) == (result == decltype(result)(RecordFault::none)
                                        ? decltype(result)(Record{"a"})
                                        : decltype(result)(RecordFault::multiple)),
            "one record more is one too many");

    if (const auto* record = std::get_if<Record>(&result)) {
        require(!record->id.empty() && record->id.size() <= 32, "an id of 1 to 32 characters");
        require(record->id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"
                                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos,
                "letters and digits");
        const std::vector<std::string> printed = {"v=STSv1; id=" + record->id + ";"};
        require(parse_records(printed) == result, "what is printed is read as the same record");
    }
    return 0;
}
