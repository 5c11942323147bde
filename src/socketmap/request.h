// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "binding/tls_policy.h"

#include <string>
#include <string_view>
#include <variant>

// What a socketmap request asks, once the netstring around it is gone: "MAP KEY", MAP one of the
// names of Lock ("sts", too, means sendmail), KEY a next hop as the MTA writes it. Pure.

namespace surehop {

struct LockQuestion {
    NextHop next_hop;
    Lock consumer; // never Lock::none
};

// The question, or the answer where none can be read: "NOTFOUND " for a parent key
// (".example.org"), since a policy belongs to one next hop, and "TEMP ..." for a map that is not
// here and for a key that is no next hop.
std::variant<LockQuestion, std::string> read_request(std::string_view request);

} // namespace surehop
