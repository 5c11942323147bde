// SPDX-License-Identifier: Apache-2.0
#include "resolve/dns_servers.h"

#include "support/dns_server.h"
#include "support/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

namespace surehop {
namespace {

using test::DnsMessage;
using test::DnsPacket;
using test::DnsQuery;
using test::NameServer;
using Packets = std::vector<DnsPacket>;
using Role = ServerChoice::Role;

// A resolver that can change its mind, on a port of its own.
class Server {
  public:
    enum Kind { validating, plain, no_uplink, silent };
    explicit Server(Kind first) : kind(first) {}

    // How many questions came for this name.
    std::size_t asked(const std::string& name) const {
        const auto all = wire_.queries();
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [&](const DnsQuery& q) { return q.name == name; }));
    }
    std::uint16_t port() const { return wire_.port(); }

    std::atomic<Kind> kind;

  private:
    Packets answer(const DnsQuery& query) const {
        const Kind now = kind;
        DnsMessage message(query.name, query.type);
        message.id(query.id);
        if (now == silent)
            return {};
        if (now == no_uplink || (now == validating && query.name == "bogus.test"))
            return {message.rcode(2)};
        if (query.type == static_cast<unsigned>(RrType::soa))
            message.answer("", RrType::soa, 60, test::soa_rdata(1));
        else
            message.answer(query.name, RrType::a, 60, test::a_rdata("192.0.2.1"));
        if (now == validating)
            message.authentic();
        return {DnsPacket(message, Millis{query.name == "slow.test" ? 60 : 0})};
    }

    NameServer wire_{[this](const DnsQuery& query) { return answer(query); }};
};

struct Listed {
    const Server* server;
    Role role = Role::named;
    bool trusted = true;
};

class Servers : public ::testing::Test {
  protected:
    void open(const std::vector<Listed>& list, Millis starting = Millis{0}) {
        DnsServersSettings settings;
        for (const Listed& one : list)
            settings.servers.emplace_back(DnsServer{"127.0.0.1", one.server->port()}, one.role,
                                          one.trusted);
        settings.bogus_names = {"bogus.test"};
        settings.timeout = Millis{100};
        settings.starting = starting;
        dns = *DnsServers::create(loop, std::move(settings));
    }
    Validation tested() {
        return test::run(loop, [this]() -> asio::awaitable<Validation> {
            co_await dns->test();
            co_return dns->validation();
        }());
    }
    DnsAnswer ask(const std::string& name = "a.test") {
        return test::run(loop, dns->ask(Question(name, RrType::a)));
    }
    std::string used() const {
        std::string out;
        for (const ServerState& state : dns->states())
            out += state.used ? '+' : '-';
        return out;
    }

    asio::io_context loop;
    std::unique_ptr<DnsServers> dns;
};

TEST_F(Servers, BeforeTheFirstTestNothingIsAuthentic) {
    const Server one(Server::validating);
    open({{&one}});
    EXPECT_EQ(dns->validation(), Validation::untested);
    EXPECT_EQ(ask().status, DnsStatus::answer);
    EXPECT_FALSE(ask().authentic);
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_TRUE(ask().authentic);
    EXPECT_EQ(ask("bogus.test").status, DnsStatus::servfail);
}

// Invariant 7: where the first is silent, c-ares would ask the second, for which a bogus zone is
// like any other.
TEST_F(Servers, ServerThatDoesNotValidateIsNotAskedBesideOneThatDoes) {
    Server good(Server::validating);
    const Server bad(Server::plain);
    open({{&good}, {&bad}});
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_EQ(used(), "+-");
    good.kind = Server::silent;
    EXPECT_EQ(ask("bogus.test").status, DnsStatus::timeout);
    EXPECT_EQ(tested(), Validation::proven) << "the last proof is kept";
    EXPECT_EQ(ask("bogus.test").status, DnsStatus::timeout);
    EXPECT_EQ(bad.asked("bogus.test"), 0U);
    good.kind = Server::validating;
    EXPECT_TRUE(ask().authentic);
}

// The first one proves nothing for the second, in whatever order.
TEST_F(Servers, EachIsProvenByItself) {
    const Server bad(Server::plain), good(Server::validating), far(Server::validating);
    open({{&bad}, {&far, Role::named, false}, {&good}});
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_EQ(used(), "--+");
    EXPECT_EQ(dns->states()[0].validation, Validation::never);
    EXPECT_EQ(dns->states()[1].validation, Validation::never);
    EXPECT_EQ(dns->states()[2].validation, Validation::proven);
    EXPECT_TRUE(ask("once.test").authentic);
    EXPECT_EQ(bad.asked("once.test") + far.asked("once.test"), 0U);
    ASSERT_EQ(dns->states()[0].warnings.size(), 1U);
    EXPECT_TRUE(dns->states()[0].warnings[0].starts_with(dns->states()[0].name + ": "));
}

TEST_F(Servers, SilenceIsTakenToTheNextThatValidates) {
    Server first(Server::validating);
    const Server second(Server::validating);
    open({{&first}, {&second}});
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_EQ(used(), "++");
    first.kind = Server::silent;
    EXPECT_TRUE(ask().authentic);
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_EQ(used(), "++") << "the last proof is kept";
    const std::size_t before = first.asked("late.test");
    EXPECT_TRUE(ask("late.test").authentic);
    EXPECT_EQ(first.asked("late.test"), before) << "who answers comes first";
    first.kind = Server::validating;
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_TRUE(ask("back.test").authentic);
    EXPECT_EQ(first.asked("back.test"), 1U) << "back in its place";
    EXPECT_EQ(second.asked("back.test"), 0U);
}

