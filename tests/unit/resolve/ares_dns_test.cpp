// SPDX-License-Identifier: Apache-2.0
#include "resolve/ares_dns.h"

#include "support/dns_server.h"
#include "support/run.h"

#include <asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

namespace surehop {
namespace {

using test::DnsMessage;
using test::DnsPacket;
using test::DnsQuery;
using test::mx_rdata;
using test::NameServer;
using test::txt_rdata;

using Packets = std::vector<DnsPacket>;

DnsMessage reply_to(const DnsQuery& query) {
    DnsMessage message(query.name, query.type);
    message.id(query.id);
    return message;
}

DnsMessage mx_reply(const DnsQuery& query) {
    return reply_to(query).answer(query.name, RrType::mx, 300, mx_rdata(10, "mx.example")).edns();
}

// A loop, servers, and questions put to them.
struct Wire {
    explicit Wire(std::vector<const NameServer*> servers, AresSettings given = {}) {
        settings = std::move(given);
        for (const NameServer* server : servers)
            settings.servers.push_back({"127.0.0.1", server->port()});
        dns = *AresDns::create(loop, settings);
    }

    DnsAnswer ask(Question question) { return test::run(loop, dns->ask(std::move(question))); }
    DnsAnswer ask_mx() { return ask(Question("example.org", RrType::mx)); }

