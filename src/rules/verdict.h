// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "assess/assessment.h"
#include "rules/exception.h"
#include "rules/ruleset.h"

#include <cstdint>
#include <optional>
#include <string_view>

// Requirement and assessment become an outcome with its reason and an action. Pure.

namespace surehop {

enum class OutcomeKind : std::uint8_t { meets, falls_short, unknown, no_mail };
std::string_view name_of(OutcomeKind outcome); // "meets", "falls-short", "unknown", "no-mail"

struct Verdict {
    OutcomeKind outcome = OutcomeKind::unknown;
    Level level = Level::none;     // the strongest level on offer that counts
    Reason reason = Reason::none;  // none when it meets
    Action action = Action::defer; // what is done
    Action would = Action::defer;  // what enforce mode would do
    // What the lock demands of the next hop, where the requirement would have let pass what the
    // lock then holds back; else none.
    Level demanded = Level::none;
};

// `assessment`: only with the offers that the lock can hold. `exception`: one that covers this
// sender and recipient now, or null. `demanded`: what the lock will demand of this next hop whoever
// writes; nothing passes that it would hold back (reason lock_floor), marked or not. It never
// lowers what the requirement asks.
//
// `unknown = "reject"` rejects only what is the destination's doing; our own fault defers.
Verdict decide(const Requirement& requirement, const Exception* exception,
               const Assessment& assessment, Level demanded = Level::none);

// The verdict of a recipient whose facts cannot be had: hidden next hop, overload, internal error.
Verdict decide_without_facts(const Requirement& requirement, OutcomeKind outcome, Reason reason,
                             Level demanded = Level::none);

// While everything fails at once (DESIGN invariant 8), no sender is refused for good because of
// what is unknown.
Verdict during_outage(Verdict verdict);

} // namespace surehop
