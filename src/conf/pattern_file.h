// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "rules/address_pattern.h"

#include <string>
#include <string_view>
#include <vector>

// A list of addresses in a file of its own, such as the partners of a house: one pattern a line
// (see rules/address_pattern.h); empty lines count for nothing, nor does what follows a # at the
// begin of a line or after a blank. Read when the configuration is.

namespace surehop {

constexpr std::string_view list_file_scheme = "file:"; // "file:/etc/surehop/partners"

using PatternParser = Result<AddressPattern> (*)(std::string_view text);

// The error names file and line.
Result<std::vector<AddressPattern>> read_patterns(const std::string& path, PatternParser parse);

} // namespace surehop
