// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/commands.h"

#include <string_view>

// What `surehop allow` asks of the daemon. Each answers with a whole reply, as in
// control/protocol.h.
//
// allow import: {"file": name for messages, "format": "csv" | "json", "text": the list,
// "dry_run", "replace"}. A list with problems is a result as well: they are in it, and nothing has
// changed.

namespace surehop {

Json allow_add(const Json& request, const Peer& peer, const CommandParts& parts);
Json allow_import(const Json& request, const Peer& peer, const CommandParts& parts);
Json allow_remove(const Json& request, const Peer& peer, const CommandParts& parts);
Json allow_list(const Json& request, const CommandParts& parts);
Json allow_show(const Json& request, const CommandParts& parts);

} // namespace surehop
