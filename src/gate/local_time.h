// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "rules/context.h"

namespace surehop {

// By the time zone of this machine (TZ, else /etc/localtime). None if it cannot be told.
std::optional<LocalTime> local_time(Time now);

} // namespace surehop
