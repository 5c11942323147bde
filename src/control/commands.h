// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "allow/exception_text.h"
#include "control/protocol.h"
#include "gate/gate.h"
#include "gate/site.h"
#include "resolve/loop.h"
#include "store/allowlist.h"
#include "store/facts_store.h"
#include "store/ledger.h"
#include "store/promises.h"

#include <functional>
#include <string>

// What the CLI can ask of the daemon, one function per request. Runs on the loop. The same code
// answers `surehop --offline`, where no daemon runs.
//
// What only the running program knows (its settings, its sockets, how to reload) is handed in.

namespace surehop {

struct CommandParts {
    const Gate& gate;
    FactsStore& facts;
    Allowlist& allowlist;
    Ledger& ledger;
    Promises& promises;
    const Clock& clock;
    std::function<SitePtr()> site;
    std::function<asio::awaitable<Json>()> doctor; // {"checks": [...]}
    std::function<Json()> status;
    std::function<Json(const Peer&)> reload; // a whole reply: control_result or control_error
    std::function<AllowTerms()> allow = [] { return AllowTerms{}; };
};

class Commands {
  public:
    explicit Commands(CommandParts parts) : parts_(std::move(parts)) {}

    // A reply as in control/protocol.h. A request that changes something from a peer who may not is
    // refused; an unknown one is an error. Never throws.
    asio::awaitable<Json> answer(Json request, Peer peer);

  private:
    asio::awaitable<Json> explain(const Json& request);
    asio::awaitable<Json> facts_show(const Json& request, bool refresh);
    Json facts_list();
    Json facts_forget(const Json& request);
    Json promise_list();
    Json promise_release(const Json& request, const Peer& peer);
    Json trace(const Json& request);

    CommandParts parts_;
};

} // namespace surehop
