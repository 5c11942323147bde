// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "store/database.h"
#include "store/writer.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The durable record of every decision and every administrative change. Append only: the table
// itself refuses updates.

namespace surehop {

struct LedgerRow {
    std::int64_t id = 0; // given when it is written
    Time time;
    std::string kind;      // "decision", or what was changed: "allow-add", "start", "reload", ...
    std::string reference; // as in the reply; may be empty
    std::string queue_id;  // empty while the MTA has given none
    std::string sender;
    std::string recipient;
    std::string next_hop;
    std::string rule;
    std::int64_t exception = 0; // 0: none
    std::string minimum;
    std::string mode;
    std::string outcome;
    std::string level;
    std::string reason; // token
    std::string action;
    std::string would;
    std::string detail; // of changes: who, what, why; of decisions: "unbound" and the like

    bool operator==(const LedgerRow&) const = default;
};

class Ledger {
  public:
    Ledger(Database& reader, Writer& writer) : reader_(reader), writer_(writer) {}

    // On disk when it returns without error: what must be so before a message is accepted. All rows
    // or none.
    Status append(std::vector<LedgerRow> rows);

    // Soon on disk; for refusals, where nothing was accepted. All rows or none.
    void append_later(std::vector<LedgerRow> rows);

    // Rows whose reference or queue id equals `what`, or whose sender or recipient does in any case
    // of ASCII letters; latest first.
    Result<std::vector<LedgerRow>> trace(std::string_view what, std::size_t most = 100);

    // The latest row that says which configuration came into force: of a start or a reload.
    Result<std::optional<LedgerRow>> latest_configuration() const;

    // For a writer's job: the row goes to disk together with the change that it records.
    static Status write(Database& database, const LedgerRow& row);

  private:
    Database& reader_;
    Writer& writer_;
};

} // namespace surehop
