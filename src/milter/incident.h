// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

// Something that fails for every message at once (a full disk) is one incident, not one line per
// message: tells whoever reports when it begins and when it is over. From any thread.

namespace surehop {

class Incident {
  public:
    // True if this is the first failure since it last worked: then it is worth a line in the log.
    bool begins() { return !failing_.exchange(true); }

    // True if it had been failing.
    bool ends() { return failing_.load(std::memory_order_relaxed) && failing_.exchange(false); }

  private:
    std::atomic<bool> failing_{false};
};

} // namespace surehop
