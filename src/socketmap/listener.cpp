// SPDX-License-Identifier: Apache-2.0
#include "socketmap/listener.h"

#include "base/log.h"
#include "milter/listen.h"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

namespace surehop {

using Protocol = asio::generic::stream_protocol;

struct Listener::State {
    State(asio::io_context& the_loop, Acceptor the_acceptor, bool is_local)
        : loop(the_loop), acceptor(std::move(the_acceptor)), local(is_local) {}
    asio::io_context& loop;
    Acceptor acceptor;
    bool local; // a UNIX socket: who may connect is the file's mode
    std::size_t open = 0;

    void complain(const std::string& why); // once a minute at most
    std::optional<std::chrono::steady_clock::time_point> told;
};

namespace {

Protocol::endpoint endpoint_of(const ListenAddress& at) {
    if (!at.path.empty())
        return asio::local::stream_protocol::endpoint(at.path);
    return asio::ip::tcp::endpoint(asio::ip::make_address(at.address), at.port);
}

// Of a peer over TCP; "" where it cannot be told: it is gone already.
std::string address_of(const StreamSocket& socket) {
    asio::error_code failed;
    const Protocol::endpoint peer = socket.remote_endpoint(failed);
    asio::ip::tcp::endpoint tcp;
    if (failed || peer.size() > tcp.capacity())
        return "";
    tcp.resize(peer.size());
    std::memcpy(tcp.data(), peer.data(), peer.size());
    return tcp.address().to_string();
}

} // namespace

bool may_ask(const std::vector<IpRange>& peers, const IpAddress& from) {
    return is_loopback(from) || std::any_of(peers.begin(), peers.end(), [&](const IpRange& range) {
               return range.holds(from);
           });
}

void Listener::State::complain(const std::string& why) {
    const auto now = std::chrono::steady_clock::now();
    if (told && now - *told < std::chrono::minutes{1})
        return;
    told = now;
    log::warning("{}", why);
}

struct Patience::State {
    State(StreamSocket its_socket, std::chrono::milliseconds the_longest)
        : socket(std::move(its_socket)), timer(socket.get_executor()), longest(the_longest) {}
    StreamSocket socket;
    asio::steady_timer timer;
    std::chrono::milliseconds longest;
    std::chrono::steady_clock::time_point end; // of what is awaited; max: nothing is
};

Patience::Patience(StreamSocket socket, std::chrono::milliseconds longest)
    : state_(std::make_shared<State>(std::move(socket), longest)) {
    (void)patiently();
    watch(state_);
}

Patience::~Patience() {
    state_->end = {}; // a handler that is on its way already begins no new wait
    state_->timer.cancel();
    asio::error_code ignored;
    state_->socket.close(ignored);
}

void Patience::watch(const std::shared_ptr<State>& state) {
    const auto now = std::chrono::steady_clock::now();
    state->timer.expires_at(std::min(state->end, now + state->longest));
    state->timer.async_wait([state](asio::error_code cancelled) {
        asio::error_code ignored;
        if (cancelled)
            return;
        if (state->end <= std::chrono::steady_clock::now())
            state->socket.close(ignored);
        else
            watch(state);
    });
}

StreamSocket& Patience::patiently() {
    state_->end = std::chrono::steady_clock::now() + state_->longest;
    return state_->socket;
}

void Patience::rest() { state_->end = std::chrono::steady_clock::time_point::max(); }

Listener::Listener(std::string where, std::string path, std::shared_ptr<State> state)
    : where_(std::move(where)), path_(std::move(path)), state_(std::move(state)) {}

Listener::~Listener() { stop(); }

Result<Protocol::endpoint> Listener::endpoint(const std::string& where) {
    const auto at = parse_listen_address(where);
    if (!at)
        return Error{at.error()};
    return endpoint_of(*at);
}

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& loop, const std::string& where,
                                                 unsigned mode) {
    const auto at = parse_listen_address(where);
    if (!at)
        return Error{at.error()};
    const bool local = !at->path.empty();
    if (local)
        if (auto cleared = make_way(at->path); !cleared)
            return Error{cleared.error()};
    const Protocol::endpoint endpoint = endpoint_of(*at);
    asio::error_code failed;
    Acceptor acceptor(loop);
    acceptor.open(endpoint.protocol(), failed);
    if (!failed && !local)
        acceptor.set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed)
        acceptor.bind(endpoint, failed);
    if (!failed && local && ::chmod(at->path.c_str(), mode) != 0)
        failed = asio::error_code(errno, asio::error::get_system_category());
    if (!failed)
        acceptor.listen(asio::socket_base::max_listen_connections, failed);
    if (failed)
        return Error{fmt::format("cannot listen on {}: {}", where, failed.message())};
    auto state = std::make_shared<State>(loop, std::move(acceptor), local);
    return std::unique_ptr<Listener>(new Listener(where, at->path, std::move(state)));
}

void Listener::start(std::function<asio::awaitable<void>(StreamSocket)> serve, std::size_t most,
                     std::vector<IpRange> peers) {
    const auto accept = [](std::shared_ptr<State> state, std::string where, auto serve_one,
                           std::size_t limit,
                           std::vector<IpRange> friends) -> asio::awaitable<void> {
        for (;;) {
            asio::error_code failed;
            StreamSocket socket = co_await state->acceptor.async_accept(
                asio::redirect_error(asio::use_awaitable, failed));
            if (failed == asio::error::operation_aborted || !state->acceptor.is_open())
                co_return;
            if (failed) { // no descriptors left, or the peer is gone again: breathe, go on
                state->complain(
                    fmt::format("{} takes no connection now: {}", where, failed.message()));
                asio::steady_timer pause(state->loop, std::chrono::milliseconds{100});
                co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failed));
                continue;
            }
            if (state->open >= limit) {
                state->complain(
                    fmt::format("{} has {} connections, and hangs up on more", where, limit));
                continue;
            }
            if (!state->local) {
                const std::string from = address_of(socket);
                const auto address = parse_ip(from);
                if (!address)
                    continue;
                if (!may_ask(friends, *address)) {
                    state->complain(from + " is hung up on: [listen] peers does not name it");
                    continue;
                }
            }
            ++state->open;
            asio::co_spawn(state->loop, serve_one(std::move(socket)),
                           [state](const std::exception_ptr&) { --state->open; });
        }
    };
    asio::co_spawn(state_->loop, accept(state_, where_, std::move(serve), most, std::move(peers)),
                   asio::detached);
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
