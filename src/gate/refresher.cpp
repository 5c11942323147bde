// SPDX-License-Identifier: Apache-2.0
#include "gate/refresher.h"

#include "base/log.h"
#include "resolve/gather.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace surehop {

namespace {

constexpr std::size_t most_scheduled = 200'000;
constexpr std::size_t most_ready = 1'000;
constexpr std::size_t most_in_step = 64;
constexpr std::size_t at_once = 16;
constexpr std::size_t most_policies_in_sweep = 500;
constexpr std::size_t policies_at_once = 4;
constexpr std::uint32_t in_use = 2; // how often at least
constexpr std::size_t most_dropped_in_sweep = 10'000;
constexpr Millis patience{10'000}; // with one next hop; the look-up itself goes on
constexpr Seconds sweep_every{600};

// A resolver that caches answers with what is left of a TTL. Shortly before its end that is next to
// nothing, and the facts would be due again at once: once more, and then they live their whole life
// again. Whoever really publishes so short a life is looked up ahead of time once a minute.
constexpr Seconds short_life{30};
constexpr unsigned most_short_lives = 2;
constexpr Seconds pause_between_short_lives{60};

// Up to a sixtieth of their life and three seconds before they run out.
Seconds lead(const std::string& key, const Facts& facts) {
    const auto life = std::max(Seconds{0}, facts.until - facts.learnt);
    const auto most = static_cast<std::size_t>(life.count() / 60 + 2);
    return Seconds{1} + Seconds{static_cast<Seconds::rep>(std::hash<std::string>{}(key) % most)};
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
    if (settings_.keep_fresh == Seconds{0})
        return;
    const std::string key = next_hop.key();
    const auto ours = under_way_.find(key);
    // What has never been known in full is looked up again when it is needed.
    if (!after.complete() && ours == under_way_.end() && !(before != nullptr && before->complete()))
        return;
    unsigned short_lives = 0;
    if (after.until - after.learnt < short_life)
        short_lives = (ours == under_way_.end() ? 0 : ours->second) + 1;
    Time at = due_at(key, after);
    if (short_lives > most_short_lives)
        at = std::max(at, after.learnt + pause_between_short_lives);
    schedule(at, next_hop, short_lives);
}

void Refresher::schedule(Time at, const NextHop& next_hop, unsigned short_lives) {
    if (schedule_.size() < most_scheduled) // the others are learnt as they are needed
        schedule_.emplace(at, Due{next_hop, short_lives});
}

std::optional<Time> Refresher::next_due() const {
    if (!ready_.empty())
        return clock_.now();
    return schedule_.empty() ? std::nullopt : std::optional(schedule_.begin()->first);
}

void Refresher::take_due(Time now) {
    const auto end = schedule_.upper_bound(now);
    for (auto due = schedule_.begin(); due != end; ++due) {
        const std::string key = due->second.next_hop.key();
        const auto use = facts_.use_of(key);
        if (!use || use->times < in_use || use->last + settings_.keep_fresh <= now)
            continue;
        FactsPtr facts = facts_.find(key);
        if (!facts || due_at(key, *facts) > now) // learnt anew meanwhile, and scheduled for that
            continue;
        ready_.push_back(
            {due->second.next_hop, due->second.short_lives, std::move(facts), use->times});
    }
    schedule_.erase(schedule_.begin(), end);
    // Those that fail take longest.
    std::ranges::sort(ready_, {}, [](const Ready& r) {
        return std::tuple(!r.facts->complete(), -static_cast<std::int64_t>(r.uses));
    });
    if (ready_.size() > most_ready)
        ready_.erase(ready_.begin() + most_ready, ready_.end());
}

asio::awaitable<void> Refresher::step() {
    take_due(clock_.now());
    const auto count = static_cast<std::ptrdiff_t>(std::min(ready_.size(), most_in_step));
    std::vector<Ready> batch(ready_.begin(), ready_.begin() + count);
    ready_.erase(ready_.begin(), ready_.begin() + count);
    co_await for_each(std::move(batch), at_once, [this](Ready& next) { return refresh(next); });
}

asio::awaitable<void> Refresher::refresh(Ready& next) {
    const std::string key = next.next_hop.key();
    under_way_[key] = next.short_lives;
    const Learnt learnt = co_await resolver_.learn(next.next_hop, patience, Ask::ahead);
    under_way_.erase(key);
    // It failed, and what was known still holds: once more at its end.
    if (learnt == Learnt::done && facts_.find(key) == next.facts)
        schedule(std::max(next.facts->until, clock_.now() + Seconds{1}), next.next_hop,
                 next.short_lives);
}

asio::awaitable<void> Refresher::sweep(bool clock_in_doubt) {
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
                          co_await resolver_.learn(next_hop, patience, Ask::all);
                      });
    if (!clock_in_doubt)
        facts_.drop_unused(now, used_since, most_dropped_in_sweep);
}

asio::awaitable<void> Refresher::run(asio::io_context& loop, std::function<bool()> clock_in_doubt) {
    asio::co_spawn(loop, run_sweeps(loop, std::move(clock_in_doubt)), asio::detached);
    for (;;) {
        asio::steady_timer second(loop, std::chrono::seconds{1});
        co_await second.async_wait(asio::use_awaitable);
        co_await step();
    }
}

asio::awaitable<void> Refresher::run_sweeps(asio::io_context& loop,
                                            std::function<bool()> clock_in_doubt) {
    asio::steady_timer start(loop, std::chrono::minutes{1});
    co_await start.async_wait(asio::use_awaitable);
    for (;;) {
        co_await sweep(clock_in_doubt());
        asio::steady_timer pause(loop, sweep_every);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

} // namespace surehop
