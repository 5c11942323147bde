// SPDX-License-Identifier: Apache-2.0
// A store of before may have been damaged, too: its facts are read whole or refused, and what is
// read is the same in the form of today.
#include "facts/stored_facts.h"
#include "facts/stored_facts_v1.h"

#include "fuzz/require.h"

using namespace surehop;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto facts = from_store_v1(fuzz::text_of(data, size));
    if (!facts) {
        fuzz::require_error(facts.error());
        return 0;
    }
    const auto again = from_store(to_store(*facts));
    require(again && *again == *facts, "it is written and read as the same facts");
    return 0;
}
