// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehopd_daemon.h"

#include "allow/selection.h"
#include "base/log.h"
#include "cmd/command_parts.h"
#include "cmd/health.h"
#include "cmd/incidents.h"
#include "cmd/surehopd_metrics.h"
#include "cmd/surehopd_signals.h"
#include "conf/load.h"
#include "store/schema.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <cstdlib>
#include <ctime>
#include <future>

namespace surehop {

namespace {

constexpr std::size_t most_socketmap_connections = 500;
constexpr unsigned socketmap_mode = 0660;
constexpr unsigned control_mode = 0666; // the kernel says who asks: see control/server.h
constexpr Millis patience_at_stop{8'000};
constexpr std::chrono::seconds between_ticks{5};

// What a reload cannot change, because it is built at the start.
std::vector<std::string> needs_restart(const Settings& before, const Settings& after) {
    std::vector<std::string> out;
    const auto compare = [&](bool same, const char* what) {
        if (!same)
            out.emplace_back(what);
    };
    compare(before.listen == after.listen, "[listen]");
    compare(before.store.path == after.store.path, "[store]");
    compare(before.ledger.addresses == after.ledger.addresses &&
                before.ledger.key_file == after.ledger.key_file,
            "[ledger] addresses or key_file");
    compare(before.resolver.servers == after.resolver.servers &&
                before.resolver.trusted == after.resolver.trusted &&
                before.resolver.bogus_names == after.resolver.bogus_names &&
                before.resolver.timeout == after.resolver.timeout,
            "[resolver]");
    compare(before.https == after.https, "[https]");
    compare(before.facts == after.facts, "[facts]");
    compare(before.log.target == after.log.target, "[log] target");
    return out;
}

Json resolvers_json(const DnsServers& dns) {
    Json out = Json::array();
    for (const ServerState& server : dns.states())
        if (server.worth_telling())
            out.push_back({{"server", server.name},
                           {"answers", server.reachable},
                           {"validates", server.validation == Validation::proven},
                           {"used", server.used}});
    return out;
}

Json incidents_json(const Outage& outage) {
    Json out = Json::array();
    for (const Outage::Incident& incident : outage.incidents())
        out.push_back({{"part", name_of(incident.part)},
                       {"since", format_time(incident.since)},
                       {"text", incident.text}});
    return out;
}

// Since the machine was started, asleep or not: by a clock that nobody sets.
Seconds time_running() {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return Seconds{time.tv_sec};
}

Json exceptions_json(const Allowlist& allowlist, Time now) {
    const auto all = allowlist.list();
    const ExceptionCounts counts = count(all, now);
    return {{"live", counts.live}, {"to_come", counts.to_come}, {"ending", counts.ending}};
}

Json store_json(const Writer& writer) {
    const auto trouble = writer.trouble();
    return {{"writable", !trouble}, {"text", trouble.value_or("")}};
}

Json lock_json(const LockCounts& counts) {
    return {{"policies", counts.policies},
            {"not_found", counts.not_found},
            {"deferred", counts.deferred},
            {"would_defer", counts.would_defer}};
}

} // namespace

Daemon::Daemon(Engine& engine)
    : engine_(engine), keeper_(*engine.opened.reader, *engine.opened.writer, engine.clock),
      refusals_(engine.ledger, engine.references), deferrals_(engine.ledger),
      socketmap_(
          engine.gate, engine.clock, [&engine] { return engine.current.get()->site; }, deferrals_,
          engine.measures),
      commands_([&] {
          CommandParts parts = command_parts(engine);
          parts.status = [this] { return status(); };
          parts.reload = [this](const Peer& peer) { return reload(peer.text()); };
          return parts;
      }()),
      control_([this](Json request, Peer peer) {
          return commands_.answer(std::move(request), std::move(peer));
      }),
      started_(engine.clock.now()) {}

Daemon::~Daemon() = default;

std::string Daemon::describe(const Settings& settings) {
    return fmt::format("mode={} lock={} rules={} configuration={}",
                       name_of(settings.site->rules->mode()), name_of(settings.site->lock),
                       settings.site->rules->hash().substr(0, 16), settings.hash.substr(0, 16));
}

void Daemon::record(const std::string& kind, const std::string& detail) {
    LedgerRow row;
    row.time = engine_.clock.now();
    row.kind = kind;
    row.mode = name_of(engine_.current.get()->site->rules->mode());
    row.detail = detail;
    std::vector<LedgerRow> rows{std::move(row)};
    if (auto written = engine_.ledger.append(std::move(rows)); !written)
        log::error("cannot record '{}' in the ledger: {}", kind, written.error());
}

Status Daemon::open() {
    const SettingsPtr settings = engine_.current.get();
    for (const std::string& where : settings->listen.socketmap) {
        auto listener = Listener::open(engine_.loop, where, socketmap_mode);
        if (!listener)
            return Error{listener.error()};
        listeners_.push_back(*std::move(listener));
    }
    auto control = Listener::open(engine_.loop, "unix:" + settings->listen.control, control_mode);
    if (!control)
        return Error{control.error()};
    control_listener_ = *std::move(control);

    auto milter =
        Milter::open(settings->listen.milter,
                     SessionParts{engine_.gate, engine_.ledger, *engine_.opened.promises,
                                  engine_.references, refusals_, engine_.measures, engine_.clock,
                                  [this] { return engine_.current.get()->site; }},
                     [](const std::string& text) { log::warning("{}", text); });
    if (!milter)
        return Error{milter.error()};
    milter_ = *std::move(milter);
    if (settings->listen.metrics.empty())
        return Done{};
    auto exporter =
        Exporter::open(settings->listen.metrics, [this] { return metrics_from_elsewhere(); });
    if (!exporter)
        return Error{exporter.error()};
    exporter_ = *std::move(exporter);
    return Done{};
}

int Daemon::run() {
    const SettingsPtr settings = engine_.current.get();
    if (auto taken = take_signals(
            engine_.loop, SignalActions{[this] { stop(); }, [this] { (void)reload("signal"); }});
        !taken) {
        log::error("{}", taken.error());
        return EX_OSERR;
    }
    if (engine_.opened.new_store)
        log::warning("{} is a new store: no exceptions, no promises, and a ledger that begins now",
                     settings->store.path);
    // Changed while surehopd was stopped: as loud as by a reload (DESIGN invariant 14).
    const auto last = engine_.ledger.latest_configuration();
    if (!last)
        log::error("cannot tell whether the mode has changed since the last start: {}",
                   last.error());
    else if (*last && (*last)->mode == name_of(PolicyMode::enforce) &&
             settings->site->rules->mode() == PolicyMode::audit)
        log::error("the mode changed from enforce to audit since {}: it refuses nothing any more",
                   format_time((*last)->time));
    if (const auto ended = engine_.ledger.ended_in_order(); ended && !*ended)
        log::warning("surehopd did not stop in order the last time: it was killed, or the machine "
                     "went down; what it had accepted is recorded");
    record("start", describe(*settings));
    keeper_.tell_head();
    engine_.exception_files.look(settings->allow.terms(), engine_.clock.now(), true);
    // Not before it is known whether DANE counts; until then whoever connects waits.
    const auto serve = [this] {
        for (const auto& listener : listeners_)
            listener->start(
                [this](StreamSocket socket) { return socketmap_.serve(std::move(socket)); },
                most_socketmap_connections, engine_.opened.settings->listen.peers);
        control_listener_->start(
            [this](StreamSocket socket) { return control_.serve(std::move(socket)); },
            ControlSeats::most);
        milter_->run([this] {
            asio::post(engine_.loop, [this] {
                log::error("libmilter has stopped serving; surehopd ends");
                exit_status_ = EX_SOFTWARE;
                stop();
            });
        });
        const SettingsPtr now = engine_.current.get();
        log::info("surehopd serves {}: {}", now->listen.milter, describe(*now));
        manager_.tell("READY=1");
    };
    asio::co_spawn(engine_.loop, engine_.keep_testing(serve), asio::detached);
    asio::co_spawn(engine_.loop, tick(), asio::detached);
    asio::co_spawn(
        engine_.loop,
        engine_.refresher.run(engine_.loop, [this] { return engine_.outage.clock_has_settled(); }),
        asio::detached);
    asio::co_spawn(
        engine_.loop,
        keeper_.run(
            engine_.loop,
            [this] { return std::chrono::floor<Seconds>(engine_.current.get()->ledger.keep); },
            [this] { return engine_.outage.clock_has_settled(); }),
        asio::detached);
    engine_.loop.restart();
    engine_.loop.run();

    manager_.tell("STOPPING=1");
    exporter_.reset();
    for (const auto& listener : listeners_)
        listener->stop();
    control_listener_->stop();
    if (!milter_->stop(patience_at_stop)) {
        log::error("a session did not end within {}; leaving without it",
                   format_duration(patience_at_stop));
        std::_Exit(EX_SOFTWARE); // its thread still uses what would be destroyed
    }
    refusals_.end(engine_.clock.now());
    deferrals_.end(engine_.clock.now());
    record("stop", describe(*engine_.current.get()));
    keeper_.tell_head();
    log::info("surehopd has stopped");
    return exit_status_;
}

asio::awaitable<void> Daemon::tick() {
    for (;;) {
        engine_.outage.tick(engine_.clock.now(), time_running());
        refusals_.tick(engine_.clock.now());
        deferrals_.tick(engine_.clock.now());
        engine_.exception_files.look(engine_.current.get()->allow.terms(), engine_.clock.now());
        engine_.exception_watch.tick(engine_.clock.now());
        Writer& writer = *engine_.opened.writer;
        if (writer.trouble() && writer.queued() == 0) // perhaps it is over, and nobody writes
            writer.submit_and_forget(write_version_again);
        manager_.tell("WATCHDOG=1"); // that the loop goes round is what it is to watch
        asio::steady_timer pause(engine_.loop, between_ticks);
        co_await pause.async_wait(asio::use_awaitable);
    }
}

void Daemon::stop() { engine_.loop.stop(); }

Json Daemon::reload(const std::string& by) {
    const SettingsPtr before = engine_.current.get();
    if (before->file.empty())
        return control_error("surehopd runs with --defaults: there is no file to read again");
    const Loaded loaded = load_file(before->file);
    for (const Problem& problem : loaded.warnings)
        log::warning("{}", problem.line());
    if (!loaded) {
        std::string all = "the new configuration is not valid; the old one stays in force:";
        for (const Problem& problem : loaded.errors) {
            log::error("{}", problem.line());
            all += "\n" + problem.line();
        }
        log::error("reload by {} failed; the old configuration stays in force", by);
        record("reload-failed", fmt::format("{}; by {}", describe(*before), by));
        return control_error(std::move(all));
    }
    const SettingsPtr after = loaded.settings;
    const auto restart = needs_restart(*before, *after);
    engine_.current.set(after);
    log::set_level(after->log.name());
    record("reload", fmt::format("{}; by {}", describe(*after), by));
    log::info("configuration read again by {}: {}", by, describe(*after));
    Json notes = Json::array();
    for (const std::string& what : after->site->rules->no_longer_enforced(*before->site->rules)) {
        notes.push_back(what + " changed from enforce to audit: it refuses nothing any more");
        log::error("{} changed from enforce to audit: it refuses nothing any more", what);
    }
    engine_.exception_files.look(after->allow.terms(), engine_.clock.now(), true);
    for (const Json& file :
         engine_.exception_files.states(after->allow.terms(), engine_.clock.now()))
        if (file.at("state") == "failed")
            notes.push_back(file.at("text"));
    for (const std::string& section : restart) {
        log::warning("{} has changed; that takes effect at the next start", section);
        notes.push_back(section + " has changed; that takes effect at the next start");
    }
    return control_result({{"file", after->file},
                           {"mode", name_of(after->site->rules->mode())},
                           {"rules", after->site->rules->hash()},
                           {"configuration", after->hash},
                           {"notes", std::move(notes)}});
}

std::string Daemon::metrics() const { return metrics_page(engine_, deferrals_.counts(), started_); }

std::optional<std::string> Daemon::metrics_from_elsewhere() const {
    constexpr std::chrono::seconds patience{2};
    const auto page = std::make_shared<std::promise<std::string>>();
    auto coming = page->get_future();
    asio::post(engine_.loop, [this, page] { page->set_value(metrics()); });
    if (coming.wait_for(patience) != std::future_status::ready)
        return std::nullopt;
    return coming.get();
}

Json Daemon::status() const {
    const SettingsPtr settings = engine_.current.get();
    const Time now = engine_.clock.now();
    Json out = {{"version", SUREHOP_VERSION},
                {"started", format_time(started_)},
                {"file", settings->file},
                {"mode", name_of(settings->site->rules->mode())},
                {"lock", name_of(settings->site->lock)},
                {"rules", settings->site->rules->hash()},
                {"configuration", settings->hash},
                {"validates", engine_.opened.dns->validation() == Validation::proven},
                {"resolvers", resolvers_json(*engine_.opened.dns)},
                {"look_ups", engine_.resolver.in_flight()},
                {"refreshes_planned", engine_.refresher.scheduled()},
                {"lock_answers", lock_json(deferrals_.counts())},
                {"downgrades", engine_.changes.downgrades},
                {"policy_refreshes_failed", engine_.changes.refreshes_failed},
                {"incidents", incidents_json(engine_.outage)},
                {"exceptions", exceptions_json(*engine_.opened.allowlist, now)},
                {"exception_files", engine_.exception_files.states(settings->allow.terms(), now)},
                {"writes_waiting", engine_.opened.writer->queued()},
                {"store", store_json(*engine_.opened.writer)}};
    out["troubles"] = troubles(out);
    return out;
}

} // namespace surehop
