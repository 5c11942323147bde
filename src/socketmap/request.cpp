// SPDX-License-Identifier: Apache-2.0
#include "socketmap/request.h"

#include "base/text.h"

#include <fmt/format.h>

#include <utility>

namespace surehop {

namespace {

// Sendmail's socket map sends its own name, which FEATURE(`sts') sets.
std::optional<Lock> consumer_of(std::string_view map) {
    return map == "sts" ? Lock::sendmail : lock_of(map);
}

} // namespace

std::variant<LockQuestion, std::string> read_request(std::string_view request) {
    const auto space = request.find(' ');
    const std::string_view map = request.substr(0, space);
    const auto consumer = consumer_of(map);
    // Sendmail takes an answer that it does not know, such as PERM, for none, and sends in clear.
    if (space == std::string_view::npos || !consumer || *consumer == Lock::none)
        return fmt::format("TEMP no map '{}' here; use postfix, postfix310 or sts",
                           printable(map, 40));
    const std::string_view key = request.substr(space + 1);
    if (key.starts_with('.'))
        return "NOTFOUND ";
    auto next_hop = NextHop::parse(key);
    if (!next_hop) // never "not found": the MTA would send without a policy
        return fmt::format("TEMP {}", printable(next_hop.error()));
    return LockQuestion{*std::move(next_hop), *consumer};
}

} // namespace surehop
