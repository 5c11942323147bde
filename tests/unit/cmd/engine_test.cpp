// SPDX-License-Identifier: Apache-2.0
#include "cmd/engine.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

// "local 127.0.0.1 trusted, ..."
std::string chosen(const std::vector<std::string>& servers, const std::string& resolv_conf,
                   const std::vector<std::string>& trusted = {}) {
    Settings::Resolver settings;
    settings.servers = servers;
    settings.trusted = trusted;
    const auto choices = choose_servers(settings, resolv_conf);
    if (!choices)
        return choices.error();
    std::string out;
    for (const ServerChoice& choice : *choices) {
        const char* const roles[] = {"named", "local", "system"};
        out += (out.empty() ? "" : ", ") + std::string(roles[static_cast<int>(choice.role)]) + " " +
               choice.server.address + (choice.trusted ? " trusted" : "");
    }
    return out;
}

// Which of these answers now is not asked: a resolver that starts later than we do counts too.
TEST(EngineServers, Chosen) {
    EXPECT_EQ(chosen({}, ""), "local 127.0.0.1 trusted, local ::1 trusted");
    EXPECT_EQ(chosen({}, "nameserver 127.0.0.1\n"), "local 127.0.0.1 trusted, local ::1 trusted");
    EXPECT_EQ(chosen({}, "nameserver 192.0.2.53\nnameserver 127.0.0.2\nnameserver 127.0.0.53\n"),
              "local 127.0.0.1 trusted, local ::1 trusted, system 192.0.2.53, "
              "system 127.0.0.2 trusted, system 127.0.0.53");
    EXPECT_EQ(chosen({"127.0.0.1", "192.0.2.53", "192.0.2.54:5353"}, "nameserver 192.0.2.1",
                     {"192.0.2.54"}),
              "named 127.0.0.1 trusted, named 192.0.2.53, named 192.0.2.54 trusted");
    EXPECT_NE(chosen({"localhost"}, "").find("is not a DNS server"), std::string::npos);
}

} // namespace
} // namespace surehop
