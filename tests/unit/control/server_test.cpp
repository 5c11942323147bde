// SPDX-License-Identifier: Apache-2.0
#include "control/server.h"

#include "control/client.h"
#include "support/child.h"
#include "support/run.h"
#include "support/temp_dir.h"

#include <asio/local/connect_pair.hpp>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace surehop::test {
namespace {

constexpr uid_t nobody = 65534;

// Repeats what it was asked, and by whom.
asio::awaitable<Json> echo(Json request, Peer peer) {
    Json out;
    out["asked"] = std::move(request);
    out["change"] = peer.may_change;
    out["uid"] = peer.uid;
    co_return control_result(std::move(out));
}

class Control : public ::testing::Test {
  protected:
    // What the daemon answers to these octets, after which we say no more if `finished`.
    std::string ask(std::string_view octets, bool finished = true) {
        return ask(octets, finished, ControlServer(echo));
    }
    std::string ask(std::string_view octets, bool finished, ControlServer server) {
        asio::io_context loop;
        asio::local::stream_protocol::socket a(loop), b(loop);
        asio::local::connect_pair(a, b);
        StreamSocket ours(std::move(a)), theirs(std::move(b));
        asio::co_spawn(loop, server.serve(std::move(theirs)), asio::detached);
        return run(loop, talk(std::move(ours), std::string(octets), finished));
    }

  private:
    static asio::awaitable<std::string> talk(StreamSocket socket, std::string octets,
                                             bool finished) {
        asio::error_code failed;
        co_await asio::async_write(socket, asio::buffer(octets),
                                   asio::redirect_error(asio::use_awaitable, failed));
        if (finished)
            socket.shutdown(asio::socket_base::shutdown_send, failed);
        std::string all;
        std::array<char, 4096> buffer{};
        for (;;) {
            const std::size_t count = co_await socket.async_read_some(
                asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, failed));
            if (failed)
                co_return all;
            all.append(buffer.data(), count);
        }
    }
};

TEST_F(Control, OneRequestOneAnswer) {
    const auto reply = parse_json(ask("{\"do\": \"status\", \"n\": 1}\n", false));
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->at("ok").get<bool>());
    EXPECT_EQ(reply->at("result").at("asked"), (Json{{"do", "status"}, {"n", 1}}));
    EXPECT_EQ(reply->at("result").at("uid").get<uid_t>(), ::getuid());
    EXPECT_TRUE(reply->at("result").at("change").get<bool>()) << "root, or the daemon's own user";
}

