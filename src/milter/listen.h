// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Listening sockets, as far as libmilter and Asio do not see to them: whether a UNIX socket is
// stale or somebody's, a TCP socket of our own with TCP_NODELAY, and a knock on our own
// door, which is what makes libmilter notice that it shall stop.

namespace surehop {

struct ListenAddress {
    std::string path;    // of a UNIX socket; or
    std::string address; // canonical text
    std::uint16_t port = 0;

    std::string text() const; // "unix:/path" or "inet:port@address"
};

constexpr std::size_t longest_socket_path = 107; // octets: sockaddr_un has 108, with a NUL

// "unix:/path" or "inet:port@address"; names are not looked up. The error says what it is: '"x" is
// not a socket'.
Result<ListenAddress> parse_listen_address(std::string_view text);

// Removes a socket that nobody serves any more. Errors: somebody serves it, it is another kind of
// file, its folder does not exist or cannot be written.
Status make_way(const std::string& path);

// A listening TCP socket, close-on-exec. The sockets accepted from it inherit TCP_NODELAY (Linux):
// without it every message that is marked or held costs 44 ms, since libmilter writes two segments.
Result<int> listen_tcp(const ListenAddress& at, int backlog);

// Connects and hangs up at once. True if somebody took the call.
bool knock(const ListenAddress& at);

} // namespace surehop
