// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "control/commands.h"
#include "gate/decision.h"
#include "resolve/loop.h"

namespace surehop {

// The spine, for an admin who asks: what is not known is looked up, within `most` in all. The
// context outlives the call.
asio::awaitable<Decision> judge_patiently(const Context& context, const CommandParts& parts,
                                          Millis most);

} // namespace surehop
