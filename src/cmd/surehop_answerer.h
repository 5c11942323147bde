// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "cmd/surehop_offline.h"

#include <memory>
#include <optional>
#include <string>

// Who answers the CLI: the daemon, or with --offline the same code in this process.

namespace surehop {

struct AnswererPlace {
    std::string config;
    bool config_is_named = false; // on the command line
    std::string socket;           // "": the one that the configuration names
    bool offline = false;
};

class Answerer {
  public:
    // Nothing where there is none; the error has been told, and `status` is the exit status.
    static std::optional<Answerer> open(const AnswererPlace& place, bool reads_only, int& status);

    // The result; an error in the words of whoever answers.
    Result<Json> ask(const Json& request);

  private:
    explicit Answerer(std::string socket) : socket_(std::move(socket)) {}
    explicit Answerer(std::unique_ptr<Offline> offline) : offline_(std::move(offline)) {}

    std::string socket_;
    std::unique_ptr<Offline> offline_;
};

} // namespace surehop
