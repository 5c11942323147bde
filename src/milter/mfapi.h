// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "milter/session.h"

#include <functional>
#include <memory>
#include <string>

// The milter protocol by libmilter: converts its callbacks into calls of Session, and Reply into
// its answers. One Milter per process and one run of it, since libmilter's state is the process's.
//
// Start and stop want care (signals that libmilter takes, a stop that blocks for seconds, callbacks
// that go on after it has returned); the .cpp says how and why.

namespace surehop {

class Milter {
  public:
    // Binds and listens. socket: "unix:/path" (mode 0660, its folder is the administrator's) or
    // "inet:port@address" (a numeric address). Errors: a sentence that names the socket, such as
    // that another process serves it. `tell`: one sentence at a time, for the log; from any thread.
    static Result<std::unique_ptr<Milter>> open(const std::string& socket, SessionParts parts,
                                                Tell tell);
    ~Milter(); // after stop(), unless run() was never called
    Milter(const Milter&) = delete;
    Milter& operator=(const Milter&) = delete;

    // Serves in a thread of its own. `ended` is called from it if serving ends without stop().
    void run(std::function<void()> ended);

    // No new connection; then waits for the callbacks that still run, so that what they use can be
    // destroyed. False: it has not come to an end after `most`; then destroy nothing and leave the
    // process by _exit. Takes some 20 ms when nothing runs. From any thread.
    bool stop(Millis most);

  private:
    struct State;
    explicit Milter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace surehop
