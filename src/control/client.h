// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

#include <string>

// The CLI's end of the control socket. Blocks, with a limit. The error tells apart a daemon that
// does not run, a socket that may not be opened, and a refusal, each with its remedy.

namespace surehop {

Result<Json> ask_daemon(const std::string& socket_path, const Json& request, Seconds most);

// Whether somebody serves this socket.
bool daemon_runs(const std::string& socket_path);

} // namespace surehop
