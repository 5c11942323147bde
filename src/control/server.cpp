// SPDX-License-Identifier: Apache-2.0
#include "control/server.h"

#include "base/log.h"

#include <fmt/format.h>

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace surehop {

namespace {

std::optional<gid_t> group_id(const char* name) {
    group entry{};
    group* found = nullptr;
    std::array<char, 16384> space{};
    if (::getgrnam_r(name, &entry, space.data(), space.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return found->gr_gid;
}

bool is_member(const std::string& user, gid_t primary, const char* group_name) {
    const auto wanted = group_id(group_name);
    if (!wanted)
        return false;
    std::vector<gid_t> groups(256);
    int count = static_cast<int>(groups.size());
    if (::getgrouplist(user.c_str(), primary, groups.data(), &count) < 0)
        return false; // in more groups than anybody has: not proven, hence no right
    groups.resize(static_cast<std::size_t>(count));
    return std::find(groups.begin(), groups.end(), *wanted) != groups.end();
}

constexpr uid_t nobody_known = static_cast<uid_t>(-1);

// Without a look at what it asks, and without waiting: a new connection takes a line.
void turn_away(StreamSocket& connection, ControlSeats& seats, uid_t user) {
    if (seats.worth_telling(std::chrono::steady_clock::now()))
        log::warning(
            "connections of uid {} to the control socket are turned away: too many are open", user);
    const std::string out =
        print_json(control_error(fmt::format("too many connections of uid {} are open here; let "
                                             "them end, and ask again",
                                             user))) +
        "\n";
    asio::error_code ignored;
    connection.non_blocking(true, ignored);
    connection.send(asio::buffer(out), 0, ignored);
}

} // namespace

Peer identify(uid_t uid, gid_t gid) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 16384> space{};
    Peer peer(uid, std::to_string(uid));
    if (::getpwuid_r(uid, &entry, space.data(), space.size(), &found) == 0 && found != nullptr)
        peer.name = found->pw_name;
    peer.may_change = uid == 0 || uid == ::geteuid() || is_member(peer.name, gid, "surehop-admin");
    peer.may_read = peer.may_change || is_member(peer.name, gid, "surehop");
    return peer;
}

ControlServer::ControlServer(Handler handler, Millis patience)
    : handler_(std::move(handler)), patience_(patience),
      seats_(std::make_shared<ControlSeats>(::geteuid())) {}

asio::awaitable<void> ControlServer::serve(StreamSocket connection) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    const bool known =
        ::getsockopt(connection.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0;
    const uid_t user = known ? credentials.uid : nobody_known;
    const auto seats = seats_;
    const auto seat = seats->take(user);
    if (!seat) {
        turn_away(connection, *seats, user);
        co_return;
    }
    const Peer peer = known ? identify(credentials.uid, credentials.gid) : Peer(0, "nobody");
    // Everybody may open the socket: how much memory that takes depends on who it is.
    const std::size_t most = peer.may_change ? longest_control_change : longest_control_request;
    Patience socket(std::move(connection), patience_);
    std::string line;
    asio::error_code failed;
    co_await asio::async_read_until(socket.patiently(), asio::dynamic_buffer(line, most), '\n',
                                    asio::redirect_error(asio::use_awaitable, failed));
    socket.rest();
    Json reply;
    auto request = parse_json(line);
    if (failed == asio::error::not_found)
        reply = control_error(
            fmt::format("the request is too long: {} may send {} octets", peer.text(), most));
    else if (failed)
        co_return;
    else if (!request || !request->is_object())
        reply = control_error("the request is not a JSON object");
    else if (!known)
        reply = control_error("cannot tell who asks");
    else if (!peer.may_read)
        reply = control_error(peer.text() + " may not use this socket; join the group surehop");
    else
        reply = co_await handler_(*std::move(request), peer);
    const std::string out = print_json(reply) + "\n";
    co_await asio::async_write(socket.patiently(), asio::buffer(out),
                               asio::redirect_error(asio::use_awaitable, failed));
}

} // namespace surehop
