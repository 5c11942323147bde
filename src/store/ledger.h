// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "store/database.h"
#include "store/ledger_addresses.h"
#include "store/ledger_row.h"
#include "store/writer.h"

#include <cstddef>
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

    // Soon on disk; for refusals, where nothing was accepted. All rows or none.
    void append_later(std::vector<LedgerRow> rows);

    // Latest first: rows whose reference or queue id equals `what`; whose sender or recipient does,
    // in any case of ASCII letters and in each form that the ledger has of addresses; or that
    // concern the domain `what`. Of an address also what names its whole domain: refusals that were
    // counted together, exceptions.
    Result<std::vector<LedgerRow>> trace(std::string_view what, std::size_t most = 100);

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
