// SPDX-License-Identifier: Apache-2.0
#include "resolve/measured.h"

#include "support/world.h"

#include <gtest/gtest.h>

namespace surehop::test {
namespace {

template <class T> T wait_for(asio::io_context& loop, asio::awaitable<T> coroutine) {
    std::optional<T> out;
    asio::co_spawn(loop, std::move(coroutine),
                   [&](const std::exception_ptr&, T value) { out.emplace(std::move(value)); });
    loop.restart();
    loop.run();
    return *std::move(out);
}

TEST(Measured, questions_and_fetches_are_counted_by_what_came_of_them) {
    World world;
    Measures measures;
    MeasuredDns dns(world.dns, measures);
    MeasuredHttps https(world.https, measures);
    EXPECT_EQ(wait_for(world.loop, dns.ask(Question("nowhere.test", RrType::tlsa))).status,
              DnsStatus::no_name);
    wait_for(world.loop, dns.ask(Question("nowhere.test", RrType::tlsa)));
    wait_for(world.loop, https.get(HttpsRequest("mta-sts.nowhere.test", "/x", {"192.0.2.1"})));
    std::string page;
    measures.print(page);
    EXPECT_NE(page.find("surehop_dns_queries_total{type=\"tlsa\",result=\"no-name\"} 2\n"),
              std::string::npos)
        << page;
    EXPECT_NE(page.find("surehop_dns_query_seconds_count 2\n"), std::string::npos) << page;
    EXPECT_NE(page.find("surehop_policy_fetch_seconds_count 1\n"), std::string::npos) << page;
    EXPECT_EQ(page.find("surehop_policy_fetches_total{result=\"ok\"}"), std::string::npos);
    EXPECT_NE(page.find("surehop_policy_fetches_total{result=\"sts-"), std::string::npos) << page;
}

// They wait for ever, and say so by what they do not count.
struct NeverAnswers : Dns, Https {
    asio::awaitable<DnsAnswer> ask(Question) override { co_return co_await never<DnsAnswer>(); }
    asio::awaitable<HttpsReply> get(HttpsRequest) override {
        co_return co_await never<HttpsReply>();
    }
    template <class T> static asio::awaitable<T> never() {
        asio::steady_timer timer(co_await asio::this_coro::executor,
                                 asio::steady_timer::time_point::max());
        co_await timer.async_wait(asio::use_awaitable);
        co_return T{};
    }
};

// As when surehopd stops: the loop, and with it what still waits, is the last to go.
TEST(Measured, what_has_not_ended_is_destroyed_without_a_word) {
    Measures measures;
    NeverAnswers world;
    MeasuredDns dns(world, measures);
    MeasuredHttps https(world, measures);
    {
        asio::io_context loop;
        asio::co_spawn(loop, dns.ask(Question("silent.test", RrType::mx)), asio::detached);
        asio::co_spawn(loop, https.get(HttpsRequest("mta-sts.silent.test", "/x", {"192.0.2.1"})),
                       asio::detached);
        loop.poll();
    }
    std::string page;
    measures.print(page);
    EXPECT_NE(page.find("surehop_dns_query_seconds_count 0\n"), std::string::npos) << page;
    EXPECT_NE(page.find("surehop_policy_fetch_seconds_count 0\n"), std::string::npos) << page;
}

} // namespace
} // namespace surehop::test
