// SPDX-License-Identifier: Apache-2.0
#include "cmd/service_manager.h"

#include "resolve/loop.h"
#include "support/temp_dir.h"

#include <asio/local/datagram_protocol.hpp>

#include <gtest/gtest.h>

namespace surehop::test {
namespace {

using Datagrams = asio::local::datagram_protocol;

std::string heard(Datagrams::socket& socket) {
    char octets[100];
    return {octets, socket.receive(asio::buffer(octets))};
}

TEST(ServiceManager, hears_what_it_is_told) {
    const TempDir folder;
    asio::io_context loop;
    Datagrams::socket manager(loop, Datagrams::endpoint(folder / "notify"));
    EXPECT_TRUE(ServiceManager(folder / "notify").tell("READY=1"));
    EXPECT_EQ(heard(manager), "READY=1");
    const std::string name("surehop-test-notify");
    Datagrams::socket abstract(loop, Datagrams::endpoint(std::string(1, '\0') + name));
    EXPECT_TRUE(ServiceManager("@" + name).tell("WATCHDOG=1"));
    EXPECT_EQ(heard(abstract), "WATCHDOG=1");
}

TEST(ServiceManager, that_is_not_there_is_no_trouble) {
    const TempDir folder;
    EXPECT_FALSE(ServiceManager("").tell("READY=1"));
    EXPECT_FALSE(ServiceManager("relative").tell("READY=1"));
    EXPECT_FALSE(ServiceManager(folder / "nobody").tell("READY=1"));
    EXPECT_FALSE(ServiceManager("/" + std::string(200, 'x')).tell("READY=1"));
}

} // namespace
} // namespace surehop::test
