// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_offline.h"

#include "cmd/command_parts.h"
#include "cmd/log_start.h"

#include <unistd.h>

#include <utility>

namespace surehop {

struct Offline::Parts {
    asio::io_context loop{1};
    std::unique_ptr<Engine> engine;
    std::optional<Commands> commands;
};

Offline::Offline(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Offline::~Offline() = default;

Result<std::unique_ptr<Offline>> Offline::open(SettingsPtr settings, bool read_only) {
    log::start("surehop", log::Target::standard_error, "warning");
    auto parts = std::make_unique<Parts>();
    auto built =
        Engine::build(parts->loop, std::move(settings),
                      read_only ? Database::Access::read_only : Database::Access::read_write);
    if (!built)
        return Error{built.error()};
    parts->engine = *std::move(built);
    Engine& engine = *parts->engine;
    parts->commands.emplace(command_parts(engine));
    asio::co_spawn(
        parts->loop,
        [](Engine& tested) -> asio::awaitable<void> {
            co_await tested.opened.dns->test();
            tested.loop.stop();
        }(engine),
        asio::detached);
    parts->loop.run();
    return std::unique_ptr<Offline>(new Offline(std::move(parts)));
}

Json Offline::ask(const Json& request) {
    // Whoever may open the store may do with it what the daemon would let its own user do.
    Peer self(::geteuid(), "offline");
    self.may_read = self.may_change = true;
    Json reply;
    asio::co_spawn(
        parts_->loop,
        [&]() -> asio::awaitable<void> {
            reply = co_await parts_->commands->answer(request, self);
            parts_->loop.stop();
        },
        asio::detached);
    parts_->loop.restart();
    parts_->loop.run();
    return reply;
}

} // namespace surehop
