// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "gate/references.h"
#include "store/ledger.h"

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>

// Refusals at RCPT as the ledger keeps them: each by itself; but what one client has refused more
// than so many times within a minute is counted in one row, so that a flood of invented recipients
// or domains does not fill the ledger (DESIGN invariant 10). The count has a reference as well, and
// its first row is there at once; a second one with the number follows when the minute is over.
//
// From any thread. Does not wait for the disk.

namespace surehop {

struct RefusalLimits {
    std::size_t per_domain = 20; // a minute, of one client at one recipient domain
    std::size_t per_client = 200;
    std::size_t remembered = 10'000; // clients and domains, in one minute
};

class Refusals {
  public:
    Refusals(Ledger& ledger, References& references, RefusalLimits limits = {})
        : ledger_(ledger), references_(references), limits_(limits) {}

    // Records the row, or counts it. The reference for the reply: that of the row, or of the count.
    std::string add(const std::string& client, LedgerRow row);

    void tick(Time now); // once in a while: ends the minute if it is over
    void end(Time now);  // at the end of the program

  private:
    using Key = std::pair<std::string, std::string>; // client and domain; of all domains ""
    struct Count {
        std::size_t refused = 0;
        std::string reference; // of the row that counts what is beyond the limit; "" before
        std::size_t counted = 0;
    };
    // Under mutex_:
    using Place = std::map<Key, Count>::iterator;
    Place count_of(const std::string& client, const std::string& domain);
    const std::string& counted(Place place, const LedgerRow& row);
    bool minute_is_over(Time now) const; // also when the clock was set back
    void begin_minute(Time now);

    Ledger& ledger_;
    References& references_;
    const RefusalLimits limits_;
    std::mutex mutex_;
    Time began_;
    std::map<Key, Count> counts_;
};

} // namespace surehop
