// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "store/database.h"

// Numbered migrations (PRAGMA user_version). All tables are STRICT. A store that is newer than this
// program, or that is a database of another program, is refused with a sentence that says so, and
// is left untouched.

namespace surehop {

constexpr int schema_version = 7;

Status migrate(Database& database); // from any earlier version, in one transaction
Result<int> version_of(Database& database);

// For who only reads: an error unless the store has exactly this program's version.
Status require_current(Database& database);

// Writes what is there already, in the open transaction: that and its commit work only where the
// store can be written.
Status write_version_again(Database& database);

} // namespace surehop