TEST_F(Control, WhatIsNoRequestGetsAnErrorAndNeverSilence) {
    struct Row {
        std::string octets;
        const char* error;
    };
    const Row table[] = {
        {"status\n", "the request is not a JSON object"},
        {"\n", "the request is not a JSON object"},
        {"{\n", "the request is not a JSON object"},
        {"[]\n", "the request is not a JSON object"},
        {"\"status\"\n", "the request is not a JSON object"},
        {"null\n", "the request is not a JSON object"},
        {"{}{}\n", "the request is not a JSON object"},
        {"{\"do\": \"\xff\"}\n", "the request is not a JSON object"},
        {std::string("{\"do\":\0}\n", 9), "the request is not a JSON object"},
        {std::string(60'000, '[') + "\n", "the request is not a JSON object"},
        {std::string(30'000, '[') + std::string(30'000, ']') + "\n",
         "the request is not a JSON object"},
        {std::string(longest_control_change + 1, ' '), "the request is too long: "},
        {"{\"do\": \"" + std::string(longest_control_change, 'x') + "\"}\n",
         "the request is too long: "},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.octets.substr(0, 30));
        const std::string text = ask(row.octets);
        const auto reply = parse_json(text);
        ASSERT_TRUE(reply) << text;
        EXPECT_FALSE(reply->at("ok").get<bool>());
        EXPECT_TRUE(reply->at("error").get<std::string>().starts_with(row.error)) << text;
    }
}

TEST_F(Control, WhoMayChangeMaySendAWholeList) {
    const std::string list(longest_control_change / 2, 'x');
    const auto reply = parse_json(ask(print_json(Json{{"text", list}}) + "\n", false));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->at("result").at("asked").at("text"), list);
}

TEST_F(Control, PeerIsWaitedForNoLongerThanPatience) {
    EXPECT_EQ(ask("{\"do\": ", false, ControlServer(echo, Millis{20})), "");
}

// It is the peer that must hurry, not the answer.
TEST_F(Control, AnswerMayTakeLonger) {
    const auto slow = [](Json, Peer) -> asio::awaitable<Json> {
        asio::steady_timer pause(co_await asio::this_coro::executor, Millis{100});
        co_await pause.async_wait(asio::use_awaitable);
        co_return control_result(1);
    };
    EXPECT_EQ(ask("{}\n", false, ControlServer(slow, Millis{20})), "{\"ok\":true,\"result\":1}\n");
}

TEST_F(Control, PeerThatLeavesWithoutAWholeRequest) {
    EXPECT_EQ(ask(""), "");
    EXPECT_EQ(ask("{\"do\": \"status\"}"), "");
}

TEST(ControlPeer, RightsComeFromTheKernelAndGroups) {
    const Peer root = identify(0, 0);
    EXPECT_TRUE(root.may_read && root.may_change);
    EXPECT_EQ(root.name, "root");
    EXPECT_EQ(root.text(), "uid 0 (root)");
    const Peer self = identify(::geteuid(), ::getegid());
    EXPECT_TRUE(self.may_read && self.may_change);
    if (::geteuid() != nobody) {
        const Peer stranger = identify(nobody, nobody);
        EXPECT_FALSE(stranger.may_read || stranger.may_change);
    }
    const Peer unnamed = identify(4'000'000'000, 4'000'000'000);
    EXPECT_FALSE(unnamed.may_read || unnamed.may_change);
    EXPECT_EQ(unnamed.text(), "uid 4000000000 (4000000000)");
}

// Talks to a daemon's socket from a process of its own, as nobody where this is root.
std::string asked_as_nobody(const std::string& path, asio::io_context& loop) {
    Child child([&](int out) {
        if (::geteuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0))
            ::_exit(1);
        const auto answer = ask_daemon(path, {{"do", "status"}}, Seconds{20});
        say(out, answer ? "ok" : answer.error());
    });
    std::string told;
    std::thread reader([&] { told = child.read_all(); });
    loop.restart();
    loop.run();
    reader.join();
    return told;
}

TEST(ControlPeer, StrangerGetsAnErrorThatNamesTheRemedy) {
    TempDir folder;
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    const std::string path = folder / "control.sock";
    asio::io_context loop;
    auto listener = Listener::open(loop, "unix:" + path, 0666);
    ASSERT_TRUE(listener) << listener.error();
    ControlServer server(echo);
    (*listener)->start(
        [&](StreamSocket socket) -> asio::awaitable<void> {
            co_await server.serve(std::move(socket));
            loop.stop();
        },
        10);
    const std::string expected =
        ::geteuid() == 0 ? "uid 65534 (nobody) may not use this socket; join the group surehop"
                         : "ok";
    EXPECT_EQ(asked_as_nobody(path, loop), expected);
}

TEST(ControlSeats, OneUserHasAFewAndAllTogetherLeaveRoomForRootAndTheDaemon) {
    constexpr uid_t own = 900;
    ControlSeats seats(own);
    std::vector<ControlSeats::Seat> held;
    const auto takes = [&](uid_t user) {
        held.push_back(seats.take(user));
        return held.back() != nullptr;
    };
    for (std::size_t i = 0; i < ControlSeats::most_of_one; ++i)
        EXPECT_TRUE(takes(1000));
    EXPECT_FALSE(takes(1000));
    EXPECT_TRUE(takes(1001)) << "another one is not";
    for (uid_t user = 2000; user < 2200; ++user)
        takes(user);
    EXPECT_FALSE(takes(3000)) << "many together are, too";
    for (std::size_t i = 0; i < ControlSeats::most; ++i)
        EXPECT_TRUE(takes(0) && takes(own));
    const auto taken = std::erase(held, nullptr);
    EXPECT_EQ(held.size(), ControlSeats::most_of_others + 2 * ControlSeats::most) << taken;
    held.clear();
    EXPECT_TRUE(takes(1000)) << "and when they have ended it may again";
}

TEST(ControlSeats, ToldOnceAMinute) {
    ControlSeats seats(0);
    const std::chrono::steady_clock::time_point now{};
    EXPECT_TRUE(seats.worth_telling(now));
    EXPECT_FALSE(seats.worth_telling(now + std::chrono::seconds{59}));
    EXPECT_TRUE(seats.worth_telling(now + std::chrono::seconds{60}));
}

// ---- the other end

class ControlClient : public ::testing::Test {
  protected:
    // A daemon that says these octets, whatever it is asked, and hangs up.
    void serve(std::string octets) {
        auto opened = Listener::open(loop_, "unix:" + path, 0600);
        ASSERT_TRUE(opened) << opened.error();
        listener_ = *std::move(opened);
        listener_->start(
            [octets](StreamSocket socket) -> asio::awaitable<void> {
                std::string line;
                asio::error_code ignored;
                co_await asio::async_read_until(socket, asio::dynamic_buffer(line, 100'000), '\n',
                                                asio::redirect_error(asio::use_awaitable, ignored));
                const std::string text = octets;
                co_await asio::async_write(socket, asio::buffer(text),
                                           asio::redirect_error(asio::use_awaitable, ignored));
            },
            10);
        loop_.restart(); // it may have been stopped by an earlier TearDown
        thread_ = std::thread([this] { loop_.run(); });
    }
    void TearDown() override {
        loop_.stop();
        if (thread_.joinable())
            thread_.join();
        listener_.reset();
    }
    TempDir folder;
    const std::string path = folder / "control.sock";

  private:
    asio::io_context loop_;
    std::unique_ptr<Listener> listener_;
    std::thread thread_;
};

TEST_F(ControlClient, Result) {
    serve("{\"ok\": true, \"result\": {\"n\": 1}}\n");
    EXPECT_TRUE(daemon_runs(path));
    const auto answer = ask_daemon(path, {{"do", "status"}}, Seconds{20});
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(*answer, (Json{{"n", 1}}));
}

TEST_F(ControlClient, RefusalIsPassedOn) {
    serve("{\"ok\": false, \"error\": \"no\"}\n");
    const auto answer = ask_daemon(path, {{"do", "status"}}, Seconds{20});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error(), "no");
}

TEST_F(ControlClient, DaemonThatSaysNothing) {
    serve("");
    const auto answer = ask_daemon(path, {{"do", "status"}}, Seconds{20});
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().find("without an answer"), std::string::npos) << answer.error();
}

// A daemon of another version, or another program: an answer of another shape is an error too.
TEST_F(ControlClient, AnswersThatAreNone) {
    for (const char* bad :
         {"hello\n", "[]\n", "{}\n", "{\"ok\": 1}\n", "{\"ok\": true}\n",
          "{\"ok\": false, \"error\": 3}\n", "{\"ok\": \"true\"}\n", "{\"ok\": false}\n"}) {
        serve(bad);
        const auto answer = ask_daemon(path, {{"do", "status"}}, Seconds{20});
        ASSERT_FALSE(answer) << bad;
        EXPECT_NE(answer.error().find("does not answer as surehopd does"), std::string::npos)
            << bad << answer.error();
        TearDown();
    }
}

TEST_F(ControlClient, NobodyThere) {
    EXPECT_FALSE(daemon_runs(path));
    const auto answer = ask_daemon(path, {{"do", "status"}}, Seconds{1});
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().find("cannot reach surehopd at " + path), std::string::npos);
    EXPECT_FALSE(ask_daemon("/" + std::string(300, 'x'), {{"do", "status"}}, Seconds{1}));
}

} // namespace
} // namespace surehop::test
