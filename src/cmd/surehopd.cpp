// SPDX-License-Identifier: Apache-2.0

// The daemon: reads its configuration, builds the engine, opens the doors, serves in the foreground
// until TERM. See surehopd(8).

#include "base/log.h"
#include "cmd/engine.h"
#include "cmd/log_start.h"
#include "cmd/surehopd_daemon.h"
#include "cmd/surehopd_signals.h"
#include "conf/load.h"
#include "conf/show.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sysexits.h>

#include <cstdio>
#include <string>

namespace surehop {
namespace {

struct Arguments {
    std::string file = SUREHOP_SYSCONFDIR "/surehop/surehop.toml";
    bool check = false;
    bool defaults = false;
};

int serve(SettingsPtr settings) {
    block_signals(); // before any thread is started
    const bool to_syslog = settings->log.target == LogTarget::syslog;
    log::start("surehopd", to_syslog ? log::Target::syslog : log::Target::standard_error,
               settings->log.name());
    asio::io_context loop(1);
    auto engine = Engine::build(loop, std::move(settings));
    if (!engine) {
        log::error("{}", engine.error());
        return EX_UNAVAILABLE;
    }
    Daemon daemon(**engine);
    if (auto opened = daemon.open(); !opened) {
        log::error("{}", opened.error());
        return EX_UNAVAILABLE;
    }
    return daemon.run();
}

int run(const Arguments& arguments) {
    if (arguments.defaults)
        return serve(default_settings());
    // DESIGN invariant 14: a missing or bad configuration ends here, never in audit mode.
    const Loaded loaded = load_file(arguments.file);
    if (arguments.check) {
        fmt::print("{}", check_text(loaded, arguments.file));
        return loaded ? EX_OK : EX_CONFIG;
    }
    for (const Problem& problem : loaded.warnings)
        fmt::print(stderr, "surehopd: warning: {}\n", problem.line());
    for (const Problem& problem : loaded.errors)
        fmt::print(stderr, "surehopd: {}\n", problem.line());
    return loaded ? serve(loaded.settings) : EX_CONFIG;
}

// What the command line asks for; or how it is used, when that is what it asks for.
int start(int count, char** words) {
    Arguments arguments;
    CLI::App app("Refuses outbound mail that cannot be delivered as securely as your rules demand, "
                 "and binds delivery to it. Runs in the foreground.",
                 "surehopd");
    app.add_option("-c,--config", arguments.file, "the configuration")->capture_default_str();
    app.add_flag("--check", arguments.check, "check the configuration and leave");
    app.add_flag("--defaults", arguments.defaults,
                 "run without a file, with the embedded defaults (audit mode)");
    app.set_version_flag("--version", "surehopd " SUREHOP_VERSION);
    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EX_OK : EX_USAGE;
    }
    return run(arguments);
}

} // namespace
} // namespace surehop

int main(int count, char** words) {
    try {
        return surehop::start(count, words);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "surehopd: %s\n", error.what());
        return EX_SOFTWARE;
    }
}
