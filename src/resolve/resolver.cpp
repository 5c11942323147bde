// SPDX-License-Identifier: Apache-2.0
#include "resolve/resolver.h"

#include "base/log.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace surehop {

// One look-up under way, and who waits for it: threads on the condition variable, coroutines on
// timers that belong to the loop.
struct Resolver::Flight {
    explicit Flight(std::string asked_by) : client(std::move(asked_by)) {}
    const std::string client; // "": the house
    std::mutex mutex;
    std::condition_variable landed;
    bool done = false;
    std::vector<std::shared_ptr<asio::steady_timer>> timers; // only touched on the loop
};

Resolver::Resolver(asio::io_context& loop, Dns& dns, Https& https, FactsBook& book,
                   const Clock& clock, std::function<Validation()> validation,
                   ResolverLimits limits)
    : loop_(loop), dns_(dns), https_(https), book_(book), clock_(clock),
      validation_(std::move(validation)), limits_(limits) {}

Resolver::~Resolver() = default;

std::size_t Resolver::in_flight() const {
    const std::lock_guard hold(mutex_);
    return flights_.size();
}

// Whoever invents domains fills his own share, and not that of the others.
bool Resolver::may_fly(const std::string& client) const {
    if (client.empty())
        return flights_.size() < limits_.in_flight;
    const auto own = flights_by_client_.find(client);
    return flights_.size() < limits_.in_flight - limits_.in_flight / 5 &&
           (own == flights_by_client_.end() || own->second < limits_.in_flight_per_client);
}

std::shared_ptr<Resolver::Flight> Resolver::join(const NextHop& next_hop, Ask ask,
                                                 const std::string& client) {
    auto flight = std::make_shared<Flight>(client);
    {
        const std::lock_guard hold(mutex_);
        const std::string key = next_hop.key();
        if (const auto under_way = flights_.find(key); under_way != flights_.end())
            return under_way->second;
        if (!may_fly(client))
            return nullptr;
        flights_.emplace(key, flight);
        if (!client.empty())
            ++flights_by_client_[client];
    }
    // Not under the lock: on the loop it runs at once, and an inquiry that asks nobody (an address)
    // comes to its end before this returns. fly() lets nothing escape.
    asio::co_spawn(loop_, fly(next_hop, flight, ask), asio::detached);
    return flight;
}

asio::awaitable<void> Resolver::learn_into_book(NextHop next_hop, FactsPtr known, Ask ask) {
    for (bool again = false;; again = true) {
        Sources sources{dns_, https_, validation_(), clock_, limits_.lifetimes};
        sources.fetch_again = ask == Ask::all || ask == Ask::policy;
        sources.outage = outage_();
        Facts facts = co_await inquire(next_hop, known, sources);
        // What was learnt while our resolver began or ceased to validate is neither of both worlds:
        // answers that nobody checked, read as if. Once more; a resolver does not do it often.
        if (sources.validation != validation_() && !again)
            continue;
        if (found_)
            found_(next_hop, known, facts);
        // What holds is not given up before its time.
        if ((ask == Ask::ahead || ask == Ask::policy) && known && known->fresh(clock_.now()) &&
            known->complete() && !facts.complete()) {
            if (ask == Ask::ahead)
                co_return;
            StsFacts policy = std::move(facts.sts);
            facts = *known;
            facts.sts = std::move(policy);
        }
        if (told_)
            told_(next_hop, known, facts);
        book_.put(next_hop.key(), std::make_shared<const Facts>(std::move(facts)));
        co_return;
    }
}

asio::awaitable<void> Resolver::fly(NextHop next_hop, std::shared_ptr<Flight> flight, Ask ask) {
    const std::string key = next_hop.key();
    try {
        const auto known = book_.read(key);
        if (known)
            co_await learn_into_book(next_hop, *known, ask);
        else
            log::error("{} stays unknown, since the store cannot be read: {}", key, known.error());
    } catch (const std::exception& error) {
        // Nothing was learnt: whoever waits finds no fresh facts in the book, which is *unknown*.
        log::error("the look-up of {} broke down: {}", key, error.what());
    }
    {
        const std::lock_guard hold(mutex_);
        flights_.erase(key);
        if (const auto own = flights_by_client_.find(flight->client);
            own != flights_by_client_.end() && --own->second == 0)
            flights_by_client_.erase(own);
    }
    {
        const std::lock_guard hold(flight->mutex);
        flight->done = true;
    }
    flight->landed.notify_all();
    for (const auto& timer : flight->timers)
        timer->cancel();
}

Learnt Resolver::wait(const NextHop& next_hop, Millis most, const std::string& client,
                      const std::function<void()>& progress) {
    const std::string who = client.empty() ? "local" : client; // as of sendmail(1)
    const auto flight = join(next_hop, Ask::needed, who);      // goes on whether or not we may wait
    if (!flight)
        return Learnt::refused;
    if (!take_place(who))
        return Learnt::refused;
    const Learnt result = wait_for(*flight, most, progress);
    leave_place(who);
    return result;
}

bool Resolver::take_place(const std::string& client) {
    const std::lock_guard hold(mutex_);
    const auto own = waiting_by_client_.find(client);
    if (waiting_ >= limits_.waiting ||
        (own != waiting_by_client_.end() && own->second >= limits_.waiting_per_client))
        return false;
    ++waiting_;
    ++waiting_by_client_[client];
    return true;
}

void Resolver::leave_place(const std::string& client) {
    const std::lock_guard hold(mutex_);
    --waiting_;
    if (const auto own = waiting_by_client_.find(client); --own->second == 0)
        waiting_by_client_.erase(own);
}

Learnt Resolver::wait_for(Flight& flight, Millis most, const std::function<void()>& progress) {
    const auto deadline = std::chrono::steady_clock::now() + most;
    std::unique_lock lock(flight.mutex);
    while (!flight.done) {
        const auto now = std::chrono::steady_clock::now();
        if (now >= deadline)
            return Learnt::running;
        flight.landed.wait_until(lock, std::min(deadline, now + std::chrono::seconds{1}));
        if (!flight.done && progress) {
            lock.unlock();
            progress();
            lock.lock();
        }
    }
    return Learnt::done;
}

asio::awaitable<Learnt> Resolver::learn(NextHop next_hop, Millis most, Ask ask) {
    const auto flight = join(next_hop, ask, "");
    if (!flight)
        co_return Learnt::refused;
    const auto executor = co_await asio::this_coro::executor;
    const auto timer = std::make_shared<asio::steady_timer>(executor);
    timer->expires_after(most);
    flight->timers.push_back(timer);
    const auto landed = [&] {
        const std::lock_guard look(flight->mutex);
        return flight->done;
    };
    asio::error_code cancelled;
    if (!landed())
        co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    co_return landed() ? Learnt::done : Learnt::running;
}

} // namespace surehop
