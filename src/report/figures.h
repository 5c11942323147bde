// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <cstdint>
#include <string>

// What the texts of report and survey are put together from. Pure.

namespace surehop {

// Members of an object; a text is made printable, and is "" where the member is no text.
std::uint64_t number_in(const Json& object, const char* name);
std::string text_in(const Json& object, const char* name);

std::string share(std::uint64_t part, std::uint64_t all); // " 45.5 %"; "" of nothing

} // namespace surehop
