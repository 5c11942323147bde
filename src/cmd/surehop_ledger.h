// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

// `surehop ledger`: reads the store itself, without writing to it, whether the daemon runs or not:
// who checks the ledger asks nobody who writes it. Each returns the exit status, and has printed
// the result, or the error.

namespace surehop {

struct LedgerQuestion {
    std::string config; // names the store
    bool json = false;
    std::string noted; // --head
    std::string file;  // --file
    std::string since, until;
};

int ledger_head(const LedgerQuestion& question);
int ledger_verify(const LedgerQuestion& question);
int ledger_export(const LedgerQuestion& question);

} // namespace surehop
