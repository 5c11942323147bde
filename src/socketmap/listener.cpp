// SPDX-License-Identifier: Apache-2.0
#include "socketmap/listener.h"

#include "base/text.h"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace surehop {

using Protocol = asio::generic::stream_protocol;

struct Listener::State {
    State(asio::io_context& the_loop, Acceptor the_acceptor)
        : loop(the_loop), acceptor(std::move(the_acceptor)) {}
    asio::io_context& loop;
    Acceptor acceptor;
    std::size_t open = 0;
};

namespace {

struct Place {
    Protocol::endpoint endpoint;
    Protocol protocol;
    std::string path;
};

Result<Place> parse_place(const std::string& where) {
    const std::string_view text = where;
    if (text.starts_with("unix:")) {
        const std::string path(text.substr(5));
        if (path.empty() || path.front() != '/')
            return Error{fmt::format("'{}': the path of a UNIX socket must begin with /",
                                     printable(where))};
        if (path.size() >= sizeof(sockaddr_un::sun_path))
            return Error{fmt::format("'{}': the path of a UNIX socket may have {} octets at most",
                                     printable(where), sizeof(sockaddr_un::sun_path) - 1)};
        const asio::local::stream_protocol::endpoint endpoint(path);
        return Place{Protocol::endpoint(endpoint), Protocol(AF_UNIX, 0), path};
    }
    if (text.starts_with("inet:")) {
        const auto at = text.find('@');
        const auto port = parse_number(text.substr(5, at == text.npos ? at : at - 5), 65535);
        asio::error_code bad;
        std::string address(at == text.npos ? "" : text.substr(at + 1));
        if (address.size() > 2 && address.front() == '[' && address.back() == ']')
            address = address.substr(1, address.size() - 2);
        const auto ip = asio::ip::make_address(address, bad);
        if (port && *port > 0 && !bad) {
            const asio::ip::tcp::endpoint endpoint(ip, static_cast<std::uint16_t>(*port));
            return Place{Protocol::endpoint(endpoint),
                         Protocol(endpoint.protocol().family(), IPPROTO_TCP), ""};
        }
    }
    return Error{fmt::format("'{}' is not a socket; write unix:/path or inet:port@address",
                             printable(where))};
}

// Removes a socket that nobody serves any more.
Status clear(asio::io_context& loop, const Place& place) {
    struct stat found {};
    if (::lstat(place.path.c_str(), &found) != 0)
        return Done{};
    if (!S_ISSOCK(found.st_mode))
        return Error{fmt::format("{} exists and is not a socket; remove it", place.path)};
    Protocol::socket probe(loop, place.protocol);
    asio::error_code refused;
    probe.connect(place.endpoint, refused);
    if (!refused)
        return Error{fmt::format("{} is in use by another process; stop it first", place.path)};
    if (::unlink(place.path.c_str()) != 0)
        return Error{fmt::format("cannot remove the old socket {}: {}", place.path,
                                 std::strerror(errno))};
    return Done{};
}

} // namespace

Patience::Patience(StreamSocket socket, std::chrono::milliseconds longest)
    : socket_(std::make_shared<StreamSocket>(std::move(socket))),
      timer_(socket_->get_executor()), longest_(longest) {}

Patience::~Patience() {
    timer_.cancel();
    asio::error_code ignored;
    socket_->close(ignored);
}

StreamSocket& Patience::patiently() {
    timer_.expires_after(longest_);
    timer_.async_wait([socket = socket_](asio::error_code cancelled) {
        asio::error_code ignored;
        if (!cancelled)
            socket->close(ignored);
    });
    return *socket_;
}

Listener::Listener(std::string where, std::string path, std::shared_ptr<State> state)
    : where_(std::move(where)), path_(std::move(path)), state_(std::move(state)) {}

Listener::~Listener() {
    stop();
}

Result<Protocol::endpoint> Listener::endpoint(const std::string& where) {
    auto place = parse_place(where);
    if (!place)
        return Error{place.error()};
    return place->endpoint;
}

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& loop, const std::string& where,
                                                 unsigned mode) {
    auto place = parse_place(where);
    if (!place)
        return Error{place.error()};
    if (!place->path.empty())
        if (auto cleared = clear(loop, *place); !cleared)
            return Error{cleared.error()};
    asio::error_code failed;
    Acceptor acceptor(loop);
    acceptor.open(place->protocol, failed);
    if (!failed && place->path.empty())
        acceptor.set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed)
        acceptor.bind(place->endpoint, failed);
    if (!failed && !place->path.empty() && ::chmod(place->path.c_str(), mode) != 0)
        failed = asio::error_code(errno, asio::error::get_system_category());
    if (!failed)
        acceptor.listen(asio::socket_base::max_listen_connections, failed);
    if (failed)
        return Error{fmt::format("cannot listen on {}: {}", where, failed.message())};
    auto state = std::make_shared<State>(loop, std::move(acceptor));
    return std::unique_ptr<Listener>(new Listener(where, place->path, std::move(state)));
}

void Listener::start(std::function<asio::awaitable<void>(StreamSocket)> serve, std::size_t most) {
    const auto accept = [](std::shared_ptr<State> state, auto serve_one,
                           std::size_t limit) -> asio::awaitable<void> {
        for (;;) {
            asio::error_code failed;
            StreamSocket socket = co_await state->acceptor.async_accept(
                asio::redirect_error(asio::use_awaitable, failed));
            if (failed == asio::error::operation_aborted || !state->acceptor.is_open())
                co_return;
            if (failed) { // no descriptors left, or the peer is gone again: breathe, go on
                asio::steady_timer pause(state->loop, std::chrono::milliseconds{100});
                co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failed));
                continue;
            }
            if (state->open >= limit)
                continue; // hangs up
            ++state->open;
            asio::co_spawn(state->loop, serve_one(std::move(socket)),
                           [state](std::exception_ptr) { --state->open; });
        }
    };
    asio::co_spawn(state_->loop, accept(state_, std::move(serve), most), asio::detached);
}

void Listener::stop() {
    asio::error_code ignored;
    if (!state_->acceptor.is_open())
        return;
    state_->acceptor.close(ignored);
    if (!path_.empty())
        ::unlink(path_.c_str());
}

} // namespace surehop
