// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "store/database.h"

#include <cstdint>
#include <optional>
#include <string>

// For commands that read the ledger itself, without writing to it, whether the daemon runs or not.

namespace surehop {

// The store that this configuration names; or nothing, the error told, and the exit status.
std::optional<Database> open_ledger(const std::string& config, int& status);

struct Period {
    Time since, until; // both included
};
// A bare date is its first second as `since`, its last as `until`; "+30d" counts from now, and
// "30d" is that long ago. Empty: `since` from `earliest`, `until` without end.
// Errors name the option.
Result<Period> read_period(const std::string& since, const std::string& until, Time earliest,
                           Time now);

// The ids of the first row and of the last one of that time; 0: there is none.
struct RowRange {
    std::int64_t first = 0, last = 0;
};
Result<RowRange> rows_within(Database& database, const Period& period);

// How far it is, on a terminal, and only where it takes a while.
class RowCounter {
  public:
    RowCounter() = default;
    RowCounter(const RowCounter&) = delete;
    RowCounter& operator=(const RowCounter&) = delete;
    ~RowCounter();
    void operator()(std::uint64_t done, std::uint64_t all);

  private:
    bool shown_ = false;
};

} // namespace surehop
