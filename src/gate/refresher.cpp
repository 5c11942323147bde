// SPDX-License-Identifier: Apache-2.0
#include "gate/refresher.h"

#include "base/log.h"
#include "base/spread.h"
#include "resolve/gather.h"

#include <algorithm>
#include <exception>
#include <tuple>
#include <utility>

namespace surehop {

namespace {

constexpr std::size_t most_scheduled = 200'000;
constexpr std::size_t most_ready = 1'000;
constexpr std::size_t places = 16;
constexpr std::size_t places_for_failing = 4;
constexpr std::size_t most_policies_in_sweep = 500;
constexpr std::size_t policies_at_once = 4;
constexpr std::size_t most_dropped_in_sweep = 10'000;
constexpr Millis patience{10'000}; // with one next hop; the look-up itself goes on
constexpr Seconds sweep_every{600};
constexpr Seconds once_more{30}; // after a look-up that has not ended, or not begun

// A resolver that caches answers with what is left of a TTL. Shortly before its end that is next to
// nothing, and the facts would be due again at once: once more, and then they live their whole life
// again. Whoever really publishes so short a life is looked up ahead of time now and then only.
constexpr Seconds short_life{30};
constexpr unsigned most_short_lives = 2;
constexpr Seconds pause_between_short_lives{300};

// Up to a sixtieth of their life and three seconds before they run out.
Seconds lead(const std::string& key, const Facts& facts) {
    const auto life = std::max(Seconds{0}, facts.until - facts.learnt);
    return Seconds{1} + spread(life / 60 + Seconds{2}, key);
}

// What is unknown is not looked up before its time: the pause is there for its sake.
Time due_at(const std::string& key, const Facts& facts) {
    return facts.complete() ? facts.until - lead(key, facts) : facts.until;
}

} // namespace

Refresher::Refresher(Resolver& resolver, FactsStore& facts, const Clock& clock,
                     RefresherSettings settings)
    : resolver_(resolver), facts_(facts), clock_(clock), settings_(settings) {}

void Refresher::learnt(const NextHop& next_hop, const Facts* before, const Facts& after) {
    const std::string key = next_hop.key();
    const auto ours = under_way_.find(key);
    if (ours != under_way_.end())
        ours->second.told = true;
    const auto use = facts_.use_of(key);
    if (!use || use->times < FactsStore::in_use)
        return; // see take_new()
    // What has never been known in full is looked up again when it is needed.
    if (!after.complete() && ours == under_way_.end() && !(before != nullptr && before->complete()))
        return;
    unsigned short_lives = 0;
    if (after.until - after.learnt < short_life)
        short_lives = (ours == under_way_.end() ? 0 : ours->second.short_lives) + 1;
    Time at = due_at(key, after);
    if (short_lives > most_short_lives)
        at = std::max(at, after.learnt + pause_between_short_lives);
    schedule(at, key, short_lives);
}

void Refresher::schedule(Time at, const std::string& key, unsigned short_lives) {
    if (settings_.keep_fresh > Seconds{0} && schedule_.size() < most_scheduled)
        schedule_.emplace(at, Due{key, short_lives}); // the others: as they are needed
}

// What came into use since it was learnt, perhaps before surehopd was started.
void Refresher::take_new() {
    for (const std::string& key : facts_.came_into_use()) {
        const FactsPtr facts = facts_.find(key);
        if (facts && facts->complete())
            schedule(due_at(key, *facts), key, 0);
    }
}

std::optional<Time> Refresher::next_due() {
    take_new();
    if (!ready_.empty())
        return clock_.now();
    return schedule_.empty() ? std::nullopt : std::optional(schedule_.begin()->first);
}

void Refresher::take_due(Time now) {
    while (!schedule_.empty() && schedule_.begin()->first <= now && ready_.size() < most_ready) {
        const Due due = schedule_.extract(schedule_.begin()).mapped();
        const auto use = facts_.use_of(due.key);
        if (!use || use->last + settings_.keep_fresh <= now)
            continue;
        FactsPtr facts = facts_.find(due.key);
        if (!facts ||
            due_at(due.key, *facts) > now) // learnt anew meanwhile, and scheduled for that
            continue;
        ready_.push_back({due, std::move(facts), use->times});
    }
    std::ranges::sort(ready_, {},
                      [](const Ready& r) { return std::tuple(r.facts->complete(), r.uses); });
}

std::optional<Refresher::Ready> Refresher::next() {
    if (ready_.empty() ||
        (!ready_.back().facts->complete() && busy_with_failing_ >= places_for_failing))
        return std::nullopt;
    Ready one = std::move(ready_.back());
    ready_.pop_back();
    return one;
}

void Refresher::begin(asio::io_context& loop) {
    take_new();
    take_due(clock_.now());
    for (std::size_t wanted = ready_.size(); wanted > 0 && busy_ < places; --wanted) {
        ++busy_;
        asio::co_spawn(loop, work(), asio::detached);
    }
}

asio::awaitable<void> Refresher::work() {
    while (const auto one = next()) {
        const bool failing = !one->facts->complete();
        busy_with_failing_ += failing ? 1 : 0;
        try {
            co_await refresh(*one);
        } catch (const std::exception& error) {
            log::error("a look-up ahead of time broke down: {}", error.what());
        }
        busy_with_failing_ -= failing ? 1 : 0;
    }
    --busy_;
}

asio::awaitable<void> Refresher::refresh(const Ready& one) {
    const std::string& key = one.due.key;
    const auto next_hop = NextHop::parse(key);
    if (!next_hop) // never: it was looked up by that name
        co_return;
    under_way_[key] = {one.due.short_lives, false};
    const Learnt end = co_await resolver_.learn(*next_hop, patience, Ask::ahead);
    const bool told = under_way_[key].told;
    under_way_.erase(key);
    // It failed and what was known still holds, or it goes on: once more at its end.
    if (!told)
        schedule(std::max(one.facts->until,
                          clock_.now() + (end == Learnt::done ? Seconds{1} : once_more)),
                 key, one.due.short_lives);
}

asio::awaitable<void> Refresher::sweep(bool drop) {
    const Time now = clock_.now();
    const Time used_since = now - settings_.keep_unused;
    const auto due = facts_.policies_due(now, used_since, most_policies_in_sweep);
    if (!due)
        log::error("cannot tell which policies are to be refreshed: {}", due.error());
    std::vector<NextHop> next_hops;
    for (const std::string& key : due ? *due : std::vector<std::string>())
        if (auto next_hop = NextHop::parse(key))
            next_hops.push_back(*std::move(next_hop));
    co_await for_each(std::move(next_hops), policies_at_once,
                      [this](const NextHop& next_hop) -> asio::awaitable<void> {
                          co_await resolver_.learn(next_hop, patience, Ask::policy);
                      });
    if (drop)
        facts_.drop_unused(now, used_since, most_dropped_in_sweep);
}

asio::awaitable<void> Refresher::run(asio::io_context& loop, std::function<bool()> settled) {
    asio::co_spawn(loop, run_sweeps(loop, std::move(settled)), asio::detached);
    for (;;) {
        asio::steady_timer second(loop, std::chrono::seconds{1});
        co_await second.async_wait(asio::use_awaitable);
        try {
            begin(loop);
        } catch (const std::exception& error) {
            log::error("what is to be looked up ahead of time cannot be told: {}", error.what());
        }
    }
}

asio::awaitable<void> Refresher::run_sweeps(asio::io_context& loop, std::function<bool()> settled) {
    asio::steady_timer start(loop, std::chrono::minutes{1});
    co_await start.async_wait(asio::use_awaitable);
    for (;;) {
        try {
            co_await sweep(settled());
        } catch (const std::exception& error) {
            log::error("policies cannot be refreshed: {}", error.what());
        }
        asio::steady_timer pause(loop, sweep_every);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

} // namespace surehop
