// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// One row of the ledger, as everybody above the store sees it. Pure.

namespace surehop {

struct LedgerRow {
    std::int64_t id = 0; // given when it is written
    Time time;
    std::string kind;      // "decision", or what was changed: "allow-add", "start", "reload", ...
    std::string reference; // as in the reply; may be empty
    std::string queue_id;  // empty while the MTA has given none
    std::string sender;
    std::string recipient;
    std::string domain; // whom it concerns; given when it is written, see domain_of()
    std::string next_hop;
    std::string rule;
    std::int64_t exception = 0; // 0: none
    std::int64_t times = 1;     // of kind "refusals": how many are counted in this row
    std::string minimum;
    std::string mode;
    std::string outcome;
    std::string level;
    std::string offer;  // the strongest that counts: "dane mx1.example.org mx2.example.org"
    std::string reason; // token
    std::string facts;  // on which facts it rests: "learnt TIME", "learnt TIME, policy ID"
    std::string action;
    std::string would;
    std::string detail; // of changes: who, what, why; of decisions: "unbound" and the like

    bool operator==(const LedgerRow&) const = default;
};

// The texts of a row under their names: those of the table's columns and of the JSON.
struct LedgerText {
    std::string_view name;
    std::string LedgerRow::* text;
};
constexpr std::array<LedgerText, 18> ledger_texts = {{
    {"kind", &LedgerRow::kind},
    {"reference", &LedgerRow::reference},
    {"queue_id", &LedgerRow::queue_id},
    {"sender", &LedgerRow::sender},
    {"recipient", &LedgerRow::recipient},
    {"domain", &LedgerRow::domain},
    {"next_hop", &LedgerRow::next_hop},
    {"rule", &LedgerRow::rule},
    {"minimum", &LedgerRow::minimum},
    {"mode", &LedgerRow::mode},
    {"outcome", &LedgerRow::outcome},
    {"level", &LedgerRow::level},
    {"offer", &LedgerRow::offer},
    {"reason", &LedgerRow::reason},
    {"facts", &LedgerRow::facts},
    {"action", &LedgerRow::action},
    {"would", &LedgerRow::would},
    {"detail", &LedgerRow::detail},
}};

// The domain of an address, in its one form (address/domain.h), or its literal in brackets. Empty
// where it has none, or none that can be read.
std::string domain_in(std::string_view address);

// The recipient's domain; of a row without a recipient, that of its next hop.
std::string domain_of(const LedgerRow& row);

} // namespace surehop
