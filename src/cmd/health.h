// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <string>
#include <vector>

namespace surehop {

// What is wrong at present, one sentence each, most important first: of what `surehop status`
// shows. Empty: all is well.
std::vector<std::string> troubles(const Json& status);

} // namespace surehop
