// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "cmd/engine.h"

// `surehop doctor`: can this site do what its configuration asks? Each check is ok, warning or
// failed, with a sentence that names the remedy.

namespace surehop {

// {"checks": [{"name", "state": "ok|warning|failed", "text"}], "healthy": bool}
asio::awaitable<Json> examine(Engine& engine);

} // namespace surehop
