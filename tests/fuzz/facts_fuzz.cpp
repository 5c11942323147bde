// SPDX-License-Identifier: Apache-2.0
// What the store gives back may have been damaged on disk: it is read whole or refused, and what is
// read is written again as the same facts.
#include "facts/facts_json.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace surehop;
    const auto facts = from_store({reinterpret_cast<const char*>(data), size});
    if (!facts)
        return 0;
    const std::string text = to_store(*facts);
    const auto again = from_store(text);
    if (!again || !(*again == *facts) || to_store(*again) != text)
        std::abort();
    if (print_json(to_json(*facts)).empty())
        std::abort();
    return 0;
}
