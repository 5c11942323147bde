// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "store/chain.h"
#include "store/database.h"
#include "store/retention.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

// Whether the ledger is as it was written: each row fits the one before it, none is missing, and a
// head that was noted elsewhere (the journal) is still in it. Only reads.

namespace surehop {

// What became of a head that somebody has noted.
enum class Noted : std::uint8_t {
    not_asked,
    found,
    other,     // the row has another value: the chain was made anew since
    beyond,    // the chain ends before it
    before,    // it lies before the rows that are there: nobody can tell any more
    unreached, // a fault lies before it
};
std::string_view name_of(Noted noted);

struct Verified {
    ChainHead after; // where the check began
    ChainHead last;  // up to where all is well
    std::uint64_t rows = 0;
    std::optional<Cut> cut; // the rows up to there were removed as too old
    std::optional<ChainFault> fault;
    Noted noted = Noted::not_asked;

    bool good() const; // no fault, and no head that should be there is missed
};

// Row by row, from wherever they come.
class Verifier {
  public:
    Verifier(ChainHead after, std::optional<ChainHead> noted);
    bool next(const LedgerRow& row, std::string_view value); // false: there is a fault
    void fault(ChainFault fault);                            // found otherwise
    Verified end() const;

  private:
    ChainCheck check_;
    std::optional<ChainHead> wanted_;
    Verified so_far_;
};

// `progress`: rows checked and rows in all, now and then.
using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

// The rows that were there when it began. Takes no lock for longer than a moment; the daemon may
// write, and remove old rows, meanwhile. Error: the store cannot be read.
Result<Verified> verify_store(Database& database, const std::optional<ChainHead>& noted,
                              const Progress& progress);

} // namespace surehop