    asio::io_context loop;
    AresSettings settings;
    std::unique_ptr<AresDns> dns;
};

AresSettings impatient() {
    AresSettings settings;
    settings.timeout = Millis{150};
    settings.tries = 1;
    return settings;
}

AresSettings trusting() {
    AresSettings settings;
    settings.trusted_path = true;
    return settings;
}

TEST(AresDns, AsksAsTheStandardsWant) {
    const NameServer server([](const DnsQuery& query) { return Packets{mx_reply(query)}; });
    Wire wire({&server});
    const DnsAnswer answer = wire.ask_mx();
    ASSERT_EQ(answer.status, DnsStatus::answer);
    EXPECT_EQ(std::get<MxRecord>(answer.records.at(0).data).exchange, "mx.example");
    EXPECT_EQ(answer.ttl, 300U);
    ASSERT_EQ(server.queries().size(), 1U);
    const DnsQuery query = server.queries()[0];
    EXPECT_EQ(query.name, "example.org");
    EXPECT_EQ(query.type, 15U);
    EXPECT_TRUE(query.recursion_desired);
    EXPECT_TRUE(query.wants_ad); // RFC 6840 §5.7
    EXPECT_FALSE(query.checking_disabled);
    EXPECT_FALSE(query.dnssec_ok);
    EXPECT_EQ(query.edns_octets, 1232U); // RFC 6891
    EXPECT_FALSE(query.tcp);
}

TEST(AresDns, TheRootAndTheCdBit) {
    const NameServer server([](const DnsQuery& query) {
        return Packets{reply_to(query).answer("", RrType::soa, 60, test::soa_rdata(1)).authentic()};
    });
    Wire wire({&server}, trusting());
    EXPECT_EQ(wire.ask(Question("", RrType::soa)).status, DnsStatus::answer);
    const DnsAnswer unchecked = wire.ask(Question("", RrType::soa, true));
    EXPECT_EQ(unchecked.status, DnsStatus::answer);
    EXPECT_FALSE(unchecked.authentic); // RFC 4035 §3.2.2: nobody checked it
    ASSERT_EQ(server.queries().size(), 2U);
    EXPECT_EQ(server.queries()[0].name, "");
    EXPECT_FALSE(server.queries()[0].checking_disabled);
    EXPECT_TRUE(server.queries()[1].checking_disabled);
    EXPECT_TRUE(server.queries()[1].wants_ad);
}

TEST(AresDns, AdCountsOnlyOverATrustedPath) {
    const NameServer with_ad(
        [](const DnsQuery& query) { return Packets{mx_reply(query).authentic()}; });
    const NameServer without_ad([](const DnsQuery& query) { return Packets{mx_reply(query)}; });
    const NameServer denying(
        [](const DnsQuery& query) { return Packets{reply_to(query).rcode(3).authentic()}; });
    EXPECT_TRUE(Wire({&with_ad}, trusting()).ask_mx().authentic);
    EXPECT_FALSE(Wire({&with_ad}).ask_mx().authentic);
    EXPECT_FALSE(Wire({&without_ad}, trusting()).ask_mx().authentic);
    EXPECT_TRUE(Wire({&denying}, trusting()).ask_mx().authentic);
}

// c-ares 1.34 would answer from a cache whose key ignores the AD and CD bits.
TEST(AresDns, EachQuestionGoesOut) {
    const NameServer server([](const DnsQuery& query) { return Packets{mx_reply(query)}; });
    Wire wire({&server});
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(wire.ask_mx().status, DnsStatus::answer);
    EXPECT_EQ(server.queries().size(), 3U);
}

TEST(AresDns, StatusOfEachAnswer) {
    struct {
        const char* what;
        NameServer::Answers answers;
        DnsStatus status;
    } const table[] = {
        {"NODATA", [](const DnsQuery& q) { return Packets{reply_to(q).edns()}; },
         DnsStatus::no_data},
        {"NXDOMAIN", [](const DnsQuery& q) { return Packets{reply_to(q).rcode(3)}; },
         DnsStatus::no_name},
        {"SERVFAIL", [](const DnsQuery& q) { return Packets{reply_to(q).rcode(2)}; },
         DnsStatus::servfail},
        {"REFUSED", [](const DnsQuery& q) { return Packets{reply_to(q).rcode(5)}; },
         DnsStatus::refused},
        {"BADVERS", [](const DnsQuery& q) { return Packets{reply_to(q).edns(1)}; },
         DnsStatus::refused},
        {"referral",
         [](const DnsQuery& q) {
             return Packets{reply_to(q).authority("org", test::type_ns, 1, test::wire_name("ns"))};
         },
         DnsStatus::refused},
        {"NXDOMAIN and yet an answer",
         [](const DnsQuery& q) { return Packets{mx_reply(q).rcode(3)}; }, DnsStatus::malformed},
        {"silence", [](const DnsQuery&) { return Packets{}; }, DnsStatus::timeout},
        {"another id", [](const DnsQuery& q) { return Packets{mx_reply(q).id(q.id ^ 1U)}; },
         DnsStatus::timeout},
        {"another question",
         [](const DnsQuery& q) { return Packets{DnsMessage("example.net", RrType::mx).id(q.id)}; },
         DnsStatus::timeout},
        {"another type",
         [](const DnsQuery& q) { return Packets{DnsMessage(q.name, RrType::a).id(q.id)}; },
         DnsStatus::timeout},
    };
    for (const auto& row : table) {
        const NameServer server(row.answers);
        EXPECT_EQ(Wire({&server}, impatient()).ask_mx().status, row.status) << row.what;
    }
}

// c-ares 1.18 waits on for a better answer, 1.34 gives up: both say that nothing is known.
TEST(AresDns, GarbageIsNoAnswer) {
    const NameServer server([](const DnsQuery&) { return Packets{Bytes{1, 2, 3}}; });
    const DnsStatus status = Wire({&server}, impatient()).ask_mx().status;
    EXPECT_TRUE(status == DnsStatus::timeout || status == DnsStatus::malformed);
}

TEST(AresDns, FalseAnswersBeforeTheTrueOneDoNoHarm) {
    const NameServer server([](const DnsQuery& q) {
        return Packets{mx_reply(q).id(q.id ^ 1U).rcode(3),
                       DnsMessage("example.net", RrType::mx).id(q.id),
                       DnsPacket(mx_reply(q), Millis{20})};
    });
    EXPECT_EQ(Wire({&server}).ask_mx().status, DnsStatus::answer);
}

TEST(AresDns, TruncatedAnswersComeByTcp) {
    const NameServer server([](const DnsQuery& query) {
        DnsMessage message = reply_to(query);
        if (!query.tcp)
            return Packets{message.truncated()};
        for (int i = 0; i < 30; ++i)
            message.answer(query.name, RrType::txt, 60, txt_rdata({std::string(200, 'x')}));
        return Packets{message.edns()};
    });
    const DnsAnswer answer = Wire({&server}).ask(Question("example.org", RrType::txt));
    EXPECT_EQ(answer.status, DnsStatus::answer);
    EXPECT_EQ(answer.records.size(), 30U);
    ASSERT_EQ(server.queries().size(), 2U);
    EXPECT_TRUE(server.queries()[1].tcp);
    EXPECT_TRUE(server.queries()[1].wants_ad);
}

TEST(AresDns, TruncatedByTcpTooIsMalformed) {
    const NameServer server(
        [](const DnsQuery& query) { return Packets{mx_reply(query).truncated()}; });
    EXPECT_EQ(Wire({&server}, impatient()).ask_mx().status, DnsStatus::malformed);
}

TEST(AresDns, WhatFitsIntoEdnsNeedsNoTcp) {
    const NameServer server([](const DnsQuery& query) {
        DnsMessage message = reply_to(query);
        for (int i = 0; i < 5; ++i)
            message.answer(query.name, RrType::txt, 60, txt_rdata({std::string(200, 'x')}));
        return Packets{message.edns()};
    });
    const DnsAnswer answer = Wire({&server}).ask(Question("example.org", RrType::txt));
    EXPECT_EQ(answer.records.size(), 5U);
    ASSERT_EQ(server.queries().size(), 1U);
    EXPECT_FALSE(server.queries()[0].tcp);
}

// A second server that does not validate would make a bogus zone look merely unsigned.
TEST(AresDns, ServfailIsNotTakenToAnotherServer) {
    const NameServer validating([](const DnsQuery& q) { return Packets{reply_to(q).rcode(2)}; });
    const NameServer other([](const DnsQuery& q) { return Packets{mx_reply(q)}; });
    EXPECT_EQ(Wire({&validating, &other}).ask_mx().status, DnsStatus::servfail);
    EXPECT_EQ(other.queries().size(), 0U);
}

TEST(AresDns, SilenceIsTakenToAnotherServer) {
    const NameServer silent([](const DnsQuery&) { return Packets{}; });
    const NameServer other([](const DnsQuery& q) { return Packets{mx_reply(q)}; });
    AresSettings settings;
    settings.timeout = Millis{100};
    EXPECT_EQ(Wire({&silent, &other}, settings).ask_mx().status, DnsStatus::answer);
    EXPECT_GE(silent.queries().size(), 1U);
}

TEST(AresDns, ClosedPortIsUnreachable) {
    std::uint16_t port = 0;
    { // a port that nobody has any more
        const NameServer gone([](const DnsQuery&) { return Packets{}; });
        port = gone.port();
    }
    asio::io_context loop;
    AresSettings settings;
    settings.servers = {{"127.0.0.1", port}};
    const auto dns = *AresDns::create(loop, settings);
    const auto started = std::chrono::steady_clock::now();
    EXPECT_EQ(test::run(loop, dns->ask(Question("example.org", RrType::mx))).status,
              DnsStatus::unreachable);
    EXPECT_LT(std::chrono::steady_clock::now() - started, Millis{1000});
}

TEST(AresDns, QuestionsThatCannotBeAsked) {
    const NameServer server([](const DnsQuery& q) { return Packets{mx_reply(q)}; });
    Wire wire({&server}, impatient());
    for (const std::string& name : {std::string(64, 'x') + ".example", std::string("a..example"),
                                    std::string(250, 'x') + "." + std::string(60, 'y')})
        EXPECT_EQ(wire.ask(Question(name, RrType::mx)).status, DnsStatus::malformed) << name;
    EXPECT_EQ(server.queries().size(), 0U);
}

// All tries together end within timeout * 2^tries, whatever c-ares makes of it.
TEST(AresDns, TheDeadlineHolds) {
    const NameServer silent([](const DnsQuery&) { return Packets{}; });
    const NameServer other([](const DnsQuery&) { return Packets{}; });
    AresSettings settings;
    settings.timeout = Millis{100};
    settings.tries = 2;
    Wire wire({&silent, &other}, settings);
    const auto started = std::chrono::steady_clock::now();
    EXPECT_EQ(wire.ask_mx().status, DnsStatus::timeout);
    const auto took = std::chrono::steady_clock::now() - started;
    EXPECT_GE(took, Millis{300});
    EXPECT_LT(took, Millis{900});
}

// c-ares 1.34 shortens its timeouts to what the server needed lately: a resolver that answers from
// its cache in no time must still be given all of ours when it has to ask others.
TEST(AresDns, QuickAnswersDoNotCostTheSlowOnes) {
    const NameServer server([](const DnsQuery& q) {
        return Packets{
            DnsPacket(mx_reply(q), q.name.starts_with("slow") ? Millis{1400} : Millis{0})};
    });
    AresSettings settings;
    settings.timeout = Millis{600};
    settings.tries = 2;
    Wire wire({&server}, settings);
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(wire.ask_mx().status, DnsStatus::answer);
    EXPECT_EQ(wire.ask(Question("slow.example", RrType::mx)).status, DnsStatus::answer);
}

asio::awaitable<int> ask_many(Dns& dns, int count, std::string prefix,
                              std::vector<DnsStatus>& got) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer all(executor, asio::steady_timer::time_point::max());
    int left = count;
    for (int i = 0; i < count; ++i) {
        Question question(prefix + std::to_string(i) + ".example", RrType::mx);
        asio::co_spawn(executor, dns.ask(std::move(question)),
                       [&](std::exception_ptr, DnsAnswer answer) {
                           got.push_back(answer.status);
                           if (--left == 0)
                               all.cancel();
                       });
    }
    asio::error_code done;
    co_await all.async_wait(asio::redirect_error(asio::use_awaitable, done));
    co_return left;
}

TEST(AresDns, ABurstIsAnsweredWhole) {
    const NameServer server([](const DnsQuery& q) { return Packets{mx_reply(q)}; });
    Wire wire({&server});
    std::vector<DnsStatus> got;
    EXPECT_EQ(test::run(wire.loop, ask_many(*wire.dns, 3000, "n", got)), 0);
    EXPECT_EQ(got, std::vector<DnsStatus>(3000, DnsStatus::answer));
}

// Dead name servers behind the resolver keep no one else waiting for longer than a turn.
TEST(AresDns, QuestionsWithoutAnswerGiveUpTheirTurn) {
    std::atomic<std::size_t> first_live{0}, seen{0};
    const NameServer server([&](const DnsQuery& q) {
        ++seen;
        if (q.name.starts_with("dead"))
            return Packets{};
        if (first_live == 0)
            first_live = seen.load();
        return Packets{mx_reply(q)};
    });
    AresSettings settings;
    settings.timeout = Millis{4000};
    settings.tries = 1;
    Wire wire({&server}, settings);
    using namespace asio::experimental::awaitable_operators;
    std::vector<DnsStatus> dead, live;
    const auto started = std::chrono::steady_clock::now();
    test::run(wire.loop, [&]() -> asio::awaitable<int> {
        co_await (ask_many(*wire.dns, 250, "dead", dead) || ask_many(*wire.dns, 50, "live", live));
        co_return 0;
    }());
    EXPECT_EQ(live, std::vector<DnsStatus>(50, DnsStatus::answer));
    EXPECT_GT(first_live.load(), 200U); // they had to wait
    EXPECT_LT(std::chrono::steady_clock::now() - started, Millis{3000});
}

TEST(AresDns, WhoHasGivenUpIsNotMissed) {
    const NameServer server(
        [](const DnsQuery& q) { return Packets{DnsPacket(mx_reply(q), Millis{100})}; });
    Wire wire({&server});
    using namespace asio::experimental::awaitable_operators;
    const auto race = [&]() -> asio::awaitable<int> {
        asio::steady_timer soon(co_await asio::this_coro::executor, Millis{20});
        Question question("example.org", RrType::mx);
        const auto first =
            co_await (wire.dns->ask(std::move(question)) || soon.async_wait(asio::use_awaitable));
        co_return static_cast<int>(first.index());
    };
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(test::run(wire.loop, race()), 1);
    EXPECT_EQ(wire.ask_mx().status, DnsStatus::answer); // late answers have come and gone
}

TEST(AresDns, QuestionsUnderWayEndAsUnreachable) {
    const NameServer silent([](const DnsQuery&) { return Packets{}; });
    Wire wire({&silent});
    std::vector<DnsStatus> got;
    asio::co_spawn(wire.loop, ask_many(*wire.dns, 250, "n", got),
                   asio::detached); // 50 wait their turn
    while (silent.queries().empty())
        wire.loop.run_for(Millis{10});
    wire.dns.reset();
    wire.loop.run_for(Millis{500});
    EXPECT_EQ(got, std::vector<DnsStatus>(250, DnsStatus::unreachable));
}

TEST(AresDns, TheLoopMayDieWithQuestionsUnderWay) {
    const NameServer silent([](const DnsQuery&) { return Packets{}; });
    Wire wire({&silent});
    std::vector<DnsStatus> got;
    asio::co_spawn(wire.loop, wire.dns->ask(Question("example.org", RrType::mx)), asio::detached);
    wire.loop.run_for(Millis{50});
    EXPECT_EQ(silent.queries().size(), 1U); // and then everything goes out of scope
}

TEST(AresDns, AskedAfterTheEnd) {
    const NameServer server([](const DnsQuery& q) { return Packets{mx_reply(q)}; });
    Wire wire({&server});
    auto question = wire.dns->ask(Question("example.org", RrType::mx));
    wire.dns.reset();
    EXPECT_EQ(test::run(wire.loop, std::move(question)).status, DnsStatus::unreachable);
    EXPECT_EQ(server.queries().size(), 0U);
}

TEST(AresDns, SettingsAreChecked) {
    asio::io_context loop;
    const auto refused = [&](auto change) {
        AresSettings settings;
        settings.servers = {{"127.0.0.1", 53}};
        change(settings);
        return !AresDns::create(loop, settings);
    };
    EXPECT_FALSE(refused([](AresSettings&) {}));
    EXPECT_TRUE(refused([](AresSettings& s) { s.servers.clear(); }));
    EXPECT_TRUE(refused([](AresSettings& s) { s.servers = {{"localhost", 53}}; }));
    EXPECT_TRUE(refused([](AresSettings& s) { s.tries = 0; }));
    EXPECT_TRUE(refused([](AresSettings& s) { s.tries = 6; }));
    EXPECT_TRUE(refused([](AresSettings& s) { s.timeout = Millis{0}; }));
    EXPECT_TRUE(refused([](AresSettings& s) { s.timeout = Millis{60001}; }));
}

TEST(DnsServer, Parse) {
    struct {
        const char* text;
        const char* address;
        std::uint16_t port;
    } const good[] = {
        {"127.0.0.1", "127.0.0.1", 53},
        {"127.0.0.1:5353", "127.0.0.1", 5353},
        {"::1", "::1", 53},
        {"[::1]", "::1", 53},
        {"[::1]:5353", "::1", 5353},
        {"2001:DB8:0::53", "2001:db8::53", 53},
        {"192.0.2.1:65535", "192.0.2.1", 65535},
    };
    for (const auto& row : good) {
        const auto server = parse_dns_server(row.text);
        ASSERT_TRUE(server) << row.text;
        EXPECT_EQ(server->address, row.address) << row.text;
        EXPECT_EQ(server->port, row.port) << row.text;
    }
    for (const char* text : {"",
                             "localhost",
                             "127.0.0.1:",
                             "127.0.0.1:0",
                             "127.0.0.1:65536",
                             "127.0.0.1:-1",
                             "127.0.0.1:53x",
                             "127.0.0.1:53:53",
                             "127.0.0",
                             "[::1",
                             "[::1]x",
                             "[::1]:",
                             "[::1]:0",
                             "::1]:53",
                             "[]",
                             "[]:53",
                             "[127.0.0.1]:53",
                             " 127.0.0.1",
                             "127.0.0.1 ",
                             "::g",
                             ":53"}) {
        const auto server = parse_dns_server(text);
        ASSERT_FALSE(server) << text;
        EXPECT_NE(server.error().find("is not a DNS server"), std::string::npos) << text;
    }
}

TEST(DnsServer, TrustedPath) {
    for (const char* address : {"127.0.0.1", "::1", "127.0.0.2", "127.1.2.3"})
        EXPECT_TRUE(is_trusted_path({address, 53})) << address;
    for (const char* address :
         {"127.0.0.53", "127.0.0.54", "127.0.0.11", "192.0.2.1", "10.0.0.1", "2001:db8::1",
          "::", "0.0.0.0", "::ffff:127.0.0.53", "::ffff:8.8.8.8"})
        EXPECT_FALSE(is_trusted_path({address, 53})) << address;
}

TEST(DnsServer, ResolvConf) {
    const auto addresses = [](const std::string& text) {
        std::vector<std::string> found;
        for (const DnsServer& server : read_resolv_conf(text)) {
            EXPECT_EQ(server.port, 53);
            found.push_back(server.address);
        }
        return found;
    };
    using Found = std::vector<std::string>;
    EXPECT_EQ(addresses("nameserver 192.0.2.1\nnameserver\t2001:DB8::1\n"),
              (Found{"192.0.2.1", "2001:db8::1"}));
    EXPECT_EQ(addresses("# nameserver 192.0.2.9\n;nameserver 192.0.2.9\nsearch example.org\n"
                        "options edns0\nnameserver   192.0.2.1   # ours\r\nnameserver 192.0.2.2"),
              (Found{"192.0.2.1", "192.0.2.2"}));
    EXPECT_EQ(addresses("nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\n"
                        "nameserver 1.1.1.4\n"),
              (Found{"1.1.1.1", "1.1.1.2", "1.1.1.3"}));
    for (const char* nothing :
         {"", "\n\n", "nameserver", "nameserver\n", "nameserver \n", "nameserver dns.example\n",
          "nameservers 192.0.2.1\n", "nameserver192.0.2.1\n", " nameserver 192.0.2.1\n"})
        EXPECT_EQ(addresses(nothing), Found{}) << nothing;
}

} // namespace
} // namespace surehop
