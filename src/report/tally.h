// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "assess/level.h"
#include "base/time.h"
#include "store/ledger_row.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

// Sums over rows of the ledger, in their order: what `surehop report` says. Pure, and bounded
// however many rows there are.

namespace surehop {

using Count = std::uint64_t;
using Counts = std::map<std::string, Count, std::less<>>;

struct TallyLimits {
    std::size_t domains = 100'000; // more than so many: the rarest are given up, and that is said
    std::size_t messages = 10'000; // of which the ledger may still say more
    std::size_t events = 1'000;    // of each kind
};

// What became of a message. Where recipients differ, the last of these.
enum class Fate : std::uint8_t { accepted, tagged, held, refused };
constexpr std::array<std::string_view, 4> fate_names = {"accepted", "tagged", "held", "refused"};

// Recipients under one rule.
struct RuleTally {
    Counts outcomes; // by outcome: "meets", "falls-short", "unknown", "no-mail"
    Counts actions;  // by what was done
};

// Recipients in one domain that did not meet what was required, by the reason's token.
struct DomainTally {
    Count recipients = 0;
    Counts reasons;
};
using DomainTallies = std::map<std::string, DomainTally, std::less<>>;

struct ExceptionTally {
    Count recipients = 0; // to whom it applied
    Count needed = 0;     // who would not have met the rule without it
};

// Something that happens to a next hop for a reason, again and again.
struct RecurrentTally {
    Count times = 0;
    Time last;
};
using RecurrentTallies = std::map<std::pair<std::string, std::string>, RecurrentTally>;

struct Event {
    Time time;
    std::string kind;
    std::string mode;
    std::string detail;
};

struct Totals {
    Count rows = 0;
    std::int64_t first = 0, last = 0; // ids; 0: there is none

    std::array<Count, fate_names.size()> messages{}; // those with a queue id

    // Recipients.
    Count recipients = 0; // each with a row of its own
    Count summed = 0;     // refused in floods, counted without a row of their own
    Counts outcomes;
    Counts actions;
    Counts audited; // what enforce mode would have done where audit mode did something else

    // Of those whose mail went on (accepted, tagged or held).
    // By the level that delivery is held to: what is published, else what was required and is
    // bound. What merely could have been bound is "none". Not those of the next two.
    Counts held_to;
    Count excepted = 0;  // an exception let pass what offers less than the minimum
    Count not_asked = 0; // nothing was required or the next hop is internal: no look-up
    Counts required;     // by minimum
    Count unbound = 0;   // of all these: let pass though no lock binds their delivery

    std::map<std::string, RuleTally, std::less<>> rules; // "": the address could not be read
    DomainTallies falls_short, unknown, no_mail;
    Counts addresses;             // that fell short or were unknown, if they are asked for
    bool rarest_given_up = false; // counts of rare domains and addresses are too low
    std::map<std::int64_t, ExceptionTally> exceptions;
    // By next hop and reason's token:
    RecurrentTallies downgrades;
    RecurrentTallies held_back;       // at delivery, by the lock: answers, not messages
    RecurrentTallies would_hold_back; // in audit mode
    Counts changes;                   // all other rows, by kind
    std::deque<Event> incidents;
    std::deque<Event> modes; // where the mode is another than before
    std::string mode;        // the last that was recorded
};

class Tally {
  public:
    // With `addresses`, also who fell short; else no address is kept at all.
    explicit Tally(bool addresses = false, TallyLimits limits = {})
        : addresses_(addresses), limits_(limits) {}

    void add(const LedgerRow& row);
    const Totals& totals() const { return totals_; }

  private:
    void add_decision(const LedgerRow& row);
    void add_message(const LedgerRow& row);
    void add_change(const LedgerRow& row);
    void count_recurrent(RecurrentTallies& all, const LedgerRow& row, Count times);
    void count_domain(DomainTallies& domains, const LedgerRow& row);
    void keep(std::deque<Event>& events, const LedgerRow& row) const;

    bool addresses_;
    TallyLimits limits_;
    Totals totals_;
    std::map<std::string, Fate, std::less<>> recent_; // by queue id: what became of it so far
    std::deque<std::string> order_;                   // of recent_, oldest first
};

} // namespace surehop
