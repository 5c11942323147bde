// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "resolve/ares_dns.h"
#include "resolve/dns.h"
#include "resolve/loop.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// The DNS servers of this site, each proven by itself (DESIGN invariant 7), and look-ups over those
// that may be believed. Beside a server that validates none is asked that does not: c-ares moves on
// where one is silent, and a bogus zone would look merely unsigned, or gone. So look-ups go
//
//   - to the servers that validate, or did when they last showed anything; if all of them are
//     silent nothing is known, and nobody else is asked,
//   - only where there is none: to all the others, without DANE,
//
// those that answer first. Which these are changes with each test; a question under way is then
// asked again. Results of the tests: see SelfTest.

namespace surehop {

struct ServerChoice {
    enum class Role : std::uint8_t {
        named,  // by the configuration
        local,  // tried because nothing is named; nobody misses one that is silent
        system, // resolv.conf: asked only while no local one answers
    };
    ServerChoice(DnsServer its_server, Role its_role, bool is_trusted)
        : server(std::move(its_server)), role(its_role), trusted(is_trusted) {}

    DnsServer server;
    Role role;
    bool trusted; // its AD bit may be believed, once it has passed the self-test
};

struct DnsServersSettings {
    std::vector<ServerChoice> servers; // at least one; asked in this order
    std::vector<std::string> bogus_names;
    Millis timeout{1500}; // of one try
    // So long after the first test a server that may validate, and is silent, may still be
    // starting: DANE is unknown. After that those that do answer decide.
    Millis starting{60'000};
};

// Of one server, after the latest test.
struct ServerState {
    std::string name; // "127.0.0.1:53", "[::1]:53"
    ServerChoice::Role role = ServerChoice::Role::named;
    bool trusted = false;
    bool tested = false; // false for a `system` server that is not needed
    bool reachable = false;
    bool used = false; // look-ups may go there
    Validation validation = Validation::untested;
    std::vector<std::string> warnings; // sentences for the log and doctor; each names the server

    // Silence that matters: it was named, or has served before.
    bool missed() const {
        return tested && !reachable &&
               (role == ServerChoice::Role::named || validation != Validation::untested);
    }

    // It answers, or its silence matters. Not what answered once and is no longer tested.
    bool worth_telling() const { return missed() || (tested && reachable); }
};

class DnsServers final : public Dns {
  public:
    // Error: there is no server, or c-ares refuses the settings.
    static Result<std::unique_ptr<DnsServers>> create(asio::io_context& loop,
                                                      DnsServersSettings settings);
    ~DnsServers() override; // as ~AresDns

    asio::awaitable<DnsAnswer> ask(Question question) override;

    asio::awaitable<void> test(); // all servers at once; then chooses. On the loop

    // From any thread. Proven: look-ups go to servers that validate, and to no other.
    Validation validation() const { return validation_; }

    // On the loop: as of the latest test.
    bool reachable() const; // some server that look-ups go to answers
    const std::vector<ServerState>& states() const { return states_; }

  private:
    struct Server;
    struct LookUps;
    DnsServers(asio::io_context& loop, DnsServersSettings settings);
    Status open();
    asio::awaitable<void> test_one(std::size_t index);
    asio::awaitable<void> test_those(bool system);
    Validation judge() const;
    void choose();
    static asio::awaitable<DnsAnswer> ask_them(std::shared_ptr<LookUps> them, Question question);

    asio::io_context& loop_;
    const DnsServersSettings settings_;
    std::vector<std::unique_ptr<Server>> servers_;
    std::vector<ServerState> states_; // of each of servers_
    std::shared_ptr<LookUps> look_ups_;
    std::chrono::steady_clock::time_point first_test_{};
    std::atomic<Validation> validation_{Validation::untested};
};

} // namespace surehop