TEST_F(Servers, OneThatStopsValidatingLeavesAndComesBack) {
    Server first(Server::validating), second(Server::validating);
    open({{&first}, {&second}});
    EXPECT_EQ(tested(), Validation::proven);
    first.kind = Server::plain;
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_EQ(used(), "-+");
    second.kind = Server::plain;
    EXPECT_EQ(tested(), Validation::lost);
    EXPECT_EQ(used(), "++");
    EXPECT_EQ(ask().status, DnsStatus::answer);
    EXPECT_FALSE(ask().authentic);
    first.kind = Server::validating;
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_EQ(used(), "+-");
}

TEST_F(Servers, WhatIsKnownOfAll) {
    constexpr Millis long_ago{0}, just_now{60'000};
    const struct {
        const char* what;
        std::vector<Server::Kind> kinds;
        bool second_trusted;
        Millis starting;
        Validation validation;
    } table[] = {
        {"one that refutes", {Server::plain}, true, just_now, Validation::never},
        {"one without uplink", {Server::no_uplink}, true, long_ago, Validation::untested},
        {"one that is silent", {Server::silent}, true, long_ago, Validation::untested},
        {"one without uplink may yet validate",
         {Server::plain, Server::no_uplink},
         true,
         long_ago,
         Validation::untested},
        {"one that is silent may yet start",
         {Server::plain, Server::silent},
         true,
         just_now,
         Validation::untested},
        {"for a while", {Server::plain, Server::silent}, true, long_ago, Validation::never},
        {"unless its word would not count",
         {Server::plain, Server::silent},
         false,
         just_now,
         Validation::never},
    };
    for (const auto& row : table) {
        std::vector<std::unique_ptr<Server>> servers;
        std::vector<Listed> list;
        for (const Server::Kind kind : row.kinds) {
            servers.push_back(std::make_unique<Server>(kind));
            list.push_back({servers.back().get(), Role::named, list.empty() || row.second_trusted});
        }
        open(list, row.starting);
        EXPECT_EQ(tested(), row.validation) << row.what;
    }
}

// Nothing configured: those of this machine count as soon as they answer, however late that is.
TEST_F(Servers, SystemServersServeOnlyWhileNoLocalOneAnswers) {
    Server local(Server::silent);
    const Server system(Server::plain);
    open({{&local, Role::local}, {&system, Role::system, false}});
    EXPECT_EQ(tested(), Validation::never);
    EXPECT_FALSE(dns->states()[0].missed()) << "nobody said that there is one";
    EXPECT_FALSE(dns->states()[0].worth_telling());
    EXPECT_TRUE(dns->reachable());
    EXPECT_EQ(ask("early.test").status, DnsStatus::answer);
    EXPECT_EQ(system.asked("early.test"), 1U);
    local.kind = Server::validating;
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_EQ(used(), "+-");
    EXPECT_FALSE(dns->states()[1].tested);
    EXPECT_TRUE(dns->states()[0].worth_telling());
    EXPECT_FALSE(dns->states()[1].worth_telling()) << "nobody needs it any more";
    EXPECT_TRUE(ask("late.test").authentic);
    EXPECT_EQ(system.asked("late.test"), 0U);
    local.kind = Server::silent;
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_EQ(ask("dead.test").status, DnsStatus::timeout) << "unknown, not asked elsewhere";
    EXPECT_TRUE(dns->states()[0].missed()) << "now it is";
    EXPECT_TRUE(dns->states()[0].worth_telling());
    EXPECT_FALSE(dns->reachable()) << "what the other answers does not help";
}

TEST_F(Servers, LocalServerOfResolvConfCountsToo) {
    const Server local(Server::silent), system(Server::validating);
    open({{&local, Role::local}, {&system, Role::system}});
    EXPECT_EQ(tested(), Validation::proven);
    EXPECT_TRUE(ask().authentic);
}

TEST_F(Servers, QuestionUnderWayIsAskedAgainOfWhoeverIsAskedNow) {
    Server first(Server::validating);
    const Server second(Server::validating);
    open({{&first}, {&second}});
    EXPECT_EQ(tested(), Validation::proven);
    first.kind = Server::plain;
    DnsAnswer answer;
    asio::co_spawn(loop, dns->ask(Question("slow.test", RrType::a)),
                   [&](const std::exception_ptr&, DnsAnswer got) { answer = std::move(got); });
    EXPECT_EQ(tested(), Validation::proven); // finds out the first before it has answered
    EXPECT_EQ(used(), "-+");
    loop.restart();
    loop.run_for(Millis{300});
    EXPECT_TRUE(answer.authentic);
    EXPECT_EQ(first.asked("slow.test"), 1U);
    EXPECT_EQ(second.asked("slow.test"), 1U);
}

TEST(ServersSettings, Refused) {
    asio::io_context loop;
    EXPECT_FALSE(DnsServers::create(loop, {}));
    DnsServersSettings settings;
    settings.servers.emplace_back(DnsServer{"127.0.0.1", 53}, Role::named, true);
    settings.timeout = Millis{0};
    EXPECT_FALSE(DnsServers::create(loop, std::move(settings)));
}

} // namespace
} // namespace surehop
