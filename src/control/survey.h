// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "control/commands.h"
#include "resolve/loop.h"

#include <cstddef>

// What would each minimum, and this configuration, do to mail for these recipients? Asked by
// `surehop survey`, again and again until nothing is pending. Who is only surveyed is not kept
// fresh as one is to whom mail goes.

namespace surehop {

constexpr std::size_t most_surveyed = 500; // in one request

// {"do": "survey", "ask": [["bob@example.org", "alice@example.com"], ["@example.net", null]],
//  "lock": "postfix", "wait_ms": 1000}
//
// Each is a recipient, or a domain, and a sender, if one is known; `lock` instead of the configured
// one; `wait_ms`: so long at most. The answers are in the order of the questions:
//
//   {"answers": [{"recipient": ..., "pending": false, "next_hop": "example.org", "offer": "dane",
//     "minimums": {"encrypted": {"outcome": "meets", "reason": ""}, ...},
//     "verdict": {"rule": "default", "open": [], "outcome": ..., "reason": ..., "would": ...}}]}
//
// `offer` is null where nobody can tell or had to look; `minimums` is null for an internal next
// hop, which is not judged. Exceptions and promises count as they would for mail.
asio::awaitable<Json> survey(const Json& request, const CommandParts& parts);

} // namespace surehop
