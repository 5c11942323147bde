// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/gate.h"
#include "gate/site.h"
#include "resolve/loop.h"
#include "socketmap/listener.h"

#include <functional>
#include <string>
#include <string_view>

// The lock on the wire: Postfix's socketmap protocol (socketmap_table(5)). A request is the
// netstring "MAP KEY", MAP one of the names of Lock, KEY a next hop as the MTA writes it; the
// answer is "OK POLICY", "NOTFOUND " or "TEMP WHY". Never "OK" without a policy. Parent keys
// (".example.org") are not found: a policy belongs to one next hop. Answers within 8 s, however
// slow the DNS is.

namespace surehop {

class SocketmapServer {
  public:
    SocketmapServer(const Gate& gate, const Clock& clock, std::function<SitePtr()> site);

    // Serves one connection until the peer leaves, sends garbage or is silent for long.
    asio::awaitable<void> serve(StreamSocket connection);

    // One request to one answer, without the netstrings.
    asio::awaitable<std::string> answer(std::string request);

  private:
    const Gate& gate_;
    const Clock& clock_;
    std::function<SitePtr()> site_;
};

} // namespace surehop
