// SPDX-License-Identifier: Apache-2.0
#include "resolve/curl_https.h"

#include "support/https_server.h"
#include "support/run.h"

#include <asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>

namespace surehop {
namespace {

using test::always;
using test::Certificate;
using test::http_reply;
using test::HttpsConnection;
using test::HttpsServer;
using test::Subject;
using test::TemporaryFile;
using test::TestCa;

constexpr const char* host = "mta-sts.example.test";
constexpr const char* path = "/.well-known/mta-sts.txt";
const std::string policy =
    "version: STSv1\r\nmode: enforce\r\nmx: mx.example.test\r\nmax_age: 86400\r\n";

// One CA for all: keys take time.
const TestCa& ca() {
    static const TestCa authority;
    return authority;
}
const std::string& ca_file() {
    static const TemporaryFile file(ca().pem());
    return file.path();
}

CurlSettings settings_for(const HttpsServer& server) {
    CurlSettings settings;
    settings.ca_file = ca_file();
    settings.port = server.port();
    settings.timeout = Millis{5000};
    settings.allow_private = {"127.0.0.0/8"};
    return settings;
}

HttpsReply fetch(CurlSettings settings, std::vector<std::string> addresses = {"127.0.0.1"},
                 std::string name = host, std::string where = path) {
    asio::io_context loop;
    CurlHttps https(std::move(settings));
    return test::run(
        loop, https.get(HttpsRequest(std::move(name), std::move(where), std::move(addresses))));
}

// What comes of a server that behaves so.
HttpsReply fetch_from(HttpsServer::Behaviour behaviour) {
    const HttpsServer server(ca().mint(host), std::move(behaviour));
    return fetch(settings_for(server));
}
HttpsReply fetch_with(const Certificate& certificate, std::string name = host) {
    const HttpsServer server(certificate, always(http_reply(policy)));
    return fetch(settings_for(server), {"127.0.0.1"}, std::move(name));
}

bool cut_after(HttpsConnection& connection, const std::string& octets) {
    const bool written = connection.write(octets);
    connection.cut();
    return written;
}

TEST(CurlHttps, FetchesAPolicy) {
    const HttpsServer server(ca().mint(host), always(http_reply(policy)));
    const HttpsReply reply = fetch(settings_for(server));
    EXPECT_EQ(reply.reason, Reason::none) << reply.detail;
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.media_type, "text/plain");
    EXPECT_EQ(reply.body, policy);

