// SPDX-License-Identifier: Apache-2.0
#include "socketmap/listener.h"

#include "support/run.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>

namespace surehop::test {
namespace {

class ListenerTest : public ::testing::Test {
  protected:
    std::unique_ptr<Listener> open(const std::string& at, unsigned mode = 0660) {
        auto listener = Listener::open(loop, at, mode);
        if (!listener) {
            error = listener.error();
            return nullptr;
        }
        return *std::move(listener);
    }
    // Connects and reads to the end; none when nobody answers there.
    std::optional<std::string> call(const std::string& at) {
        const auto talk = [&]() -> asio::awaitable<std::optional<std::string>> {
            const auto endpoint = Listener::endpoint(at);
            StreamSocket socket(loop, endpoint->protocol());
            asio::error_code failed;
            co_await socket.async_connect(*endpoint,
                                          asio::redirect_error(asio::use_awaitable, failed));
            if (failed)
                co_return std::nullopt;
            std::string all;
            std::array<char, 64> buffer{};
            for (;;) {
                const std::size_t count = co_await socket.async_read_some(
                    asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, failed));
                if (failed)
                    co_return all;
                all.append(buffer.data(), count);
            }
        };
        return run(loop, talk());
    }
    static asio::awaitable<void> hello(StreamSocket socket) {
        asio::error_code gone;
        const std::string text = "hello";
        co_await asio::async_write(socket, asio::buffer(text),
                                   asio::redirect_error(asio::use_awaitable, gone));
    }

    TempDir folder;
    asio::io_context loop;
    std::string error;
    const std::string path = folder / "a.sock";
    const std::string where = "unix:" + path;
};

TEST_F(ListenerTest, ServesOnAUnixSocketAndRemovesIt) {
    {
        const auto listener = open(where, 0640);
        ASSERT_NE(listener, nullptr) << error;
        EXPECT_EQ(listener->where(), where);
        struct stat found{};
        ASSERT_EQ(::stat(path.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 0777U, 0640U);
        listener->start(hello, 10);
        EXPECT_EQ(call(where), "hello");
        EXPECT_EQ(call(where), "hello");
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ListenerTest, ServesOnTcp) {
    // A port that nobody has; another may take it meanwhile, so more than one is tried.
    for (int port = 20'025; port < 20'125; ++port) {
        const std::string tcp = "inet:" + std::to_string(port) + "@127.0.0.1";
        const auto listener = open(tcp);
        if (!listener)
            continue;
        listener->start(hello, 10);
        EXPECT_EQ(call(tcp), "hello");
        EXPECT_EQ(open(tcp), nullptr) << "in use";
        return;
    }
    FAIL() << error;
}

TEST_F(ListenerTest, StaleSocketIsReplaced) {
    const int left_behind = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(left_behind, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(left_behind);
    ASSERT_TRUE(std::filesystem::exists(path));
    const auto listener = open(where);
    ASSERT_NE(listener, nullptr) << error;
    listener->start(hello, 10);
    EXPECT_EQ(call(where), "hello");
}

TEST_F(ListenerTest, SocketThatSomebodyServesIsLeftAlone) {
    const auto first = open(where);
    ASSERT_NE(first, nullptr) << error;
    first->start(hello, 10);
    EXPECT_EQ(open(where), nullptr);
    EXPECT_NE(error.find("in use"), std::string::npos) << error;
    EXPECT_EQ(call(where), "hello");
}

TEST_F(ListenerTest, WhatIsNoSocketIsLeftAlone) {
    std::ofstream(path) << "somebody's file";
    EXPECT_EQ(open(where), nullptr);
    EXPECT_NE(error.find("not a socket"), std::string::npos) << error;
    EXPECT_EQ(std::filesystem::file_size(path), 15U);
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    EXPECT_EQ(open(where), nullptr);
    EXPECT_TRUE(std::filesystem::is_directory(path));
}

TEST_F(ListenerTest, PlacesThatAreNone) {
    for (const std::string& bad : {
             std::string(""), std::string("unix:"), std::string("unix:relative.sock"),
             "unix:/" + std::string(200, 'x'), // longer than a socket's path may be
             "unix:" + (folder / "nowhere/a.sock"), std::string("inet:0@127.0.0.1"),
             std::string("inet:65536@127.0.0.1"), std::string("inet:25"),
             std::string("inet:25@localhost"), std::string("inet:x@127.0.0.1"),
             std::string("local:/tmp/x"),
             std::string("inet:20025@192.0.2.1"), // not an address of this machine
         }) {
        EXPECT_EQ(open(bad), nullptr) << bad;
        EXPECT_FALSE(error.empty());
    }
    EXPECT_FALSE(Listener::endpoint("unix:" + std::string(200, 'x')));
}

TEST_F(ListenerTest, TooManyAreHungUpOn) {
    const auto listener = open(where);
    ASSERT_NE(listener, nullptr) << error;
    asio::steady_timer until_the_end(loop, asio::steady_timer::time_point::max());
    listener->start(
        [&](StreamSocket socket) -> asio::awaitable<void> {
            StreamSocket kept = std::move(socket);
            asio::error_code cancelled;
            co_await until_the_end.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
        },
        2);
    std::vector<StreamSocket> calls;
    for (int i = 0; i < 2; ++i) {
        calls.emplace_back(loop, Listener::endpoint(where)->protocol());
        calls.back().connect(*Listener::endpoint(where));
    }
    EXPECT_EQ(call(where), "") << "the third: connected, and closed without a word";
    until_the_end.cancel();
    loop.restart();
    loop.poll();
    listener->stop();
    EXPECT_EQ(call(where), std::nullopt) << "stopped";
}

TEST_F(ListenerTest, ServeThatThrowsEndsThatConnectionOnly) {
    const auto listener = open(where);
    ASSERT_NE(listener, nullptr) << error;
    int calls = 0;
    listener->start(
        [&](StreamSocket socket) -> asio::awaitable<void> {
            if (++calls == 1)
                throw std::runtime_error("bad day");
            co_await hello(std::move(socket));
        },
        1);
    EXPECT_EQ(call(where), "");
    EXPECT_EQ(call(where), "hello") << "and its place is free again";
}

TEST_F(ListenerTest, PatienceEnds) {
    const auto listener = open(where);
    ASSERT_NE(listener, nullptr) << error;
    bool ended = false;
    listener->start(
        [&](StreamSocket socket) -> asio::awaitable<void> {
            Patience peer(std::move(socket), std::chrono::milliseconds{20});
            std::array<char, 8> buffer{};
            asio::error_code gone;
            co_await peer.patiently().async_read_some(
                asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, gone));
            ended = static_cast<bool>(gone);
        },
        10);
    EXPECT_EQ(call(where), "");
    loop.restart();
    loop.poll();
    EXPECT_TRUE(ended);
}

TEST(Peers, this_machine_and_those_that_are_named_may_ask) {
    const std::vector<IpRange> peers = {*IpRange::parse("10.0.0.0/8"),
                                        *IpRange::parse("2001:db8::/32")};
    for (const char* may : {"127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "2001:db8::5"})
        EXPECT_TRUE(may_ask(peers, *parse_ip(may))) << may;
    for (const char* not_so : {"11.0.0.1", "192.0.2.1", "2001:db9::1", "::2", "fe80::1"})
        EXPECT_FALSE(may_ask(peers, *parse_ip(not_so))) << not_so;
    EXPECT_FALSE(may_ask({}, *parse_ip("10.1.2.3")));
}

} // namespace
} // namespace surehop::test
