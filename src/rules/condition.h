// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

// The answer of a condition. What cannot be told, or not yet, is never "no": a rule that might hold
// is not passed over.

namespace surehop {

enum class Answer : std::uint8_t { no, cannot_tell, yes };

inline Answer both(Answer a, Answer b) { return std::min(a, b); }
inline Answer either(Answer a, Answer b) { return std::max(a, b); }
inline Answer opposite(Answer a) {
    return a == Answer::cannot_tell ? a : a == Answer::yes ? Answer::no : Answer::yes;
}
inline Answer answer(bool holds) { return holds ? Answer::yes : Answer::no; }

} // namespace surehop
