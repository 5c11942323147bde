// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "resolve/loop.h"
#include "resolve/outage.h"
#include "store/ledger.h"

// An incident is told once when it begins and once when it is over: in the log and in the ledger.

namespace surehop {

struct Engine;

// Does not wait for the disk.
void tell_incident(Ledger& ledger, const Outage::Incident& incident, bool over, Time now);

// Looks every few seconds whether somebody has set the clock, for as long as the loop runs.
asio::awaitable<void> watch_clock(Engine& engine);

} // namespace surehop
