// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/commands.h"

#include <string>
#include <vector>

// What somebody who adds an exception should know of it: that it is not needed, what it opens at
// the lock beyond its recipient, and what still stands in its way. Mail that the gate lets pass
// must not wait at the lock without anybody knowing.

namespace surehop {

// In sentences. Says nothing of what is not known; looks nothing up.
std::vector<std::string> notes_on(const Exception& exception, const CommandParts& parts);

} // namespace surehop
