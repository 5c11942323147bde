// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "base/time.h"
#include "facts/facts.h"
#include "resolve/book.h"
#include "resolve/dns.h"
#include "resolve/https.h"
#include "resolve/loop.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

// Learns the facts of a next hop once, however many ask at the same time (single flight), and
// writes them into the book even when everybody who asked has given up: late answers serve the next
// try. Where the book cannot be read nothing is looked up nor written: the next hop stays unknown.

namespace surehop {

struct ResolverLimits {
    std::size_t in_flight = 1000; // next hops being learnt at once
    std::size_t waiting = 16;     // threads that wait, in total
    std::size_t waiting_per_client = 4;
};

enum class Learnt {
    done,    // the book has fresh facts
    running, // no time left; the look-up goes on
    refused, // too many are waiting or under way
};
// Why there are still no fresh facts after it.
constexpr Reason reason_of(Learnt learnt) {
    switch (learnt) {
    case Learnt::running:
        return Reason::look_up_running;
    case Learnt::refused:
        return Reason::look_up_refused;
    case Learnt::done:
        break;
    }
    return Reason::internal;
}

class Resolver {
  public:
    Resolver(asio::io_context& loop, Dns& dns, Https& https, FactsBook& book, const Clock& clock,
             std::function<Validation()> validation, ResolverLimits limits = {});
    ~Resolver();

    // From a thread that may block (never the loop's). `progress` is called about once a second.
    Learnt wait(const NextHop& next_hop, Millis most, const std::string& client,
                const std::function<void()>& progress);

    // On the loop. `fetch_again`: the MTA-STS policy too, even if its id has not changed.
    asio::awaitable<Learnt> learn(NextHop next_hop, Millis most, bool fetch_again = false);

    std::size_t in_flight() const; // from any thread

    // Called on the loop with what was known before (or null) and what was learnt. Set before the
    // first look-up.
    using Told = std::function<void(const NextHop&, const FactsPtr& before, const Facts& after)>;
    void when_learnt(Told told) { told_ = std::move(told); }

  private:
    struct Flight;
    std::shared_ptr<Flight> join(const NextHop& next_hop, bool fetch_again); // null: refused
    bool take_place(const std::string& client);
    void leave_place(const std::string& client);
    static Learnt wait_for(Flight& flight, Millis most, const std::function<void()>& progress);
    asio::awaitable<void> learn_into_book(NextHop next_hop, FactsPtr known, bool fetch_again);
    asio::awaitable<void> fly(NextHop next_hop, std::shared_ptr<Flight> flight, bool fetch_again);

    asio::io_context& loop_;
    Dns& dns_;
    Https& https_;
    FactsBook& book_;
    const Clock& clock_;
    std::function<Validation()> validation_;
    ResolverLimits limits_;
    Told told_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Flight>, std::less<>> flights_;
    std::size_t waiting_ = 0;
    std::map<std::string, std::size_t> waiting_by_client_;
};

} // namespace surehop
