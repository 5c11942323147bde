// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/decision.h"
#include "gate/site.h"
#include "resolve/resolver.h"
#include "store/allowlist.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

// The spine. Milter, socketmap and explain all do the same three steps:
//
//   judge_known(...)            → a decision, or a Miss that names what must be learnt
//   resolver().wait / learn     → learns it, or gives up at a deadline
//   judge_known(...) again, or judge_unlearnt(...) when there was no time
//
// judge_known never waits for the network: memory, else one prepared SQLite read. From any thread.

namespace surehop {

struct Miss {
    NextHop next_hop;
};

class Gate {
  public:
    Gate(FactsBook& book, Resolver& resolver, const Allowlist& allowlist);

    std::variant<Decision, Miss> judge_known(const Context& context, const Site& site,
                                             Time now) const;
    // For a recipient whose facts could not be had: `reason` is look_up_running, look_up_refused or
    // internal. Unknown, never low.
    Decision judge_unlearnt(const Context& context, const Site& site, Reason reason,
                            Time now) const;

    std::variant<LockAnswer, Miss> bind_known(const NextHop& next_hop, const Site& site,
                                              Time now) const;
    LockAnswer bind_unlearnt(const NextHop& next_hop, const Site& site, Reason reason,
                             Time now) const;

    Resolver& resolver() const { return resolver_; }

  private:
    std::variant<Decision, Miss> judge(const Context& context, const Site& site, Time now,
                                       std::optional<Reason> unlearnt) const;

    FactsBook& book_;
    Resolver& resolver_;
    const Allowlist& allowlist_;
};

// A short name for a decision, unique in this store: letters and digits that can be read aloud.
class References {
  public:
    explicit References(Time started);
    std::string next(); // from any thread
  private:
    std::atomic<std::uint64_t> counter_;
};

} // namespace surehop
