// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

// The MTA-STS TXT record, RFC 8461 §3.1. It lives at _mta-sts.DOMAIN and says only that there is a
// policy and which one: "v=STSv1; id=20260101T000000;". The policy itself comes over HTTPS, because
// this record is unsigned for most domains and anybody on the path can change it.

namespace surehop::mtasts {

struct Record {
    std::string id; // 1 to 32 letters and digits
    bool operator==(const Record&) const = default;
};

enum class RecordFault {
    none,     // no record begins with v=STSv1: the domain does not do MTA-STS
    multiple, // more than one does: no available policy (§3.1)
    syntax,   // one does and breaks the grammar: no available policy (§3.1)
};

// `texts`: each TXT record of the answer, its strings already joined without blanks (§3.1).
std::variant<Record, RecordFault> parse_records(std::span<const std::string> texts);

} // namespace surehop::mtasts
