// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/decision.h"
#include "gate/references.h"
#include "gate/route.h"
#include "gate/site.h"
#include "resolve/outage.h"
#include "resolve/resolver.h"
#include "store/allowlist.h"
#include "store/promises.h"

#include <optional>
#include <variant>
#include <vector>

// The spine. Milter, socketmap and explain all do the same three steps:
//
//   judge_known(...)            → a decision, or a Miss that names what must be learnt
//   resolver().wait / learn     → learns each, or gives up at a deadline
//   judge_known(...) again, or judge_unlearnt(...) when there was no time
//
// judge_known never waits for the network: memory, else one prepared SQLite read. From any thread.

namespace surehop {

struct Miss {
    std::vector<NextHop> next_hops; // never empty
};

class Gate {
  public:
    Gate(FactsBook& book, Resolver& resolver, const Allowlist& allowlist, const Promises& promises,
         const Outage& outage);

    std::variant<Decision, Miss> judge_known(const Context& context, const Site& site,
                                             Time now) const;
    // For a recipient whose facts could not be had: `reason` is look_up_running, look_up_refused or
    // internal. Unknown, never low.
    Decision judge_unlearnt(const Context& context, const Site& site, Reason reason,
                            Time now) const;

    // What the MTA that asks is told of this next hop. `consumer`: whose words to use.
    std::variant<LockAnswer, Miss> bind_known(const NextHop& asked, const Site& site, Lock consumer,
                                              Time now) const;
    // Where its facts could not be had in time.
    LockAnswer bind_unlearnt(const NextHop& asked, const Site& site, Reason reason, Time now) const;

    // What the lock demands of this next hop: the floor, or what an exception leaves of it, and
    // never less than a live promise.
    struct Demand {
        Level level = Level::none;
        bool promised = false;       // it is a promise that demands so much
        Level audited = Level::none; // what it would be without audit mode; never below `level`
    };
    Demand demand(const NextHop& next_hop, const Site& site, Time now) const;
    Level demanded(const NextHop& next_hop, const Site& site, Time now) const {
        return demand(next_hop, site, now).level;
    }
    // What the lock answers for these facts.
    LockAnswer bind(const NextHop& next_hop, const Facts& facts, const Site& site, Lock consumer,
                    Time now) const;
    // Over which version of TLS at least: no exception changes that.
    static TlsVersion least_tls(const NextHop& next_hop, const Site& site);

    Resolver& resolver() const { return resolver_; }

    // The same gate over another book. For who asks without mail: such a book notes no use.
    Gate over(FactsBook& book) const { return {book, resolver_, allowlist_, promises_, outage_}; }

  private:
    std::variant<Decision, Miss> judge(const Context& context, const Site& site, Time now,
                                       std::optional<Reason> unlearnt) const;
    // Under one requirement, which `d` has: the weakest leg becomes its. `hidden`: why a next hop
    // cannot be seen, if so.
    std::optional<Miss> judge_one(Decision& d, Reason hidden, const Site& site,
                                  std::optional<Reason> unlearnt) const;
    // Steps 3 and 4 for one of its next hops. None: facts are missing.
    std::optional<Leg> judge_leg(const Decision& d, const NextHop& next_hop, Reason hidden,
                                 const Site& site, std::optional<Reason> unlearnt) const;

    FactsBook& book_;
    Resolver& resolver_;
    const Allowlist& allowlist_;
    const Promises& promises_;
    const Outage& outage_;
};

} // namespace surehop
