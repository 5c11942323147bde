// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/engine.h"
#include "cmd/ledger_keeper.h"
#include "cmd/service_manager.h"
#include "control/server.h"
#include "exporter/exporter.h"
#include "milter/mfapi.h"
#include "socketmap/server.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

// The engine with its doors: milter, socketmap and control socket, and what happens at start,
// reload and stop.

namespace surehop {

class Daemon {
  public:
    explicit Daemon(Engine& engine);
    ~Daemon();

    // Opens all doors or none; the error names the one that does not open.
    Status open();

    // Serves until stop(); runs the loop. The exit status.
    int run();

    void stop();                        // from the loop
    Json reload(const std::string& by); // a whole control reply; a bad file changes nothing

  private:
    Json status() const;
    std::string metrics() const; // from the loop
    // From any other thread; nothing while the loop is busy for long.
    std::optional<std::string> metrics_from_elsewhere() const;
    asio::awaitable<void> tick(); // what is to be done every few seconds
    void record(const std::string& kind, const std::string& detail);
    static std::string describe(const Settings& settings);

    Engine& engine_;
    const ServiceManager manager_ = ServiceManager::of_environment();
    LedgerKeeper keeper_;
    Refusals refusals_;
    Deferrals deferrals_;
    SocketmapServer socketmap_;
    Commands commands_;
    ControlServer control_;
    std::vector<std::unique_ptr<Listener>> listeners_; // of the lock
    std::unique_ptr<Listener> control_listener_;
    std::unique_ptr<Milter> milter_;
    std::unique_ptr<Exporter> exporter_;
    Time started_;
    int exit_status_ = 0;
};

} // namespace surehop
