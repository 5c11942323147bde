// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "store/promises.h"

#include <string>
#include <string_view>
#include <vector>

// What the ledger notes of a message that is held (kind "quarantine-hold", in `detail`): what was
// promised of it, which stands until it is released or discarded, and what its queue file will not
// tell whoever judges it again. Pure.
//
//   promised dane dane.test, encrypted [mx.example.org]:587; REQUIRETLS

namespace surehop {

struct HeldNote {
    std::vector<Promised> promised; // in order, each once
    bool requiretls = false;
    bool operator==(const HeldNote&) const = default;
};

std::string text_of(const HeldNote& note);
// Error: it is not as text_of() writes it.
Result<HeldNote> parse_held_note(std::string_view text);

} // namespace surehop
