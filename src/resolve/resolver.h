// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "base/time.h"
#include "facts/facts.h"
#include "resolve/book.h"
#include "resolve/dns.h"
#include "resolve/https.h"
#include "resolve/inquiry.h"
#include "resolve/loop.h"

#include <condition_variable>
#include <cstdint>
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

// A fifth of `in_flight` is kept for those who are not clients: the lock, admins, the refresher.
struct ResolverLimits {
    std::size_t in_flight = 1000; // next hops being learnt at once
    std::size_t in_flight_per_client = 32;
    std::size_t waiting = 16; // threads that wait, in total
    std::size_t waiting_per_client = 4;
    Lifetimes lifetimes;
};

// Why a next hop is looked up. Where a look-up is under way already, it goes on as it was begun.
enum class Ask : std::uint8_t {
    needed, // somebody waits for what is not known, or not any more
    ahead,  // in the background: a look-up that fails leaves in place what still holds
    policy, // as `ahead`, but the MTA-STS policy is fetched though its id has not changed, and what
            // comes of that counts even where the rest failed
    all,    // by an admin: as `needed`, and the MTA-STS policy is fetched though its id has not
            // changed
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

    // On the loop.
    asio::awaitable<Learnt> learn(NextHop next_hop, Millis most, Ask ask = Ask::needed);

    std::size_t in_flight() const; // from any thread

    // Called on the loop with what was known before (or null); set before the first look-up. First
    // with what each look-up found; then with what is known from now on, which is not the same
    // where a look-up ahead of time failed and what holds was kept.
    using Told = std::function<void(const NextHop&, const FactsPtr& before, const Facts& after)>;
    void when_found(Told told) { found_ = std::move(told); }
    void when_learnt(Told told) { told_ = std::move(told); }

    // Whether everything fails at present. Set before the first look-up.
    void ask_outage(std::function<bool()> active) { outage_ = std::move(active); }

  private:
    struct Flight;
    // Null: refused. `client`: who asks for it, "" for the house.
    std::shared_ptr<Flight> join(const NextHop& next_hop, Ask ask, const std::string& client);
    bool may_fly(const std::string& client) const; // under mutex_
    bool take_place(const std::string& client);
    void leave_place(const std::string& client);
    static Learnt wait_for(Flight& flight, Millis most, const std::function<void()>& progress);
    asio::awaitable<void> learn_into_book(NextHop next_hop, FactsPtr known, Ask ask);
    asio::awaitable<void> fly(NextHop next_hop, std::shared_ptr<Flight> flight, Ask ask);

    asio::io_context& loop_;
    Dns& dns_;
    Https& https_;
    FactsBook& book_;
    const Clock& clock_;
    std::function<Validation()> validation_;
    ResolverLimits limits_;
    Told found_, told_;
    std::function<bool()> outage_ = [] { return false; };
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Flight>, std::less<>> flights_;
    std::map<std::string, std::size_t> flights_by_client_;
    std::size_t waiting_ = 0;
    std::map<std::string, std::size_t> waiting_by_client_;
};

} // namespace surehop
