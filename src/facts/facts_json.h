// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "facts/facts.h"

// Facts as JSON for people and programs: what matters, under the names of the JSON contract.

namespace surehop {

// {"mx": {...}, "mta_sts": {...}}. A next hop without MX look-up has "mx": null and its "hosts"
// beside it. Fields that do not apply are left out; `secure` is null where it cannot be known.
Json to_json(const Facts& facts);

} // namespace surehop
