// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/gate.h"
#include "gate/site.h"
#include "metrics/measures.h"
#include "resolve/loop.h"
#include "socketmap/deferrals.h"
#include "socketmap/listener.h"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

// The lock on the wire: Postfix's socketmap protocol (socketmap_table(5)). A request is the
// netstring "MAP KEY", MAP one of the names of Lock, KEY a next hop as the MTA writes it; the
// answer is "OK POLICY", "NOTFOUND " or "TEMP WHY". Never "OK" without a policy. Parent keys
// (".example.org") are not found: a policy belongs to one next hop. Answers in time, however slow
// the DNS is, and in the order of the questions.

namespace surehop {

struct SocketmapLimits {
    Millis wait{8'000};          // for the facts of a next hop; then TEMP
    Millis sendmail_wait{4'000}; // Sendmail has less patience
    Millis silence{300'000};     // of a peer, then it is hung up on
};

class SocketmapServer {
  public:
    SocketmapServer(const Gate& gate, const Clock& clock, std::function<SitePtr()> site,
                    Deferrals& deferrals, Measures& measures, SocketmapLimits limits = {});

    // Serves one connection until the peer leaves, sends garbage or is silent for long.
    asio::awaitable<void> serve(StreamSocket connection);

    // One request to one answer, without the netstrings.
    asio::awaitable<std::string> answer(std::string request);

  private:
    using SteadyTime = std::chrono::steady_clock::time_point;

    // A question that can only be answered when its next hop has been learnt.
    struct Asked {
        Asked(NextHop hop, Lock who, NextHop miss)
            : next_hop(std::move(hop)), consumer(who), unknown(std::move(miss)) {}
        NextHop next_hop;
        Lock consumer;
        NextHop unknown;
    };
    std::variant<std::string, Asked> at_once(std::string_view request) const;
    asio::awaitable<std::string> later(Asked asked, SteadyTime arrived);
    std::string answered(const NextHop& next_hop, const LockAnswer& answer, const Site& site) const;

    const Gate& gate_;
    const Clock& clock_;
    std::function<SitePtr()> site_;
    Deferrals& deferrals_;
    Measures& measures_;
    SocketmapLimits limits_;
};

} // namespace surehop
