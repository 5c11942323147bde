// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

// Whether an address lies on the public internet, and ranges that configuration exempts. A policy
// host is whoever a stranger's DNS says it is: without this guard a look-up could be aimed at our
// own network (server-side request forgery). Addresses and ranges as text; what cannot be read is
// never public and within no range.

namespace surehop {

// Not in a special-purpose range (RFC 6890 §2.2 and the IANA registries), nor multicast or
// reserved. Forms that carry an IPv4 address (mapped ::ffff:0:0/96, NAT64 64:ff9b::/96, 6to4
// 2002::/16) are as public as that address.
bool is_public_address(std::string_view address);

// Ranges: "10.0.0.0/8", "2001:db8::/32", or one address. A mapped address is within IPv4 ranges.
bool is_within(std::string_view address, const std::vector<std::string>& ranges);

// An error names the range that cannot be read.
Status check_ranges(const std::vector<std::string>& ranges);

} // namespace surehop
