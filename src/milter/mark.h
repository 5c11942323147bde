// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

// What is said of a message that is held or tagged. Pure.

namespace surehop {

// Why: of the first recipient that asked for it; and all who did.
struct Mark {
    std::string outcome;
    std::string rule;
    std::string reference;
    std::vector<std::string> recipients;
};

// Goes with the message, as a header field, and never names recipients: they may be blind copies.
std::string header_text(const Mark& mark, bool held);

// The MTA's reason for holding it: only the postmaster sees this text.
std::string hold_text(const Mark& mark);

} // namespace surehop
