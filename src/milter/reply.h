// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/decision.h"

#include <span>
#include <string>
#include <string_view>

// The words that the sender's MTA passes on: built in this one place. ASCII, one line of at most
// 400 octets (RFC 5321 §4.5.3.1.5 allows 512), the class of the code, of the enhanced code (RFC
// 3463 §2) and of the milter's answer always the same: Postfix fails the whole session on a
// mismatch. Never 421, which would end the session for all recipients (RFC 5321 §3.8).
//
// The action decides the class (reject: permanent, defer: temporary), outcome and reason the words.
//
//   falls short           550 5.7.10   451 4.7.5
//   hidden next hop       550 5.7.1    451 4.7.1
//   unknown               550 5.7.10   451 4.7.5; 4.4.3 where DNS failed or is slow (RFC 3463 §3.5)
//   null MX               556 5.1.10   451 4.1.10 (RFC 7505 §4.2)
//   no such domain        550 5.1.2    451 4.1.2
//   path cannot be read   501 5.1.3; invalid IDN 553 5.1.3; of a sender 5.1.7
//   local trouble                      451 4.3.0

namespace surehop {

struct Reply {
    int code = 250;       // 250: continue; else 4xx or 5xx
    std::string enhanced; // "5.7.10"
    std::string text;     // says domain, what was required, what was found, what to do, reference

    bool refuses() const { return code >= 400; }
    bool permanent() const { return code >= 500; }
    std::string line() const; // "550 5.7.10 ..."; "" when it does not refuse
};

// The answer at RCPT. A verdict that quarantines or tags continues there.
Reply rcpt_reply(const Decision& decision);

// For a path that cannot be read.
enum class PathOf { sender, recipient };
Reply path_reply(const Path::Failure& failure, PathOf whose, const std::string& reference);

// Local trouble: nothing is wrong with the message, it cannot be handled now. `what`: a clause,
// such as "its record cannot be written".
Reply trouble_reply(std::string_view what);

// One answer for a whole message whose recipients could not be refused one by one; names the
// domains that fail. Permanent only if no decision asks to try again. `refused` is not empty.
Reply message_reply(std::span<const Decision> refused);

// For a message that carries more forged tag fields than we are ready to remove one by one.
Reply forged_reply(const std::string& header, int count, const std::string& reference);

// For a message that says "TLS-Required: No".
Reply waiver_reply(const std::string& reference);

} // namespace surehop
