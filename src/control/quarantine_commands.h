// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/commands.h"
#include "resolve/loop.h"

#include <string>

// What `surehop quarantine` asks of the daemon about messages that the MTA holds. The CLI talks to
// the MTA; here they are judged, by today's rules and facts, and every step is recorded. A message
// is one of ours where the ledger says that it was held under its queue id about when it arrived.
//
// A message: {"queue_id", "arrival": time, "sender", "recipients": [addresses]}; to be judged also
// "size" and "header": ["Name: value", ...], and what else of the members of `explain` is known
// ("user", "client", "header_all"). What is not told counts as it is stricter.
//
//   quarantine list     {"messages": [...]}         which are ours, why, and where they would go
//   quarantine judge    {"message"}                 each recipient, as `explain` would judge it
//   quarantine release  {"message", "step": "recheck" | "release", "reason"}
//                       if all pass: promises and rows are on disk when it answers; else the rows
//                       that say why not (of a recheck only where something else is found than
//                       last)
//   quarantine discard  {"message", "reason"}       the rows are on disk when it answers
//   quarantine failed   {"message", "step", "error"} the MTA did not do what was recorded
//   quarantine settle   {"held": [queue ids], "oldest": time or null}
//                       gives an end to promises on which nothing held rests any more
//
// Each answers with a whole reply, as in control/protocol.h.

namespace surehop {

asio::awaitable<Json> answer_quarantine(const std::string& what, const Json& request,
                                        const Peer& peer, const CommandParts& parts);

} // namespace surehop
