// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

// GET /metrics over HTTP, for Prometheus. Whoever may connect may read: the page names rules and
// resolvers, and neither addresses nor domains of mail. On a thread of its own; nothing of the mail
// waits for it.

namespace surehop {

class Exporter {
  public:
    // The page, or nothing where it cannot be had in time (503). Called on the exporter's thread.
    using Page = std::function<std::optional<std::string>()>;

    // `where`: inet:PORT@ADDRESS; serves until it is destroyed. Errors: no such socket, in use.
    static Result<std::unique_ptr<Exporter>> open(const std::string& where, Page page);
    ~Exporter();
    Exporter(const Exporter&) = delete;
    Exporter& operator=(const Exporter&) = delete;

  private:
    struct State;
    explicit Exporter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace surehop
