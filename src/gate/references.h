// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"

#include <atomic>
#include <cstdint>
#include <string>

// A short name for each recorded decision, in its reply and in the ledger: unique in one store,
// made of letters and digits that can be read aloud (no I, L, O, U: Crockford's base 32).

namespace surehop {

class References {
  public:
    // Later starts count on from a later second, so that a restart never repeats a reference as
    // long as fewer than 32768 decisions a second were made in the run before.
    explicit References(Time started)
        : next_(static_cast<std::uint64_t>(started.time_since_epoch().count()) << 15U) {}

    std::string next() { // from any thread
        constexpr char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        std::uint64_t number = next_++;
        std::string out(10, '0'); // 50 bits: 35 of seconds, 15 of count
        for (auto digit = out.rbegin(); digit != out.rend(); ++digit, number >>= 5U)
            *digit = digits[number & 31U];
        return out;
    }

  private:
    std::atomic<std::uint64_t> next_;
};

} // namespace surehop
