// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "facts/facts.h"

#include <string_view>

// Facts as schemas 1 to 6 of the store held them: JSON with short names. Read once, when such a
// store is brought up to date.

namespace surehop {

// Error: not what those surehops wrote, of another version, or damaged.
Result<Facts> from_store_v1(std::string_view text);

} // namespace surehop
