// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/engine.h"
#include "control/commands.h"

namespace surehop {

// What the commands need of an engine, which outlives them. Status and reload are those of a
// process that is no daemon; the daemon has its own.
CommandParts command_parts(Engine& engine);

} // namespace surehop
