// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "store/ledger_table.h"
#include "store/verify.h"

// The ledger as lines of JSON, which can be checked without the store: the first says where they
// begin in the chain, each other one is a row with its chain value.
//
//   {"surehop_ledger": 1, "after": "1233:5f1c..."}
//   {"id": 1234, "time": "2026-11-22T10:00:00Z", "kind": "decision", ..., "chain": "77ab..."}

namespace surehop {

Json ledger_begin(const ChainHead& after);
Result<ChainHead> parse_ledger_begin(const Json& line);

Json to_json(const ChainedRow& row);
// Errors: a member is missing, unknown, or of another type.
Result<ChainedRow> parse_ledger_row(const Json& line);

Json to_json(const Verified& verified); // as `ledger verify --json` prints it

} // namespace surehop
