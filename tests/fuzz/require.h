// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// What must hold for every input: a crash that a fuzzing engine, or the replay of a corpus, sees.

namespace surehop::fuzz {

inline void require(bool holds, const char* what) {
    if (holds)
        return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return size == 0 ? std::string_view{}
                     : std::string_view(reinterpret_cast<const char*>(data), size);
}

// Errors go to logs and replies: printable text in one line, and not much of it.
inline void require_error(std::string_view error) {
    require(!error.empty() && error.size() < 400, "an error says something, and briefly");
    for (const char c : error)
        require(c >= 0x20 && c < 0x7f, "an error is printable");
}

} // namespace surehop::fuzz
