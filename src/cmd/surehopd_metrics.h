// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/engine.h"
#include "socketmap/deferrals.h"

#include <string>

// All that surehopd tells Prometheus: what was counted on the way, and how things are now.

namespace surehop {

// From the loop. surehopd(8) lists the names.
std::string metrics_page(Engine& engine, const LockCounts& lock, Time started);

} // namespace surehop
