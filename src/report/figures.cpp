// SPDX-License-Identifier: Apache-2.0
#include "report/figures.h"

#include "base/text.h"

#include <fmt/format.h>

namespace surehop {

std::uint64_t number_in(const Json& object, const char* name) {
    return object.at(name).get<std::uint64_t>();
}

std::string text_in(const Json& object, const char* name) {
    const Json& value = object.at(name);
    return value.is_string() ? printable(value.get_ref<const std::string&>(), 300) : "";
}

std::string share(std::uint64_t part, std::uint64_t all) {
    return all == 0 ? ""
                    : fmt::format("{:5.1f} %",
                                  100.0 * static_cast<double>(part) / static_cast<double>(all));
}

} // namespace surehop
