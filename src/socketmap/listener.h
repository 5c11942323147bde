// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/ip_range.h"
#include "base/result.h"
#include "resolve/loop.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// A listening socket, "unix:PATH" or "inet:PORT@ADDRESS", whose connections are served one
// coroutine each. Used by the lock and by the control socket.

namespace surehop {

using StreamSocket = asio::generic::stream_protocol::socket;

// A connection that is closed when the peer keeps it waiting too long. One timer for all of it,
// which looks at its end when it goes off: to set one for each read costs more than an answer.
class Patience {
  public:
    Patience(StreamSocket socket, std::chrono::milliseconds longest);
    ~Patience();

    // The socket, for one read or write that must end within `longest` from now.
    StreamSocket& patiently();
    void rest(); // nothing is awaited of the peer now

  private:
    struct State;
    static void watch(const std::shared_ptr<State>& state);
    std::shared_ptr<State> state_; // shared with the timer's handler, which may outlive us
};

// Whether who connects from there may: this machine, and who is among `peers`.
bool may_ask(const std::vector<IpRange>& peers, const IpAddress& from);

class Listener {
  public:
    // `mode`: permissions of a UNIX socket. A stale one is replaced; one that somebody serves is an
    // error, as are a path that is too long and an address that is not on this machine.
    static Result<std::unique_ptr<Listener>> open(asio::io_context& loop, const std::string& where,
                                                  unsigned mode);
    ~Listener(); // removes its UNIX socket

    // Where a peer would connect to it.
    static Result<asio::generic::stream_protocol::endpoint> endpoint(const std::string& where);

    // Serves until stop(). Above `most` connections at once, new ones are hung up on, and so are
    // those over TCP from elsewhere than loopback and `peers`. `serve` must not throw; if it does,
    // its connection ends.
    void start(std::function<asio::awaitable<void>(StreamSocket)> serve, std::size_t most,
               std::vector<IpRange> peers = {});
    void stop();

    const std::string& where() const { return where_; }

  private:
    using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
    struct State;
    Listener(std::string where, std::string path, std::shared_ptr<State> state);

    std::string where_;
    std::string path_; // of a UNIX socket
    std::shared_ptr<State> state_;
};

} // namespace surehop
