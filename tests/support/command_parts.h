// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/commands.h"
#include "support/world.h"

namespace surehop::test {

// What the commands need of a made-up internet. What only a running program has does nothing.
inline CommandParts command_parts(World& world) {
    return CommandParts{
        world.gate(),
        world.process().facts,
        *world.process().allowlist,
        world.process().ledger,
        *world.process().promises,
        world.clock,
        [&world] { return world.site(); },
        []() -> asio::awaitable<Json> { co_return Json{{"checks", Json::array()}}; },
        [] { return Json{{"version", "test"}}; },
        [](const Peer&) { return control_result(nullptr); }};
}

} // namespace surehop::test
