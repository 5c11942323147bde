// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "resolve/loop.h"
#include "store/database.h"
#include "store/writer.h"

#include <functional>
#include <optional>

// What surehopd does for the ledger by the hour: it tells the log the head of the chain, so that a
// chain that somebody makes anew does not fit what the journal has; and once a day it removes what
// is too old.

namespace surehop {

class LedgerKeeper {
  public:
    LedgerKeeper(Database& reader, Writer& writer, const Clock& clock)
        : reader_(reader), writer_(writer), clock_(clock) {}

    void tell_head();

    // Removes all that is older than `keep`, a few rows at a time. Ends early, with a line in the
    // log, where the store cannot be written.
    asio::awaitable<void> remove_old(asio::io_context& loop, Seconds keep);

    // For as long as the loop runs. `keep`: as configured now, 0 for ever. `settled`: whether the
    // clock can be trusted with deleting what is old.
    asio::awaitable<void> run(asio::io_context& loop, std::function<Seconds()> keep,
                              std::function<bool()> settled);

  private:
    Database& reader_;
    Writer& writer_;
    const Clock& clock_;
    std::optional<Time> removed_; // when that was last done
};

} // namespace surehop
