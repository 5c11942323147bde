// SPDX-License-Identifier: Apache-2.0
#include "resolve/dns_servers.h"

#include "resolve/gather.h"
#include "resolve/self_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace surehop {

namespace {

using std::chrono::steady_clock;
using Role = ServerChoice::Role;

} // namespace

// One server and its test, over a channel of its own: c-ares does not tell who answered.
struct DnsServers::Server {
    Server(std::unique_ptr<AresDns> its_dns, bool trusted, std::vector<std::string> bogus_names)
        : dns(std::move(its_dns)), self_test(*dns, trusted, std::move(bogus_names)) {}
    std::unique_ptr<AresDns> dns;
    SelfTest self_test;
};

// Over which channel look-ups go. Shared with the questions under way, which may outlive us.
struct DnsServers::LookUps {
    std::unique_ptr<AresDns> dns;     // null at the end
    std::vector<std::size_t> servers; // which, in the order of asking
    bool proven = false;              // they validate
    std::uint64_t changes = 0;
};

DnsServers::DnsServers(asio::io_context& loop, DnsServersSettings settings)
    : loop_(loop), settings_(std::move(settings)), look_ups_(std::make_shared<LookUps>()) {}

DnsServers::~DnsServers() { look_ups_->dns.reset(); }

Result<std::unique_ptr<DnsServers>> DnsServers::create(asio::io_context& loop,
                                                       DnsServersSettings settings) {
    std::unique_ptr<DnsServers> made(new DnsServers(loop, std::move(settings)));
    if (auto opened = made->open(); !opened)
        return Error{opened.error()};
    return made;
}

Status DnsServers::open() {
    AresSettings all;
    all.timeout = settings_.timeout;
    for (const ServerChoice& choice : settings_.servers) {
        AresSettings one;
        one.servers = {choice.server};
        one.timeout = settings_.timeout;
        one.trusted_path = choice.trusted;
        auto dns = AresDns::create(loop_, std::move(one));
        if (!dns)
            return Error{dns.error()};
        servers_.push_back(
            std::make_unique<Server>(*std::move(dns), choice.trusted, settings_.bogus_names));
        ServerState& state = states_.emplace_back();
        state.name = text_of(choice.server);
        state.role = choice.role;
        state.trusted = choice.trusted;
        all.servers.push_back(choice.server);
    }
    // Until the first test nothing is known, and no AD bit counts.
    auto dns = AresDns::create(loop_, std::move(all));
    if (!dns)
        return Error{dns.error()};
    look_ups_->dns = *std::move(dns);
    return Done{};
}

asio::awaitable<DnsAnswer> DnsServers::ask(Question question) {
    return ask_them(look_ups_, std::move(question));
}

asio::awaitable<DnsAnswer> DnsServers::ask_them(std::shared_ptr<LookUps> them, Question question) {
    for (;;) {
        const std::uint64_t before = them->changes;
        Question again = question;
        DnsAnswer answer;
        if (them->dns)
            answer = co_await them->dns->ask(std::move(again));
        // Other servers are asked now: this answer may be of one that is not believed any more.
        if (before == them->changes)
            co_return answer;
    }
}

bool DnsServers::reachable() const {
    return std::any_of(states_.begin(), states_.end(),
                       [](const ServerState& state) { return state.used && state.reachable; });
}

asio::awaitable<void> DnsServers::test() {
    if (first_test_ == steady_clock::time_point{})
        first_test_ = steady_clock::now();
    co_await test_those(false);
    const bool answered = std::any_of(states_.begin(), states_.end(), [](const ServerState& state) {
        return state.role != Role::system && state.reachable;
    });
    if (answered)
        for (ServerState& state : states_)
            state.tested &= state.role != Role::system;
    else
        co_await test_those(true);
    validation_ = judge();
    choose();
}

asio::awaitable<void> DnsServers::test_those(bool system) {
    std::vector<asio::awaitable<void>> tests;
    for (std::size_t i = 0; i < servers_.size(); ++i)
        if ((states_[i].role == Role::system) == system)
            tests.push_back(test_one(i));
    co_await gather(std::move(tests));
}

asio::awaitable<void> DnsServers::test_one(std::size_t index) {
    SelfTestResult result = co_await servers_[index]->self_test.run();
    ServerState& state = states_[index];
    state.tested = true;
    state.reachable = result.reachable;
    state.validation = result.validation;
    state.warnings.clear();
    for (const std::string& warning : result.warnings)
        state.warnings.push_back(fmt::format("{}: {}", state.name, warning));
}

// The best of what is known of any, and `never` only where nobody is left who may validate.
Validation DnsServers::judge() const {
    const auto any = [&](auto&& holds) {
        return std::any_of(states_.begin(), states_.end(),
                           [&](const ServerState& state) { return state.tested && holds(state); });
    };
    for (const Validation known : {Validation::proven, Validation::lost})
        if (any([&](const ServerState& state) { return state.validation == known; }))
            return known;
    const bool starting = steady_clock::now() - first_test_ < settings_.starting;
    const auto may_validate = [&](const ServerState& state) {
        return state.trusted && state.validation == Validation::untested &&
               (state.reachable || starting);
    };
    if (any(may_validate))
        return Validation::untested;
    const auto refuted = [](const ServerState& state) {
        return state.validation == Validation::never;
    };
    return any(refuted) ? Validation::never : Validation::untested;
}

// Leaves the channel as it is when its servers stay the same, and what they are worth.
void DnsServers::choose() {
    const bool proven = validation_ == Validation::proven;
    std::vector<std::size_t> chosen;
    for (const bool reachable : {true, false})
        for (std::size_t i = 0; i < states_.size(); ++i) {
            ServerState& state = states_[i];
            state.used = state.tested && (!proven || state.validation == Validation::proven);
            if (state.used && state.reachable == reachable)
                chosen.push_back(i);
        }
    if (chosen == look_ups_->servers && proven == look_ups_->proven)
        return;
    AresSettings settings;
    settings.timeout = settings_.timeout;
    settings.trusted_path = proven;
    for (const std::size_t i : chosen)
        settings.servers.push_back(settings_.servers[i].server);
    auto dns = AresDns::create(loop_, std::move(settings));
    ++look_ups_->changes;
    look_ups_->servers = std::move(chosen);
    look_ups_->proven = proven;
    // c-ares took the same servers at the start; should it refuse them now, nothing is learnt.
    look_ups_->dns = dns ? *std::move(dns) : nullptr;
}

} // namespace surehop
