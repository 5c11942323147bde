// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "resolve/outage.h"
#include "store/ledger.h"

namespace surehop {

// An incident is told once when it begins and once when it is over: in the log and in the ledger.
// Does not wait for the disk.
void tell_incident(Ledger& ledger, const Outage::Incident& incident, bool over, Time now);

} // namespace surehop
