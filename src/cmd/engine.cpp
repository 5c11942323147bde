// SPDX-License-Identifier: Apache-2.0
#include "cmd/engine.h"

#include "base/log.h"
#include "cmd/incidents.h"
#include "store/ledger_key.h"
#include "store/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <utility>

namespace surehop {

Time SystemClock::now() const {
    return std::chrono::floor<Seconds>(std::chrono::system_clock::now());
}

namespace {

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

Status open_resolvers(asio::io_context& loop, Opened& opened) {
    const Settings::Resolver& settings = opened.settings->resolver;
    auto servers = choose_servers(settings, read_file("/etc/resolv.conf"));
    if (!servers)
        return Error{servers.error()};
    DnsServersSettings chosen;
    chosen.servers = *std::move(servers);
    chosen.bogus_names = settings.bogus_names;
    chosen.timeout = settings.timeout;
    auto dns = DnsServers::create(loop, std::move(chosen));
    if (!dns)
        return Error{dns.error()};
    opened.dns = *std::move(dns);
    return Done{};
}

CurlSettings curl_settings(const Settings::Https& https) {
    CurlSettings out;
    out.ca_file = https.ca_file;
    out.port = https.port;
    out.timeout = https.timeout;
    out.allow_private = https.allow_private;
    return out;
}

Seconds seconds(Millis duration) { return std::chrono::floor<Seconds>(duration); }

ResolverLimits resolver_limits(const Settings::Facts& facts) {
    ResolverLimits limits;
    limits.lifetimes = {seconds(facts.shortest), seconds(facts.longest)};
    return limits;
}

RefresherSettings refresher_settings(const Settings::Facts& facts) {
    return {seconds(facts.keep_fresh), seconds(facts.keep_unused)};
}

// Says so before: a store with a million next hops takes most of a minute.
Status bring_up_to_date(Database& store) {
    const auto version = version_of(store);
    const bool old = version && *version > 0 && *version < schema_version;
    if (old)
        log::info("the store {} is brought up to date, from version {} to {}", store.path(),
                  *version, schema_version);
    auto done = migrate(store);
    if (old && done)
        log::info("the store {} is up to date", store.path());
    return done;
}

Status open_store(Opened& opened, Database::Access access, Time now) {
    const std::string& path = opened.settings->store.path;
    const bool writes = access == Database::Access::read_write;
    opened.new_store = writes && ::access(path.c_str(), F_OK) != 0;
    auto writing = Database::open(path, access);
    if (!writing)
        return Error{writing.error()};
    if (auto ready = writes ? bring_up_to_date(*writing) : require_current(*writing); !ready)
        return ready;
    auto reader = Database::open(path, access);
    if (!reader)
        return Error{reader.error()};
    opened.reader = std::make_unique<Database>(*std::move(reader));
    opened.writer = std::make_unique<Writer>(*std::move(writing));
    if (writes)
        opened.writer->on_failure(
            [](const std::string& why) { log::error("the store cannot be written: {}", why); });
    auto allowlist = Allowlist::open(*opened.reader, *opened.writer);
    if (!allowlist)
        return Error{allowlist.error()};
    opened.allowlist = *std::move(allowlist);
    auto promises = Promises::open(*opened.reader, *opened.writer, now);
    if (!promises)
        return Error{promises.error()};
    opened.promises = *std::move(promises);
    const Settings::Ledger& ledger = opened.settings->ledger;
    std::string key;
    if (ledger.addresses == AddressForm::hashed) {
        auto read = ledger_key(ledger.key_file, writes);
        if (!read)
            return Error{read.error()};
        key = *std::move(read);
    }
    opened.addresses = LedgerAddresses(ledger.addresses, std::move(key));
    return Done{};
}

constexpr Millis soon{5'000}; // until a resolver that is not up is asked again

// What was found at the last test, to tell what is new.
struct Found {
    Validation validation = Validation::untested;
    std::vector<std::string> warnings;
};

Found found_by(const DnsServers& dns) {
    Found now{dns.validation(), {}};
    for (const ServerState& state : dns.states())
        if (state.worth_telling())
            now.warnings.insert(now.warnings.end(), state.warnings.begin(), state.warnings.end());
    return now;
}

void report(const Found& before, const Found& now) {
    for (const std::string& warning : now.warnings)
        if (std::find(before.warnings.begin(), before.warnings.end(), warning) ==
            before.warnings.end())
            log::warning("{}", warning);
    if (now.validation == Validation::lost && before.validation != Validation::lost)
        log::error(
            "the resolver has stopped validating DNSSEC: DANE is unknown until it does again");
    if (now.validation == Validation::proven && before.validation != Validation::proven)
        log::info("the resolver validates DNSSEC: DANE counts");
}

} // namespace

Result<std::vector<ServerChoice>> choose_servers(const Settings::Resolver& settings,
                                                 const std::string& resolv_conf) {
    using Role = ServerChoice::Role;
    std::vector<ServerChoice> choices;
    for (const std::string& text : settings.servers) {
        const auto server = parse_dns_server(text);
        if (!server)
            return Error{server.error()};
        choices.emplace_back(*server, Role::named, is_trusted(settings, *server));
    }
    if (!choices.empty())
        return choices;
    for (const char* address : {"127.0.0.1", "::1"})
        choices.emplace_back(DnsServer{address, 53}, Role::local, true);
    for (const DnsServer& server : read_resolv_conf(resolv_conf)) {
        const bool tried =
            std::any_of(choices.begin(), choices.end(), [&](const ServerChoice& choice) {
                return choice.server.address == server.address;
            });
        if (!tried)
            choices.emplace_back(server, Role::system, is_trusted_path(server));
    }
    return choices;
}

Engine::Engine(asio::io_context& the_loop, Opened what)
    : loop(the_loop), opened(std::move(what)), current(opened.settings),
      facts(*opened.reader, *opened.writer),
      ledger(*opened.reader, *opened.writer, opened.addresses),
      https(curl_settings(opened.settings->https)), measured_dns(*opened.dns, measures),
      measured_https(https, measures), outage([this](const Outage::Incident& incident, bool over) {
          tell_incident(ledger, incident, over, clock.now());
      }),
      resolver(
          loop, measured_dns, measured_https, facts, clock,
          [this] { return opened.dns->validation(); }, resolver_limits(opened.settings->facts)),
      refresher(resolver, facts, clock, refresher_settings(opened.settings->facts)),
      gate(facts, resolver, *opened.allowlist, *opened.promises, outage), references(clock.now()),
      exception_files(*opened.allowlist, ledger),
      exception_watch(*opened.reader, *opened.allowlist, ledger) {
    resolver.ask_outage([this] { return outage.active(); });
    resolver.when_found(
        [this](const NextHop& next_hop, const FactsPtr& before, const Facts& found) {
            outage.learnt(next_hop.key(), before.get(), found);
        });
    resolver.when_learnt(
        [this](const NextHop& next_hop, const FactsPtr& before, const Facts& after) {
            tell_changes(ledger, changes, next_hop, before.get(), after);
            refresher.learnt(next_hop, before.get(), after);
        });
}

Result<std::unique_ptr<Engine>> Engine::build(asio::io_context& loop, SettingsPtr settings,
                                              Database::Access access) {
    Opened opened;
    opened.settings = std::move(settings);
    if (auto store = open_store(opened, access, SystemClock().now()); !store)
        return Error{store.error()};
    if (auto chosen = open_resolvers(loop, opened); !chosen)
        return Error{chosen.error()};
    return std::make_unique<Engine>(loop, std::move(opened));
}

asio::awaitable<void> Engine::keep_testing(std::function<void()> after_first) {
    Found before;
    for (;;) {
        co_await opened.dns->test();
        Found now = found_by(*opened.dns);
        report(before, now);
        outage.resolver_answers(opened.dns->reachable(), clock.now());
        before = std::move(now);
        if (const auto once = std::exchange(after_first, nullptr))
            once();
        // A resolver that is not up is asked again soon, whoever has found out.
        for (Millis left = current.get()->resolver.retest; left > Millis{0}; left -= soon) {
            asio::steady_timer pause(loop, std::min(left, soon));
            co_await pause.async_wait(asio::use_awaitable);
            if (opened.dns->validation() == Validation::untested || !opened.dns->reachable())
                break;
        }
    }
}

} // namespace surehop
