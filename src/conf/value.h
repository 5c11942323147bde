// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "conf/document.h"
#include "conf/table.h"

#include <string>

// One value against its row: the type (3 is no text), the words, the range, the length. What the
// text means is for the row's lens.

namespace surehop {

// The error is a whole sentence: what is wrong; what to write instead.
Result<Item> parse_item(const Row& row, const RawItem& raw);

// How a setting of this row is written, perhaps with the value that `raw` tried to give it.
std::string example(const Row& row, const RawItem& raw = {});

// Checks a value and puts it into the settings.
Status take_item(const Row& row, std::size_t index, const RawItem& raw, Settings& settings);

// Does nothing for rows without a default value, and for lists whose default is empty.
void take_default(const Row& row, std::size_t index, Settings& settings);

} // namespace surehop
