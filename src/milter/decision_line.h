// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/ledger_row.h"

// One line of the log for each decision, with the fields of its row in the ledger, as name=value
// (logfmt): for whoever collects logs. What is empty is left out.

namespace surehop {

// `row` as the ledger keeps it: addresses in the form that [ledger] addresses says.
void log_decision(const LedgerRow& row);

} // namespace surehop
