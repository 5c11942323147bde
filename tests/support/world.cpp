// SPDX-License-Identifier: Apache-2.0
#include "support/world.h"

#include "conf/load.h"
#include "support/run.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace surehop::test {

namespace {

constexpr const char* defaults = R"(
    [mta]
    lock = "postfix"
    [policy]
    minimum = "authenticated"
    mode = "enforce"
)";

} // namespace

World::Process::Process(World& world, const std::string& path, ResolverLimits limits)
    : store(path), allowlist(value(Allowlist::open(store.reader, store.writer))),
      promises(value(Promises::open(store.reader, store.writer, world.clock.now()))),
      facts(store.reader, store.writer), ledger(store.reader, store.writer),
      resolver(
          world.loop, world.dns, world.https, facts, world.clock,
          [&world] { return world.validation; }, limits),
      refresher(resolver, facts, world.clock, {}),
      gate(facts, resolver, *allowlist, *promises, outage), deferrals(ledger),
      socketmap(gate, world.clock, [&world] { return world.site(); }, deferrals, measures) {
    resolver.ask_outage([this] { return outage.active(); });
    resolver.when_found(
        [this](const NextHop& next_hop, const FactsPtr& before, const Facts& found) {
            outage.learnt(next_hop.key(), before.get(), found);
        });
    resolver.when_learnt(
        [this](const NextHop& next_hop, const FactsPtr& before, const Facts& after) {
            refresher.learnt(next_hop, before.get(), after);
        });
}

World::World(std::string_view zones, ResolverLimits limits) : dns(zones), limits_(limits) {
    configure(defaults);
    restart();
}

void World::configure(const std::string& toml) {
    const Loaded loaded = load_text(toml, "surehop.toml");
    if (!loaded) {
        std::string all;
        for (const Problem& problem : loaded.errors)
            all += problem.line() + "\n";
        throw std::invalid_argument(all);
    }
    site_ = loaded.settings->site;
}

void World::pass(Seconds time) {
    constexpr Seconds between_sweeps{600};
    const Time end = clock.now() + time;
    Time next_sweep = clock.now() + between_sweeps;
    while (refreshing && clock.now() < end) {
        const Time due = process_->refresher.next_due().value_or(end);
        const Time next = std::min({end, next_sweep, std::max(due, clock.now() + Seconds{1})});
        running_ += next - clock.now();
        clock.set(next);
        process_->outage.tick(clock.now(), running_);
        process_->refresher.begin(loop);
        while (!process_->refresher.idle()) {
            loop.restart();
            if (loop.run_one() == 0)
                break;
        }
        if (clock.now() >= next_sweep) {
            process_->store.settle(); // the sweep reads what is on disk
            run(loop, process_->refresher.sweep(process_->outage.clock_has_settled()));
            next_sweep = clock.now() + between_sweeps;
        }
    }
    running_ += end - clock.now();
    clock.set(end);
    process_->outage.tick(clock.now(), running_);
}

void World::set_clock(Seconds by) {
    process_->outage.tick(clock.now(), running_);
    clock.advance(by);
    process_->outage.tick(clock.now(), running_);
}

void World::restart() {
    process_.reset();
    process_ = std::make_unique<Process>(*this, folder_ / "surehop.db", limits_);
}

Decision World::judge(const Context& context) {
    auto judged = gate().judge_known(context, *site_, clock.now());
    if (const auto* miss = std::get_if<Miss>(&judged)) {
        Learnt learnt = Learnt::done;
        for (const NextHop& next_hop : miss->next_hops)
            learnt = run(loop, process_->resolver.learn(next_hop, Millis{10'000}));
        judged = gate().judge_known(context, *site_, clock.now());
        if (std::holds_alternative<Miss>(judged))
            return gate().judge_unlearnt(context, *site_, reason_of(learnt), clock.now());
    }
    return std::get<Decision>(std::move(judged));
}

Decision World::mail(std::string_view from, std::string_view to, std::string mailer,
                     std::string host) {
    Context context;
    context.sender = path_of(from);
    context.recipient = path_of(to);
    context.mailer = std::move(mailer);
    context.host = std::move(host);
    return judge(context);
}

void World::keep_promise(const Decision& decision) {
    must(process_->promises->keep(promises_of(decision), clock.now(),
                                  clock.now() + site_->queue_lifetime + std::chrono::days{1}));
}

std::string World::lock(const std::string& next_hop, const std::string& map) {
    return run(loop, process_->socketmap.answer(map + " " + next_hop));
}

Path path_of(std::string_view text) { return value(Path::parse(text)); }
AddressPattern pattern_of(std::string_view text) { return value(AddressPattern::parse(text)); }
Domain domain_of(std::string_view text) { return value(Domain::parse(text)); }

} // namespace surehop::test