    ASSERT_EQ(server.contacts().size(), 1U);
    const auto contact = server.contacts()[0];
    EXPECT_EQ(contact.server_name, host); // RFC 8461 §7.1
    EXPECT_TRUE(contact.request.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n"));
    EXPECT_NE(contact.request.find(std::string("Host: ") + host), std::string::npos);
    for (const char* unwanted : {"Accept-Encoding", "Cookie", "Authorization", "If-", "Upgrade"})
        EXPECT_EQ(contact.request.find(unwanted), std::string::npos) << unwanted;
}

TEST(CurlHttps, WhateverStatusAWholeAnswerIsHandedOver) {
    for (const char* status :
         {"201 Created", "204 No Content", "301 Moved Permanently", "302 Found",
          "307 Temporary Redirect", "404 Not Found", "500 Oops"}) {
        const HttpsServer elsewhere(ca().mint(host), always(http_reply(policy)));
        const std::string reply_text =
            fmt::format("HTTP/1.1 {}\r\nLocation: https://{}:{}{}\r\nContent-Length: 0\r\n\r\n",
                        status, host, elsewhere.port(), path);
        const HttpsServer server(ca().mint(host), always(reply_text));
        const HttpsReply reply = fetch(settings_for(server));
        EXPECT_EQ(reply.reason, Reason::none) << status << reply.detail;
        EXPECT_EQ(reply.status, std::stol(status));
        EXPECT_EQ(server.contacts().size(), 1U);
        EXPECT_EQ(elsewhere.contacts().size(), 0U); // RFC 8461 §3.3: not followed
    }
}

TEST(CurlHttps, MediaType) {
    struct {
        const char* header;
        const char* type;
    } const table[] = {
        {"text/plain", "text/plain"},
        {"Text/Plain; charset=UTF-8; x=1", "text/plain"},
        {"text/plain ;charset=us-ascii", "text/plain"},
        {"text/html", "text/html"},
        {"text/plainx", "text/plainx"},
        {"", ""},
        {";", ""},
    };
    for (const auto& row : table)
        EXPECT_EQ(fetch_from(always(http_reply("x", "200 OK", row.header))).media_type, row.type)
            << row.header;
    EXPECT_EQ(fetch_from(always("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")).media_type, "");
}

// RFC 8461 §3.3: WebPKI, and the name as DNS-ID.
TEST(CurlHttps, Certificates) {
    const auto names = [](std::vector<std::string> all) { return Subject{std::move(all), "test"}; };
    struct {
        const char* what;
        Subject subject;
        Reason reason;
    } const table[] = {
        {"good", names({"DNS:mta-sts.example.test"}), Reason::none},
        {"one of several", names({"DNS:a.test", "DNS:mta-sts.example.test"}), Reason::none},
        {"in capitals", names({"DNS:MTA-STS.Example.TEST"}), Reason::none},
        {"wildcard", names({"DNS:*.example.test"}), Reason::none},
        {"wrong name", names({"DNS:example.test"}), Reason::sts_fetch_tls},
        {"wildcard one label up", names({"DNS:*.test"}), Reason::sts_fetch_tls},
        {"wildcard within a label", names({"DNS:mta-*.example.test"}), Reason::sts_fetch_tls},
        {"wildcard of everything", names({"DNS:*"}), Reason::sts_fetch_tls},
        {"wildcard in the middle", names({"DNS:mta-sts.*.test"}), Reason::sts_fetch_tls},
        {"the address", names({"IP:127.0.0.1"}), Reason::sts_fetch_tls},
        {"common name only", Subject{{}, host}, Reason::sts_fetch_tls},
        {"common name and an e-mail address", Subject{{"email:a@example.test"}, host},
         Reason::sts_fetch_tls},
        {"common name right, DNS-ID wrong", Subject{{"DNS:a.test"}, host}, Reason::sts_fetch_tls},
        {"expired", Subject{{"DNS:mta-sts.example.test"}, "test", -7200, -3600},
         Reason::sts_fetch_tls},
        {"not yet valid", Subject{{"DNS:mta-sts.example.test"}, "test", 3600, 7200},
         Reason::sts_fetch_tls},
    };
    for (const auto& row : table) {
        const HttpsReply reply = fetch_with(ca().mint(row.subject));
        EXPECT_EQ(reply.reason, row.reason) << row.what << ": " << reply.detail;
        EXPECT_EQ(reply.body, row.reason == Reason::none ? policy : "") << row.what;
    }
    const TestCa stranger;
    EXPECT_EQ(fetch_with(stranger.mint(host)).reason, Reason::sts_fetch_tls);
}

// RFC 8461 §7.2, RFC 8996.
TEST(CurlHttps, TlsVersions) {
    const auto reason = [](int newest) {
        const HttpsServer server(ca().mint(host), always(http_reply(policy)), newest);
        return fetch(settings_for(server)).reason;
    };
    EXPECT_EQ(reason(TLS1_3_VERSION), Reason::none);
    EXPECT_EQ(reason(TLS1_2_VERSION), Reason::none);
    EXPECT_EQ(reason(TLS1_1_VERSION), Reason::sts_fetch_tls);
    EXPECT_EQ(reason(TLS1_VERSION), Reason::sts_fetch_tls);
}

TEST(CurlHttps, CaFileThatCannotBeReadIsOurFault) {
    const HttpsServer server(ca().mint(host), always(http_reply(policy)));
    CurlSettings settings = settings_for(server);
    settings.ca_file = ca_file() + ".not-there";
    EXPECT_EQ(fetch(settings).reason, Reason::sts_fetch_local);
    const TemporaryFile garbage("no certificate");
    settings.ca_file = garbage.path();
    EXPECT_EQ(fetch(settings).reason, Reason::sts_fetch_local);
    settings.ca_file.clear(); // the system's store, which does not know our CA
    EXPECT_EQ(fetch(settings).reason, Reason::sts_fetch_tls);
}

std::string chunked(std::size_t size) {
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                       size, std::string(size, 'x'));
}

std::string until_close(std::size_t size) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + std::string(size, 'x');
}

