// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"

#include <atomic>

// A clock that stands still until a test moves it. From any thread.

namespace surehop::test {

class StillClock final : public Clock {
  public:
    Time now() const override { return now_; }
    void set(Time time) { now_ = time; }
    void advance(Seconds by) { now_ = now_.load() + by; }

  private:
    std::atomic<Time> now_{Time{Seconds{1'800'000'000}}}; // 2027-01-15T08:00:00Z
};

} // namespace surehop::test
