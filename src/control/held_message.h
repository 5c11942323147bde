// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "gate/site.h"
#include "rules/context.h"
#include "store/ledger.h"

#include <string>
#include <vector>

// A held message as the CLI tells of it, and what the ledger has of it.

namespace surehop {

struct HeldMessage {
    std::string queue_id;
    Time arrival;
    std::string sender;                  // normal form, "" for <>
    std::vector<std::string> recipients; // as the MTA has them: aliases are expanded
    std::vector<LedgerRow> rows;         // of this message, the oldest first
    bool ours = false;                   // it was surehop that had it held
    bool requiretls = false;             // its sender asked for it

    // Rows about a recipient, the oldest first. The ledger may have the domain alone: then those of
    // its neighbours too.
    std::vector<const LedgerRow*> rows_of(const std::string& recipient, const Ledger& ledger) const;
};

// Reads the ledger. Errors: a member is missing or of another form; the ledger cannot be read.
Result<HeldMessage> read_held(const Json& message, const Ledger& ledger);

// Where the MTA said that mail to this recipient goes, as {rcpt_mailer} and {rcpt_host}; both empty
// where it is not known, and then routes and the recipient's domain decide.
struct ToldWay {
    std::string mailer, host;
};
ToldWay told_way(const HeldMessage& message, const std::string& recipient, const Ledger& ledger);

} // namespace surehop
