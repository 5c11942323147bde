// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/time.h"

// Whether something keeps this machine's clock right. Asked by the admin's program, not by the
// daemon: the service's sandbox denies it every call that has to do with clocks.

namespace surehop {

// One of doctor's checks: {"name": "clock", "state": "ok" | "warning", "text": ...}.
Json clock_check(Time now);

} // namespace surehop
