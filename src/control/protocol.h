// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

// What the CLI and the daemon say to each other on the control socket: one JSON object on a line
// each way, one request per connection.
//
//   {"do": "explain", "address": "bob@example.org"}
//   {"ok": true, "result": {...}}    or    {"ok": false, "error": "one sentence"}

namespace surehop {

constexpr std::size_t longest_control_request = 65'536;
// Of a peer who may change something: a list of exceptions (allow/exception_list.h) fits, with the
// quotes that JSON puts before its quotes.
constexpr std::size_t longest_control_change = std::size_t{10} << 20U;

// Who asks, as the kernel says (SO_PEERCRED).
struct Peer {
    Peer(uid_t user, std::string named) : uid(user), name(std::move(named)) {}
    uid_t uid;
    std::string name;        // "root"; the number where it has no name
    bool may_read = false;   // group surehop, or one of the following
    bool may_change = false; // root, the daemon's own user, group surehop-admin

    std::string text() const { return "uid " + std::to_string(uid) + " (" + name + ")"; }
};

inline Json control_result(Json result) {
    return Json{{"ok", true}, {"result", std::move(result)}};
}

// A member of a request: "" where it is missing or of another type, 0, false.
inline std::string text_of(const Json& request, const char* name) {
    const auto found = request.find(name);
    return found != request.end() && found->is_string() ? found->get<std::string>() : "";
}

inline std::int64_t number_of(const Json& request, const char* name) {
    const auto found = request.find(name);
    return found != request.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

inline bool flag_of(const Json& request, const char* name) {
    const auto found = request.find(name);
    return found != request.end() && found->is_boolean() && found->get<bool>();
}

inline Json control_error(std::string text) {
    return Json{{"ok", false}, {"error", std::move(text)}};
}

} // namespace surehop
