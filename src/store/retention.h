// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "store/chain.h"
#include "store/database.h"

#include <optional>

// What is too old leaves the ledger at its beginning, never out of its middle. First a row of kind
// "retention" says up to which row, with the chain value of that one, on which a check of the rest
// then starts; only then the rows go, a few at a time, so that mail does not wait.

namespace surehop {

struct Cut {
    ChainHead last; // the last row that was, or is being, removed
    Time at;
};
// By the latest row of kind "retention". An error where that row cannot be read.
Result<std::optional<Cut>> latest_cut(Database& database);

// For a writer's job: one step of removing what is from before `now - keep`. False: there is
// nothing left to do. Rows in a row are old up to the first that is not; one dated in the future,
// by a clock that was wrong, keeps no other.
Result<bool> cut_some(Database& database, Time now, Seconds keep);

} // namespace surehop
