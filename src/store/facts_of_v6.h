// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "store/database.h"

namespace surehop {

// From the table facts_of_v6 into facts, in version 2 of their form: who changes that writes here
// as before, or reads both. A row that cannot be read is left out, as never learnt; how many were,
// the log says.
Status take_facts_of_v6(Database& database);

} // namespace surehop
