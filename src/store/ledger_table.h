// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "store/chain.h"
#include "store/database.h"
#include "store/ledger_row.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// The ledger's table: how a row gets into it, and out again.

namespace surehop {

// "id, time, exception, times, kind, ...": what row_of() takes, from column 0.
const std::string& ledger_columns();
constexpr int ledger_column_count = 4 + static_cast<int>(ledger_texts.size());
LedgerRow row_of(const Statement& found);
Result<std::vector<LedgerRow>> rows_of(Statement& query); // all that it finds

// Within a transaction that writes. Gives the row its id, its domain and its chain value: the last
// row is asked of the database each time, so that it is right whatever was rolled back before.
// Text that is not UTF-8 is made printable, so that each row can be exported as it is.
Status insert_row(Database& database, LedgerRow row);

struct ChainedRow {
    LedgerRow row;
    std::string chain;
};
Result<std::vector<ChainedRow>> rows_after(Database& database, std::int64_t id, std::size_t most);

Result<ChainHead> chain_head(Database& database); // id 0: there is no row

// Of a store of version 4: gives each row its domain and its chain value, in the open transaction.
Status chain_all(Database& database);

} // namespace surehop
