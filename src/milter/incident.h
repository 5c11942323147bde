// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

// Something that fails for every message at once (a full disk) is one incident, not one line per
// message: told when it begins and when it is over. From any thread.

namespace surehop {

using Tell = std::function<void(const std::string& sentence)>;

class Incident {
  public:
    // name: "recording decisions"; told as "recording decisions fails: ..." and "... works again".
    Incident(std::string name, Tell tell) : name_(std::move(name)), tell_(std::move(tell)) {}

    void failed(const std::string& why) {
        if (!failing_.exchange(true))
            tell_(name_ + " fails: " + why);
    }
    void worked() {
        if (failing_.load(std::memory_order_relaxed) && failing_.exchange(false))
            tell_(name_ + " works again");
    }

  private:
    std::string name_;
    Tell tell_;
    std::atomic<bool> failing_{false};
};

} // namespace surehop
