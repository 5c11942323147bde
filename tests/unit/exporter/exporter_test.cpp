// SPDX-License-Identifier: Apache-2.0
#include "exporter/exporter.h"

#include "resolve/loop.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace surehop::test {
namespace {

constexpr unsigned short port = 19465;
constexpr const char* where = "inet:19465@127.0.0.1";

// All that comes back until the other side hangs up.
std::string asked(const std::string& request) {
    asio::io_context loop;
    asio::ip::tcp::socket socket(loop);
    socket.connect({asio::ip::address_v4::loopback(), port});
    asio::error_code over;
    asio::write(socket, asio::buffer(request), over); // it may hang up before all is said
    std::string out;
    char octets[4096];
    for (;;) {
        const auto count = socket.read_some(asio::buffer(octets), over);
        if (over)
            return out;
        out.append(octets, count);
    }
}

std::string get(const std::string& path, const std::string& verb = "GET") {
    return asked(verb + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
}

TEST(Exporter, gives_the_page_and_nothing_else) {
    std::optional<std::string> page = "x 1\n";
    auto exporter = Exporter::open(where, [&] { return page; });
    ASSERT_TRUE(exporter) << exporter.error();
    const std::string said = get("/metrics");
    EXPECT_TRUE(said.starts_with("HTTP/1.1 200 ")) << said;
    EXPECT_NE(said.find("Content-Type: text/plain; version=0.0.4"), std::string::npos) << said;
    EXPECT_TRUE(said.ends_with("\r\n\r\nx 1\n")) << said;
    EXPECT_TRUE(get("/metrics", "HEAD").ends_with("\r\n\r\n"));
    EXPECT_TRUE(get("/").starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(get("/metrics/../etc").starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(get("/metrics", "DELETE").starts_with("HTTP/1.1 405 "));
    EXPECT_TRUE(asked("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                      "Connection: close\r\n\r\nabc")
                    .starts_with("HTTP/1.1 405 "));
    page.reset();
    EXPECT_TRUE(get("/metrics").starts_with("HTTP/1.1 503 "));
}

TEST(Exporter, does_not_choke_on_garbage) {
    auto exporter = Exporter::open(where, [] { return "x 1\n"; });
    ASSERT_TRUE(exporter) << exporter.error();
    EXPECT_EQ(asked("no http at all\r\n\r\n").substr(0, 9).find("HTTP/1.1 2"), std::string::npos);
    EXPECT_EQ(asked("GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n").find(" 200 "),
              std::string::npos);
    EXPECT_TRUE(get("/metrics").starts_with("HTTP/1.1 200 "));
}

TEST(Exporter, says_what_is_wrong_with_its_socket) {
    const auto page = [] { return std::optional<std::string>(); };
    auto first = Exporter::open(where, page);
    ASSERT_TRUE(first) << first.error();
    const auto second = Exporter::open(where, page);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("inet:19465@127.0.0.1 is in use"), std::string::npos);
    EXPECT_FALSE(Exporter::open("nonsense", page));
}

} // namespace
} // namespace surehop::test
