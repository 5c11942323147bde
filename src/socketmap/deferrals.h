// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "base/time.h"
#include "binding/tls_policy.h"
#include "rules/rule.h"
#include "store/ledger.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

// What the lock holds back, for the ledger: mail that the gate accepted and whose destination has
// become weaker since, and mail that never passed the gate. The MTA asks again at each attempt and
// for each message, so each next hop and reason is told once an hour, with a count of what came
// after; of a flood of names the rest is one count. In audit mode it is what the lock would have
// held back.
//
// On the loop. Does not wait for the disk.

namespace surehop {

struct LockCounts { // of answers, since the start
    std::uint64_t policies = 0;
    std::uint64_t not_found = 0;
    std::uint64_t deferred = 0;
    std::uint64_t would_defer = 0; // audit mode: answered otherwise all the same
};

class Deferrals {
  public:
    explicit Deferrals(Ledger& ledger) : ledger_(ledger) {}

    // `mode`: that of the site.
    void note(const NextHop& next_hop, const LockAnswer& answer, PolicyMode mode, Time now);
    // A request that is none, and what was answered: the mail that it was for waits, too.
    void note_unreadable(std::string_view request, std::string_view answer, PolicyMode mode,
                         Time now);

    void tick(Time now); // once in a while: tells the counts of hours that are over
    void end(Time now);  // at the end of the program

    const LockCounts& counts() const { return counts_; }

  private:
    struct Told {
        LedgerRow row; // as it was told first
        Time since;    // then
        std::int64_t more = 0;
    };
    void tell(LedgerRow row, bool always, const std::string& line);
    void tell_more(const Told& told, Time now);

    Ledger& ledger_;
    LockCounts counts_;
    std::map<std::string, Told> told_; // by next hop, minimum, reason and action
};

} // namespace surehop
