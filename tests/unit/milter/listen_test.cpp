// SPDX-License-Identifier: Apache-2.0
#include "milter/listen.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h> // mkdtemp
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace surehop {
namespace {

TEST(ListenAddress, Good) {
    for (const char* text : {"unix:/run/surehop/milter.sock", "inet:8891@127.0.0.1",
                             "inet:65535@0.0.0.0", "inet:1@::1"}) {
        const auto at = parse_listen_address(text);
        ASSERT_TRUE(at) << text << ": " << at.error();
        EXPECT_EQ(at->text(), text);
    }
    EXPECT_EQ(parse_listen_address("inet:25@[::1]")->address, "::1");
}

TEST(ListenAddress, Bad) {
    const std::string long_path = "unix:/" + std::string(107, 'p');
    for (const std::string& text : {
             std::string("/run/x"),           // no scheme
             std::string("unix:"),            // no path
             std::string("unix:run/x"),       // relative
             long_path,                       // 108 octets
             std::string("unix:/a\0b", 9),    // NUL
             std::string("inet:8891"),        // no address: libmilter would bind to all
             std::string("inet:@127.0.0.1"),  // no port
             std::string("inet:0@127.0.0.1"), // any port
             std::string("inet:65536@127.0.0.1"),
             std::string("inet:25@localhost"), // a name
             std::string("tcp:25@127.0.0.1"),  // no such scheme
         })
        EXPECT_FALSE(parse_listen_address(text)) << text;
    EXPECT_EQ(parse_listen_address("inet:8891").error(),
              "\"inet:8891\" names no address, so every address would be served");
}

class MakeWay : public ::testing::Test {
  protected:
    MakeWay() {
        std::string name =
            (std::filesystem::temp_directory_path() / "surehop-test-XXXXXX").string();
        folder = ::mkdtemp(name.data());
        path = (folder / "milter.sock").string();
    }
    ~MakeWay() override {
        if (server >= 0)
            ::close(server);
        std::filesystem::remove_all(folder);
    }
    void listen() {
        server = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        path.copy(at.sun_path, sizeof at.sun_path - 1);
        ASSERT_EQ(::bind(server, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        ASSERT_EQ(::listen(server, 1), 0);
    }

    std::filesystem::path folder;
    std::string path;
    int server = -1;
};

TEST_F(MakeWay, NothingThere) { EXPECT_TRUE(make_way(path)); }

TEST_F(MakeWay, AStaleSocketGoes) {
    listen();
    ::close(server);
    server = -1;
    ASSERT_TRUE(std::filesystem::exists(path));
    EXPECT_TRUE(make_way(path));
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(MakeWay, ALiveSocketStays) {
    listen();
    for (int i = 0; i < 5; ++i) // its queue full, too
        EXPECT_EQ(make_way(path).error(),
                  path + " is in use: another process (another surehopd?) serves it");
    EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(MakeWay, AnotherKindOfFileStays) {
    std::ofstream(path) << "precious";
    EXPECT_EQ(make_way(path).error(),
              path + " exists and is not a socket; remove it or write another path");
    EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

TEST_F(MakeWay, NoFolder) {
    const auto made = make_way(folder.string() + "/none/milter.sock");
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().find("/none of the socket: No such file"), std::string::npos);
}

TEST(ListenTcp, AcceptedSocketsSendAtOnce) {
    for (const char* host : {"127.0.0.1", "::1"}) {
        const auto door = listen_tcp({"", host, 0}, 5);
        ASSERT_TRUE(door) << door.error();
        sockaddr_storage at{};
        socklen_t length = sizeof at;
        ASSERT_EQ(::getsockname(*door, reinterpret_cast<sockaddr*>(&at), &length), 0);
        in_port_t port = 0; // at the same place in both families
        std::memcpy(&port, reinterpret_cast<const char*>(&at) + 2, sizeof port);
        EXPECT_TRUE(knock({"", host, ntohs(port)}));
        const int accepted = ::accept(*door, nullptr, nullptr);
        ASSERT_GE(accepted, 0);
        int no_delay = 0;
        length = sizeof no_delay;
        ASSERT_EQ(::getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length), 0);
        EXPECT_NE(no_delay, 0);
        const auto second = listen_tcp({"", host, ntohs(port)}, 5);
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().find(" is in use: another process"), std::string::npos);
        ::close(accepted);
        ::close(*door);
    }
}

} // namespace
} // namespace surehop
