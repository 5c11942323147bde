// SPDX-License-Identifier: Apache-2.0
#include "cmd/engine.h"

#include "base/log.h"
#include "store/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace surehop {

Time SystemClock::now() const {
    return std::chrono::floor<Seconds>(std::chrono::system_clock::now());
}

namespace {

Result<std::unique_ptr<AresDns>> connect(asio::io_context& loop, std::vector<DnsServer> servers,
                                         const Settings::Resolver& settings, bool trusted) {
    AresSettings ares;
    ares.servers = std::move(servers);
    ares.timeout = settings.timeout;
    ares.trusted_path = trusted;
    return AresDns::create(loop, std::move(ares));
}

// Whether anything that speaks DNS answers there.
bool answers(asio::io_context& loop, AresDns& dns) {
    bool reachable = false;
    asio::co_spawn(
        loop,
        [&]() -> asio::awaitable<void> {
            Question root("", RrType::soa);
            const DnsAnswer answer = co_await dns.ask(std::move(root));
            reachable =
                answer.status != DnsStatus::timeout && answer.status != DnsStatus::unreachable;
        },
        asio::detached);
    loop.restart();
    loop.run();
    return reachable;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string names_of(const std::vector<DnsServer>& servers) {
    std::string out;
    for (const DnsServer& server : servers)
        out += fmt::format("{}{}:{}", out.empty() ? "" : ", ", server.address, server.port);
    return out;
}

// The configured servers; else those of this machine that answer; else resolv.conf, without DANE.
Status choose_servers(asio::io_context& loop, Opened& opened) {
    const Settings::Resolver& settings = opened.settings->resolver;
    std::vector<DnsServer> servers;
    if (!settings.servers.empty()) {
        for (const std::string& text : settings.servers) {
            auto server = parse_dns_server(text);
            if (!server)
                return Error{server.error()};
            servers.push_back(*std::move(server));
        }
        opened.trusted = all_servers_trusted(settings);
    } else {
        for (const char* address : {"127.0.0.1", "::1"}) {
            auto dns = connect(loop, {DnsServer{address, 53}}, settings, true);
            if (dns && answers(loop, **dns))
                servers.push_back({address, 53});
        }
        opened.trusted = !servers.empty();
        if (servers.empty())
            servers = read_resolv_conf(read_file("/etc/resolv.conf"));
        if (servers.empty())
            return Error{"no DNS resolver: none answers on 127.0.0.1 or ::1, and /etc/resolv.conf "
                         "names none; set [resolver] servers"};
    }
    opened.resolvers = names_of(servers);
    auto dns = connect(loop, std::move(servers), settings, opened.trusted);
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

Status open_store(Opened& opened, Database::Access access, Time now) {
    const std::string& path = opened.settings->store.path;
    const bool writes = access == Database::Access::read_write;
    auto writing = Database::open(path, access);
    if (!writing)
        return Error{writing.error()};
    if (auto ready = writes ? migrate(*writing) : require_current(*writing); !ready)
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
    return Done{};
}

constexpr Millis soon{5'000}; // until a resolver that is not up yet is asked again

void report(const SelfTestResult& before, const SelfTestResult& now) {
    for (const std::string& warning : now.warnings)
        log::warning("{}", warning);
    if (now.validation == Validation::lost && before.validation != Validation::lost)
        log::error(
            "the resolver has stopped validating DNSSEC: DANE is unknown until it does again");
    if (now.validation == Validation::proven && before.validation != Validation::proven)
        log::info("the resolver validates DNSSEC: DANE counts");
    if (now.reachable != before.reachable && !now.reachable)
        log::error("no DNS resolver answers: next hops that are not known yet stay unknown");
}

} // namespace

Engine::Engine(asio::io_context& the_loop, Opened what)
    : loop(the_loop), opened(std::move(what)), current(opened.settings),
      facts(*opened.reader, *opened.writer), ledger(*opened.reader, *opened.writer),
      https(curl_settings(opened.settings->https)),
      self_test(*opened.dns, opened.trusted, opened.settings->resolver.bogus_names),
      resolver(loop, *opened.dns, https, facts, clock, [this] { return self_test.validation(); }),
      gate(facts, resolver, *opened.allowlist, *opened.promises), references(clock.now()) {}

Result<std::unique_ptr<Engine>> Engine::build(asio::io_context& loop, SettingsPtr settings,
                                              Database::Access access) {
    Opened opened;
    opened.settings = std::move(settings);
    if (auto store = open_store(opened, access, SystemClock().now()); !store)
        return Error{store.error()};
    if (auto chosen = choose_servers(loop, opened); !chosen)
        return Error{chosen.error()};
    return std::make_unique<Engine>(loop, std::move(opened));
}

asio::awaitable<void> Engine::keep_testing(std::function<void()> after_first) {
    SelfTestResult before;
    before.reachable = true;
    for (;;) {
        const SelfTestResult now = co_await self_test.run();
        report(before, now);
        before = now;
        if (const auto once = std::exchange(after_first, nullptr))
            once();
        const Millis retest = current.get()->resolver.retest;
        asio::steady_timer pause(
            loop, now.validation == Validation::untested ? std::min(retest, soon) : retest);
        asio::error_code cancelled;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
        if (cancelled)
            co_return;
    }
}

} // namespace surehop