// RFC 8461 §3.3: 64 KB is what it suggests.
TEST(CurlHttps, Sizes) {
    constexpr std::size_t most = 65536;
    struct {
        std::string what;
        std::string reply;
        Reason reason;
    } const table[] = {
        {"with length, most", http_reply(std::string(most, 'x')), Reason::none},
        {"with length, more", http_reply(std::string(most + 1, 'x')), Reason::sts_fetch_size},
        {"chunked, most", chunked(most), Reason::none},
        {"chunked, more", chunked(most + 1), Reason::sts_fetch_size},
        {"until close, most", until_close(most), Reason::none},
        {"until close, more", until_close(most + 1), Reason::sts_fetch_size},
        {"promised", "HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n",
         Reason::sts_fetch_size},
        {"empty", http_reply(""), Reason::none},
        {"one long header",
         "HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'x') + "\r\nContent-Length: 0\r\n\r\n",
         Reason::sts_fetch_size},
    };
    for (const auto& row : table) {
        const HttpsReply reply = fetch_from(always(row.reply));
        EXPECT_EQ(reply.reason, row.reason) << row.what << ": " << reply.detail;
        EXPECT_LE(reply.body.size(), most);
        EXPECT_EQ(reply.body.empty(), row.reason != Reason::none || row.what == "empty")
            << row.what;
    }
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 2000; ++i)
        many += "X-Y: zzzzzzzzzz\r\n";
    EXPECT_EQ(fetch_from(always(many + "\r\n")).reason, Reason::sts_fetch_size);
    std::string hints; // informational replies without end
    for (int i = 0; i < 2000; ++i)
        hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
    EXPECT_EQ(fetch_from(always(hints)).reason, Reason::sts_fetch_size);
}

