// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "cmd/postfix_queue.h"

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

// Between the mail server that holds messages and the daemon that judges them: what `surehop
// quarantine` does. The daemon has every step on disk before the mail server is told to do it.

namespace surehop {

// Of an exception that is to be made where a message falls short. `until` empty: none is wanted.
// `lowest` empty: as the destination needs.
struct ExceptionTerms {
    std::string until, reason, owner, ticket, lowest;
};

class QuarantineDesk {
  public:
    struct Parts {
        MailQueue& queue;
        // The daemon, or its code in this process; the error is a sentence.
        std::function<Result<Json>(const Json& question)> ask;
        std::function<void(std::size_t done, std::size_t all)> progress = [](auto, auto) {};
    };
    explicit QuarantineDesk(Parts parts) : parts_(std::move(parts)) {}

    // What each gives is what --json prints. Errors: the queue cannot be read, the daemon does not
    // answer, a message is not held or not ours. What goes wrong with one message of several is
    // told with it.

    // {"messages": [...], "others": held by somebody else}
    Result<Json> list();
    // {"messages": [each with "result"], "others", "promises_ended", "notes"}. Without ids, all.
    // result: released, would-be-released, kept, unknown, failed (then "error").
    Result<Json> recheck(const std::vector<std::string>& ids, bool dry_run);
    // The same for one message; with terms and "exceptions": those that were made.
    Result<Json> release(const std::string& id, const std::string& reason,
                         const ExceptionTerms& terms);
    Result<Json> discard(const std::string& id, const std::string& reason); // result: discarded

  private:
    struct Ours {
        QueuedMessage message;
        Json known; // the daemon's answer about it
    };
    struct Desk {
        std::vector<Ours> ours;
        std::set<std::string> fields; // of the header, that rules ask about
        std::size_t others = 0, unreadable = 0;
    };
    Result<Desk> open();
    static Result<std::vector<Ours>> choose(Desk& desk, const std::vector<std::string>& ids);
    void look_up(const Ours& one);
    Result<Json> told(const Ours& one, const std::set<std::string>& fields);
    Json step(const Ours& one, const std::set<std::string>& fields, const std::string& name,
              const std::string& reason, bool dry_run);
    void carry_out(Json& out, const Json& message, const std::string& name);
    Result<Json> make_exceptions(const Ours& one, const Json& judged, const ExceptionTerms& terms);
    Json finish(Json messages, const Desk& desk, bool changed);

    Parts parts_;
    std::set<std::string> looked_up_; // next hops, each once
    Json notes_ = Json::array();
};

// 0 all met, 1 some fall short, 2 some could not be told; else that of a failed program.
int quarantine_status(const Json& result);

} // namespace surehop
