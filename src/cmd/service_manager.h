// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// What systemd wants to hear of a service (sd_notify(3), Type=notify): that it serves, that it is
// alive, that it ends. Without a service manager nothing is said to anybody.

namespace surehop {

class ServiceManager {
  public:
    // `socket`: as in $NOTIFY_SOCKET, a path or "@" and an abstract name; "" for nobody.
    explicit ServiceManager(std::string socket) : socket_(std::move(socket)) {}
    static ServiceManager of_environment();

    // "READY=1", "WATCHDOG=1", "STOPPING=1". Whether it was taken; nobody waits for that.
    bool tell(std::string_view state) const;

  private:
    std::string socket_;
};

} // namespace surehop
