// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/nexthop.h"
#include "address/path.h"
#include "assess/assessment.h"
#include "binding/tls_policy.h"
#include "facts/facts.h"
#include "rules/context.h"
#include "rules/exception.h"
#include "rules/verdict.h"
#include "store/ledger.h"
#include "store/promises.h"

#include <string>
#include <vector>

// One recipient, all the way: what was asked, and each stage's result. The milter turns it into a
// reply, explain into JSON, the ledger into a row.

namespace surehop {

// What was found out about one next hop.
struct Leg {
    NextHop next_hop;
    FactsPtr facts;                          // null where none were needed, or none could be had
    Assessment assessment;                   // with the offers that count
    TlsVersion least_tls = TlsVersion::v1_2; // that the lock insists on
    Verdict verdict;
};

struct Decision : Leg { // of several next hops that of the weakest
    Time made{};
    Path sender;
    Path recipient;
    std::vector<NextHop> next_hops; // all that the MTA may use
    HopSource source = HopSource::recipient_domain;
    Requirement requirement;
    // The rules that may turn out to decide, where the message has not told yet which: the
    // recipient goes on, and is judged again at the end. Empty: this is the decision.
    std::vector<std::string> open;
    std::vector<NextHop> to_learn; // of an open one: what must be known by then
    ExceptionPtr exception;
    Lock lock = Lock::none;
    std::string reference; // of a decision that is recorded; `surehop trace` understands it
};

// What accepting this recipient promises of its delivery, one for each next hop that the lock will
// be asked about; none where nothing is promised (it does not meet its minimum, though it is held;
// exempt, audit, marked only, no lock).
std::vector<Promised> promises_of(const Decision& decision);

LedgerRow ledger_row(const Decision& decision, const std::string& queue_id);

// The next hops that such a row is about, as the MTA may have named them: of a list all, with
// commas between.
std::string told_next_hops(const LedgerRow& row);

} // namespace surehop
