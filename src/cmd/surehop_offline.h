// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "conf/settings.h"

#include <memory>

// The daemon's own code in the CLI's process, on its store: `surehop --offline`.

namespace surehop {

class Offline {
  public:
    // read_only: the daemon runs, and the store is its. Errors as Engine::build().
    static Result<std::unique_ptr<Offline>> open(SettingsPtr settings, bool read_only);
    ~Offline();

    // A whole reply, as control/protocol.h has it.
    Json ask(const Json& request);

  private:
    struct Parts;
    explicit Offline(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

} // namespace surehop
