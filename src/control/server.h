// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "control/protocol.h"
#include "control/seats.h"
#include "resolve/loop.h"
#include "socketmap/listener.h"

#include <functional>
#include <memory>

// The daemon's end of the control socket: reads one request, learns from the kernel who asks, lets
// the commands answer. A peer without rights gets an error, never silence.

namespace surehop {

class ControlServer {
  public:
    using Handler = std::function<asio::awaitable<Json>(Json request, Peer peer)>;
    // `patience`: how long a peer may take to ask, and to read the answer.
    explicit ControlServer(Handler handler, Millis patience = Millis{30'000});

    asio::awaitable<void> serve(StreamSocket connection);

  private:
    Handler handler_;
    Millis patience_;
    std::shared_ptr<ControlSeats> seats_; // a connection may outlive us
};

// Rights of a user by the groups that he is in.
Peer identify(uid_t uid, gid_t gid);

} // namespace surehop
