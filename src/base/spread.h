// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"

#include <cstddef>
#include <functional>
#include <string_view>

namespace surehop {

// Less than `most`, and always the same for one key: so that what is due for many keys is not due
// for all of them at the same moment.
inline Seconds spread(Seconds most, std::string_view key) {
    const auto parts = static_cast<std::size_t>(most.count());
    return Seconds{static_cast<Seconds::rep>(std::hash<std::string_view>{}(key) % parts)};
}

} // namespace surehop
