// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_answerer.h"

#include "cmd/surehop_request.h"
#include "conf/load.h"
#include "control/client.h"

#include <sysexits.h>

#include <utility>

namespace surehop {

namespace {

constexpr Seconds patience{30};

Result<std::string> socket_of(const AnswererPlace& place) {
    if (!place.socket.empty())
        return place.socket;
    // Also from a file with errors: the daemon runs on with the configuration before it.
    const Loaded loaded = load_file(place.config);
    if (!loaded.control.empty())
        return loaded.control;
    if (!loaded && place.config_is_named) // whoever names a file means its daemon
        return Error{loaded.errors.front().line()};
    return default_settings()->listen.control;
}

} // namespace

std::optional<Answerer> Answerer::open(const AnswererPlace& place, bool reads_only, int& status) {
    status = EX_CONFIG;
    if (!place.offline) {
        auto socket = socket_of(place);
        if (socket)
            return Answerer(*std::move(socket));
        (void)complain(socket.error(), status);
        return std::nullopt;
    }
    const Loaded loaded = load_file(place.config);
    for (const Problem& problem : loaded.errors)
        (void)complain(problem.line(), status);
    if (!loaded)
        return std::nullopt;
    const bool daemon = daemon_runs(loaded.settings->listen.control);
    if (!reads_only && daemon) {
        status = complain("surehopd is running: leave out --offline, and it takes effect at once",
                          EX_USAGE);
        return std::nullopt;
    }
    auto offline = Offline::open(loaded.settings, daemon);
    if (offline)
        return Answerer(*std::move(offline));
    status = complain(offline.error(), EX_UNAVAILABLE);
    return std::nullopt;
}

Result<Json> Answerer::ask(const Json& request) {
    if (!offline_)
        return ask_daemon(socket_, request, patience);
    Json reply = offline_->ask(request);
    if (!reply.value("ok", false))
        return Error{reply.value("error", std::string("no answer"))};
    return reply.at("result");
}

} // namespace surehop
