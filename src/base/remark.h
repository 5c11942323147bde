// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string_view>

// What an admin writes about a change, for whoever reads the ledger later: a reason, an owner, a
// ticket, a name.

namespace surehop {

constexpr std::size_t most_in_reason = 500; // octets
constexpr std::size_t most_in_name = 200;

// Errors, told with `name`: nothing though it is required, too long, not UTF-8, or holds control
// characters, which would let one text pass for another on a terminal or in a log.
Status check_remark(std::string_view name, std::string_view text, std::size_t most, bool required);

} // namespace surehop
