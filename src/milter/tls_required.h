// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rules/ruleset.h"

#include <string_view>

// "TLS-Required: No" (RFC 8689 §3): a sender's header field by which Postfix, from 3.10 on, sends
// the whole message without asking the lock, wherever aliases and forwards take it. A milter cannot
// undo that by removing the field: it can only refuse the message (DESIGN invariant 3).

namespace surehop {

// Whether this field is the waiver. Folded values, any case.
bool waives_tls(std::string_view name, std::string_view value);

// Whether any rule in enforce mode, or the last resort, has a minimum: then no sender may waive it,
// whoever the recipients are.
bool forbids_waiver(const RuleSet& rules);

} // namespace surehop
