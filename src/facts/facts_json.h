// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "facts/facts.h"

#include <string>
#include <string_view>

// Facts as JSON, in two forms: one for people and programs, which says what matters under the names
// of the JSON contract, and one for the store, which holds everything and is read back.

namespace surehop {

// {"mx": {...}, "mta_sts": {...}}. A next hop without MX look-up has "mx": null and its "hosts"
// beside it. Fields that do not apply are left out; `secure` is null where it cannot be known.
Json to_json(const Facts& facts);

// One line with short names and a version.
std::string to_store(const Facts& facts);

// Error: not what to_store writes, of another version, or damaged. Never part of the facts: a
// policy or a TLSA record that got lost must not look like one that never was.
Result<Facts> from_store(std::string_view text);

} // namespace surehop
