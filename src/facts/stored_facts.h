// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "facts/facts.h"

#include <string>
#include <string_view>

// Facts as the store holds them, on disk and in memory: everything, in few octets, and read back in
// a microsecond, or in some milliseconds where a stranger has published as much as he may. States
// and modes are letters and reasons their tokens, so that no number of an enum, which may change,
// is ever on disk.

namespace surehop {

std::string to_store(const Facts& facts);

// Error: not what to_store writes, of another version, or damaged. Never part of the facts: a
// policy or a TLSA record that got lost must not look like one that never was.
Result<Facts> from_store(std::string_view octets);

} // namespace surehop