TEST(CurlHttps, AnswersThatAreNotWhole) {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    struct {
        const char* what;
        HttpsServer::Behaviour behaviour;
    } const table[] = {
        {"closed at once", [](HttpsConnection&) {}},
        {"cut at once", [](HttpsConnection& c) { c.cut(); }},
        {"garbage", always("\x01\x02\x03 no HTTP at all\r\n\r\n")},
        {"HTTP/0.9", always(policy)},
        {"half a header", always("HTTP/1.1 200 OK\r\nContent-")},
        {"header without end", always(head)},
        {"only an informational reply", always("HTTP/1.1 103 Early Hints\r\n\r\n")},
        {"shorter than its length", always(head + "Content-Length: 1000\r\n\r\n" + policy)},
        {"cut within its length",
         [&](HttpsConnection& c) { cut_after(c, head + "Content-Length: 1000\r\n\r\n" + policy); }},
        {"chunk without end", always(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nab")},
        {"no last chunk", always(head + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")},
        {"broken chunk size", always(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n")},
        // Without a length only the TLS goodbye says that the body is whole: "max_age: 8640" must
        // not pass for "max_age: 86400".
        {"no length, cut", [&](HttpsConnection& c) { cut_after(c, head + "\r\n" + policy); }},
    };
    for (const auto& row : table) {
        const HttpsReply reply = fetch_from(row.behaviour);
        EXPECT_EQ(reply.reason, Reason::sts_fetch_connect) << row.what << ": " << reply.detail;
        EXPECT_EQ(reply.body, "") << row.what;
        EXPECT_FALSE(reply.detail.empty()) << row.what;
    }
}

TEST(CurlHttps, CompressionIsNeitherAskedForNorUndone) {
    const std::string zipped("\x1f\x8b\x08\x00 not really", 16);
    const HttpsReply reply = fetch_from(
        always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 16\r\n\r\n" + zipped));
    EXPECT_EQ(reply.reason, Reason::none);
    EXPECT_EQ(reply.body, zipped);
}

TEST(CurlHttps, TimeIsLimited) {
    const auto timed = [](HttpsServer::Behaviour behaviour) {
        const HttpsServer server(ca().mint(host), std::move(behaviour));
        CurlSettings settings = settings_for(server);
        settings.timeout = Millis{400};
        const auto started = std::chrono::steady_clock::now();
        const Reason reason = fetch(settings).reason;
        EXPECT_LT(std::chrono::steady_clock::now() - started, Millis{1500});
        return reason;
    };
    EXPECT_EQ(timed([](HttpsConnection& c) { c.wait(Millis{3000}); }), Reason::sts_fetch_timeout);
    EXPECT_EQ(timed([](HttpsConnection& c) { // a slow drip
                  c.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                  while (c.wait(Millis{50}) && c.write("x")) {
                  }
              }),
              Reason::sts_fetch_timeout);
    EXPECT_EQ(timed([](HttpsConnection& c) { // and of headers
                  c.write("HTTP/1.1 200 OK\r\n");
                  while (c.wait(Millis{50}) && c.write("X: y\r\n")) {
                  }
              }),
              Reason::sts_fetch_timeout);
}

TEST(CurlHttps, NobodyThere) {
    CurlSettings settings;
    {
        const HttpsServer gone(ca().mint(host), always(""));
        settings = settings_for(gone);
    }
    const HttpsReply reply = fetch(settings);
    EXPECT_EQ(reply.reason, Reason::sts_fetch_connect);
    EXPECT_FALSE(reply.detail.empty());
}

TEST(CurlHttps, AddressesAreGuarded) {
    const HttpsServer server(ca().mint(host), always(http_reply(policy)));
    CurlSettings settings = settings_for(server);
    settings.allow_private.clear();
    for (const char* address : {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1",
                                "::ffff:127.0.0.1", "0.0.0.0", "not an address"}) {
        const HttpsReply reply = fetch(settings, {address});
        EXPECT_EQ(reply.reason, Reason::sts_fetch_address) << address;
        EXPECT_NE(reply.detail.find(address), std::string::npos);
    }
    settings.allow_private = {"127.0.0.2"};
    EXPECT_EQ(fetch(settings).reason, Reason::sts_fetch_address);
    EXPECT_EQ(server.contacts().size(), 0U);
    // Private ones among others are left out; here the only one left is where nobody listens.
    EXPECT_EQ(fetch(settings, {"127.0.0.1", "127.0.0.2"}).reason, Reason::sts_fetch_connect);
    EXPECT_EQ(server.contacts().size(), 0U);
    EXPECT_EQ(fetch(settings, {}).reason, Reason::sts_fetch_connect);
}

TEST(CurlHttps, TheNextAddressIsTried) {
    const HttpsServer server(ca().mint(host), always(http_reply(policy)));
    EXPECT_EQ(fetch(settings_for(server), {"127.0.0.9", "127.0.0.1"}).reason, Reason::none);
}

TEST(CurlHttps, NamesAndPathsThatAreNone) {
    const HttpsServer server(ca().mint(host), always(http_reply(policy)));
    for (const char* name :
         {"", "a b", "user@host", "host:1", "host/x", "h\nx", "[::1]", "Ünï", "UPPER.example"})
        EXPECT_EQ(fetch(settings_for(server), {"127.0.0.1"}, name).reason,
                  Reason::sts_fetch_connect)
            << name;
    for (const char* where : {"", "x", "/a b", "/\r\nX: y", "/\x7f"})
        EXPECT_EQ(fetch(settings_for(server), {"127.0.0.1"}, host, where).reason,
                  Reason::sts_fetch_connect)
            << where;
    EXPECT_EQ(server.contacts().size(), 0U);
}

TEST(CurlHttps, TheEnvironmentIsNotAsked) {
    const HttpsServer server(ca().mint(host), always(http_reply(policy)));
    const HttpsServer proxy(ca().mint(host), always(http_reply(policy)));
    const std::string url = fmt::format("http://127.0.0.1:{}", proxy.port());
    for (const char* name : {"https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"})
        setenv(name, url.c_str(), 1);
    setenv("SSL_CERT_FILE", "/nowhere", 1);
    EXPECT_EQ(fetch(settings_for(server)).reason, Reason::none);
    for (const char* name :
         {"https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE"})
        unsetenv(name);
    EXPECT_EQ(server.contacts().size(), 1U);
    EXPECT_EQ(proxy.contacts().size(), 0U);
}

// One name, one address, then another: the second transfer must not go where the first one went.
TEST(CurlHttps, PinsDoNotOutliveTheirTransfer) {
    const HttpsServer server(ca().mint(host), always(http_reply(policy)));
    asio::io_context loop;
    CurlHttps https(settings_for(server));
    const auto get = [&](std::string address) {
        std::vector<std::string> addresses{std::move(address)};
        return test::run(loop, https.get(HttpsRequest(host, path, std::move(addresses)))).reason;
    };
    EXPECT_EQ(get("127.0.0.1"), Reason::none);
    EXPECT_EQ(get("127.0.0.9"), Reason::sts_fetch_connect); // nobody listens there
    EXPECT_EQ(get("127.0.0.1"), Reason::none);
    EXPECT_EQ(get("10.0.0.1"), Reason::sts_fetch_address);
    EXPECT_EQ(get("127.0.0.1"), Reason::none);
    EXPECT_EQ(server.contacts().size(), 3U); // a connection each
}

asio::awaitable<int> get_many(Https& https, int count, std::vector<Reason>& got) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer all(executor, asio::steady_timer::time_point::max());
    int left = count;
    for (int i = 0; i < count; ++i) {
        std::vector<std::string> addresses{"127.0.0.1"};
        HttpsRequest request(host, path, std::move(addresses));
        asio::co_spawn(executor, https.get(std::move(request)),
                       [&](std::exception_ptr, HttpsReply reply) {
                           got.push_back(reply.reason);
                           if (--left == 0)
                               all.cancel();
                       });
    }
    asio::error_code done;
    co_await all.async_wait(asio::redirect_error(asio::use_awaitable, done));
    co_return left;
}

TEST(CurlHttps, ManyAtOnceWaitForTheirTurn) {
    std::atomic<int> now{0}, most{0};
    const HttpsServer server(ca().mint(host), [&](HttpsConnection& c) {
        const int here = ++now;
        for (int seen = most; here > seen && !most.compare_exchange_weak(seen, here);) {
        }
        c.wait(Millis{30});
        --now;
        c.write(http_reply(policy));
    });
    CurlSettings settings = settings_for(server);
    settings.most_in_flight = 4;
    asio::io_context loop;
    CurlHttps https(settings);
    std::vector<Reason> got;
    EXPECT_EQ(test::run(loop, get_many(https, 40, got)), 0);
    EXPECT_EQ(got, std::vector<Reason>(40, Reason::none));
    EXPECT_LE(most, 4);
    EXPECT_GE(most, 2);
}

TEST(CurlHttps, WaitingForATurnIsLimitedToo) {
    const HttpsServer server(ca().mint(host), [](HttpsConnection& c) { c.wait(Millis{5000}); });
    CurlSettings settings = settings_for(server);
    settings.most_in_flight = 1;
    settings.timeout = Millis{300};
    asio::io_context loop;
    CurlHttps https(settings);
    std::vector<Reason> got;
    const auto started = std::chrono::steady_clock::now();
    EXPECT_EQ(test::run(loop, get_many(https, 10, got)), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - started, Millis{2500}); // not ten times 300 ms
    EXPECT_EQ(got, std::vector<Reason>(10, Reason::sts_fetch_timeout));
}

TEST(CurlHttps, TransfersUnderWayEndWithTheObject) {
    const HttpsServer server(ca().mint(host), [](HttpsConnection& c) { c.wait(Millis{5000}); });
    asio::io_context loop;
    CurlSettings settings = settings_for(server);
    settings.most_in_flight = 2; // two under way, eight waiting
    auto https = std::make_unique<CurlHttps>(settings);
    std::vector<Reason> got;
    asio::co_spawn(loop, get_many(*https, 10, got), asio::detached);
    for (int i = 0; i < 300 && server.contacts().size() < 2; ++i)
        loop.run_for(Millis{10});
    ASSERT_EQ(server.contacts().size(), 2U);
    const auto started = std::chrono::steady_clock::now();
    https.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - started, Millis{1000});
    loop.restart();
    loop.run_for(Millis{500});
    EXPECT_EQ(got, std::vector<Reason>(10, Reason::sts_fetch_connect));
}

TEST(CurlHttps, AskedAfterTheEnd) {
    asio::io_context loop;
    auto https = std::make_unique<CurlHttps>(CurlSettings{});
    std::vector<std::string> addresses{"127.0.0.1"};
    auto late = https->get(HttpsRequest(host, path, std::move(addresses)));
    https.reset();
    EXPECT_EQ(test::run(loop, std::move(late)).reason, Reason::sts_fetch_connect);
}

TEST(CurlHttps, WhoHasGivenUpIsNotMissed) {
    const HttpsServer server(ca().mint(host), [](HttpsConnection& c) {
        c.wait(Millis{100});
        c.write(http_reply(policy));
    });
    asio::io_context loop;
    CurlHttps https(settings_for(server));
    using namespace asio::experimental::awaitable_operators;
    const auto race = [&]() -> asio::awaitable<int> {
        asio::steady_timer soon(co_await asio::this_coro::executor, Millis{30});
        std::vector<std::string> addresses{"127.0.0.1"};
        HttpsRequest request(host, path, std::move(addresses));
        const auto first =
            co_await (https.get(std::move(request)) || soon.async_wait(asio::use_awaitable));
        co_return static_cast<int>(first.index());
    };
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(test::run(loop, race()), 1);
    std::vector<std::string> addresses{"127.0.0.1"};
    EXPECT_EQ(test::run(loop, https.get(HttpsRequest(host, path, std::move(addresses)))).reason,
              Reason::none);
}

} // namespace
} // namespace surehop
