// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "store/database.h"

namespace surehop {

// From the table facts_of_v6 into facts, in the form of today. A row that cannot be read is left
// out: that is as never learnt.
Status take_facts_of_v6(Database& database);

} // namespace surehop
