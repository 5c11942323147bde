// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>

// JSON with members in the order in which they were written, so that what people read stays in the
// order of the JSON contract. The only place that includes the library.

namespace surehop {

using Json = nlohmann::ordered_json;

// A document, or nothing when the text is not JSON. Never throws.
inline std::optional<Json> parse_json(std::string_view text) {
    Json value = Json::parse(text, nullptr, false);
    return value.is_discarded() ? std::nullopt : std::optional<Json>(std::move(value));
}

// One line; octets that are not UTF-8 are replaced, since strangers' text may end up in it.
inline std::string print_json(const Json& value, int indent = -1) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

} // namespace surehop
