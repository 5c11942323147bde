// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "base/time.h"
#include "facts/facts.h"
#include "resolve/resolver.h"
#include "store/facts_store.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

// Keeps facts fresh, so that nobody waits for them:
//
//   - of a next hop in recent use, they are looked up again shortly before they run out. A domain
//     that somebody invents is used once; where mail goes, the lock asks too,
//   - an MTA-STS policy that binds is fetched again every day (RFC 8461 §3.3, §10.2), though nobody
//     writes there,
//   - what nobody has used for long, and in which nothing binds, is dropped from the store.
//
// A look-up ahead of time that fails leaves in place what still holds (Ask::ahead). Each next hop
// has moments of its own, so that what was learnt together is not all looked up together; few are
// looked up at once, those most in use first, and who waits at RCPT has a place all the same.
// Everything on the loop.

namespace surehop {

struct RefresherSettings {
    Seconds keep_fresh{3600};                   // after the last use; 0: nothing ahead of time
    Seconds keep_unused{std::chrono::days{30}}; // after the last use
};

class Refresher {
  public:
    Refresher(Resolver& resolver, FactsStore& facts, const Clock& clock,
              RefresherSettings settings);

    // For whoever hears what is learnt (Resolver::when_learnt).
    void learnt(const NextHop& next_hop, const Facts* before, const Facts& after);

    // Looks up what is due now, but no more than a few dozen; ends when all have an answer.
    asio::awaitable<void> step();

    // Fetches the policies that are due, and drops what is unused unless `clock_in_doubt`.
    asio::awaitable<void> sweep(bool clock_in_doubt);

    // step() every second and sweep() every ten minutes, for as long as the loop runs.
    asio::awaitable<void> run(asio::io_context& loop, std::function<bool()> clock_in_doubt);

    std::optional<Time> next_due() const; // when step() next has something to do
    std::size_t scheduled() const { return schedule_.size(); }

  private:
    struct Due {
        NextHop next_hop;
        unsigned short_lives; // one after the other
    };
    struct Ready {
        NextHop next_hop;
        unsigned short_lives;
        FactsPtr facts;
        std::uint32_t uses;
    };
    void schedule(Time at, const NextHop& next_hop, unsigned short_lives);
    void take_due(Time now);
    asio::awaitable<void> refresh(Ready& next);
    asio::awaitable<void> run_sweeps(asio::io_context& loop, std::function<bool()> clock_in_doubt);

    Resolver& resolver_;
    FactsStore& facts_;
    const Clock& clock_;
    const RefresherSettings settings_;
    std::multimap<Time, Due> schedule_;
    std::vector<Ready> ready_;                            // due, and not yet begun
    std::unordered_map<std::string, unsigned> under_way_; // key: short lives before this one
};

} // namespace surehop
