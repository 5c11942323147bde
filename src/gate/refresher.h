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
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

// Keeps facts fresh, so that nobody waits for them:
//
//   - of a next hop in use (FactsStore::in_use), they are looked up again shortly before they run
//     out, until a while after its last use,
//   - an MTA-STS policy that binds is fetched again every day (RFC 8461 §3.3, §10.2), though nobody
//     writes there,
//   - what nobody has used for long, and in which nothing binds, is dropped from the store.
//
// A look-up ahead of time that fails leaves in place what still holds (Ask::ahead). Each next hop
// has moments of its own, so that what was learnt together is not all looked up together; few are
// looked up at once, those most in use first, those that fail only in a few of the places, and who
// waits at RCPT has a place all the same. Everything on the loop.

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

    // Begins to look up what is due now, as much of it as there are places; each place goes on with
    // the next. Does not wait.
    void begin(asio::io_context& loop);
    bool idle() const { return busy_ == 0; }

    // Fetches the policies that are due; with `drop`, also drops what is unused.
    asio::awaitable<void> sweep(bool drop);

    // begin() every second and sweep() every ten minutes, for as long as the loop runs. `settled`:
    // whether the clock can be trusted with deleting what is old.
    asio::awaitable<void> run(asio::io_context& loop, std::function<bool()> settled);

    std::optional<Time> next_due(); // when begin() next has something to do
    std::size_t scheduled() const { return schedule_.size(); }

  private:
    struct Due {
        std::string key;
        unsigned short_lives; // one after the other
    };
    struct Ready {
        Due due;
        FactsPtr facts;
        std::uint32_t uses;
    };
    struct UnderWay {
        unsigned short_lives;
        bool told; // what it brought was told to learnt()
    };
    void schedule(Time at, const std::string& key, unsigned short_lives);
    void take_new();
    void take_due(Time now);
    std::optional<Ready> next();
    asio::awaitable<void> work();
    asio::awaitable<void> refresh(const Ready& one);
    asio::awaitable<void> run_sweeps(asio::io_context& loop, std::function<bool()> settled);

    Resolver& resolver_;
    FactsStore& facts_;
    const Clock& clock_;
    const RefresherSettings settings_;
    std::multimap<Time, Due> schedule_;
    std::vector<Ready> ready_; // due, and not yet begun; the next one last
    std::unordered_map<std::string, UnderWay> under_way_; // by key
    std::size_t busy_ = 0;                                // places that are taken
    std::size_t busy_with_failing_ = 0;
};

} // namespace surehop
