// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "store/database.h"
#include "store/ledger_addresses.h"
#include "store/ledger_row.h"
#include "store/promises.h"
#include "store/writer.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The durable record of every decision and every administrative change. Append only: the table
// itself refuses updates, and each row is chained to the one before it (store/chain.h).

namespace surehop {

class Ledger {
  public:
    Ledger(Database& reader, Writer& writer, LedgerAddresses addresses = {})
        : reader_(reader), writer_(writer), addresses_(std::move(addresses)) {}

    // On disk when it returns without error: what must be so before a message is accepted. All rows
    // or none.
    Status append(std::vector<LedgerRow> rows);

    // As it will stand there: addresses in the form that is configured.
    LedgerRow as_kept(LedgerRow row) const;

    // Soon on disk; for refusals, where nothing was accepted. All rows or none.
    void append_later(std::vector<LedgerRow> rows);

    // Latest first: rows whose reference or queue id equals `what`; whose sender or recipient does,
    // in any case of ASCII letters and in each form that the ledger has of addresses; or that
    // concern the domain `what`. Of an address also what names its whole domain: refusals that were
    // counted together, exceptions.
    Result<std::vector<LedgerRow>> trace(std::string_view what, std::size_t most = 100);

    // What was decided of the message that got this queue id at `arrival`, and all that became of
    // it since; the oldest first. Queue ids are used again: decisions of long before or after are
    // not this message's.
    Result<std::vector<LedgerRow>> of_message(std::string_view queue_id, Time arrival) const;

    // What held messages rest on, by queue id, as they were noted: of `open` ones, and of those
    // that the ledger says were released or discarded. Error: one cannot be read.
    struct Holds {
        std::map<std::string, std::vector<Promised>, std::less<>> open, ended;
    };
    Result<Holds> holds() const;

    // When the oldest row was written, where older ones have been removed; none where all are
    // there.
    Result<std::optional<Time>> kept_since() const;

    // An address as rows about mail have it.
    std::string shown(std::string_view address) const { return addresses_.shown(address); }

    // False: the latest start was not followed by a stop. True where there was none.
    Result<bool> ended_in_order() const;

    // The latest row that says which configuration came into force: of a start or a reload.
    Result<std::optional<LedgerRow>> latest_configuration() const;

    // For a writer's job: the row goes to disk together with the change that it records.
    static Status write(Database& database, const LedgerRow& row);

  private:
    Database& reader_;
    Writer& writer_;
    const LedgerAddresses addresses_; // of decisions, before anything else gets to see them
};

} // namespace surehop
