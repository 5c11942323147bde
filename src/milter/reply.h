// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/decision.h"

#include <span>
#include <string>

// The words that the sender's MTA passes on: built in this one place. ASCII, one line of at most 400
// octets (RFC 5321 §4.5.3.1.5 allows 512), the class of the code, of the enhanced code (RFC 3463 §2)
// and of the milter's answer always the same: Postfix fails the whole session on a mismatch.

namespace surehop {

struct Reply {
    int code = 0;         // 250: continue; else 4xx or 5xx
    std::string enhanced; // "5.7.10"
    std::string text;     // says domain, what was required, what was found, what to do, reference

    bool refuses() const { return code >= 400; }
    bool permanent() const { return code >= 500; }
    std::string line() const; // "550 5.7.10 ..."; "" when it does not refuse
};

// The answer at RCPT. A verdict that quarantines or tags continues there.
Reply rcpt_reply(const Decision& decision);

// For a path that cannot be read: 553 5.1.3, or 501 5.1.3.
Reply path_reply(const Path::Failure& failure);

// Local trouble: 451 4.3.0.
Reply trouble_reply(const std::string& reference);

// One answer for a whole message whose recipients could not be refused one by one; names the domains
// that fail. Permanent only if no decision asks to try again.
Reply message_reply(std::span<const Decision> refused);

} // namespace surehop
