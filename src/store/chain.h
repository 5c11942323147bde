// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "store/ledger_row.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The chain that makes a change of the ledger show. Each row carries the SHA-256 of the row before
// it and of its own contents, so whoever changes one has to make all later ones anew; and whoever
// does that cannot make the heads fit that surehopd has told the journal.
//
// What is hashed is a sequence of netstrings (LENGTH:OCTETS,): the chain value before, "" at the
// very beginning; then the name and the value of each member that is not empty: id, time (seconds
// since 1970), exception, and the texts in the order of ledger_texts. A member that a later version
// adds is empty in all rows before it, and leaves their values as they are. Pure.

namespace surehop {

std::string chain_value(std::string_view before, const LedgerRow& row); // 64 hexadecimal digits

// A place in the chain: "1234:5f1c...". Id 0: where it begins.
struct ChainHead {
    std::int64_t id = 0;
    std::string value;

    std::string text() const;
    static std::optional<ChainHead> parse(std::string_view text);
    bool operator==(const ChainHead&) const = default;
};

struct ChainFault {
    enum class Kind : std::uint8_t { changed, missing, inserted, order };
    Kind kind = Kind::changed;
    std::int64_t id = 0;      // the first row that is wrong
    std::optional<Time> time; // of a row that is there
    std::string text;
};
std::string_view name_of(ChainFault::Kind kind);

// Follows the chain, row by row, in the order of their ids.
class ChainCheck {
  public:
    explicit ChainCheck(ChainHead after) : last_(std::move(after)) {}

    // What is wrong with the row, of which `value` is stored. After that there is no going on.
    std::optional<ChainFault> next(const LedgerRow& row, std::string_view value);

    const ChainHead& last() const { return last_; } // up to which all is well

  private:
    ChainHead last_;
};

// The rows from `first` to `last` are not there.
ChainFault missing_rows(std::int64_t first, std::int64_t last);

} // namespace surehop
