// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "assess/level.h"
#include "base/result.h"
#include "base/time.h"
#include "store/database.h"
#include "store/writer.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What has been promised of deliveries still to come: for a lock key, a level and until when.
// Written when mail is accepted or held under a requirement of `encrypted` or more, before the
// reply; the lock never answers below a live promise. One row per key and level, moved at most
// hourly, so that a busy destination costs no write per message; those that are over are cleared on
// the way.

namespace surehop {

struct Promised {
    std::string key; // NextHop::key(): what the MTA will ask the lock with
    Level level = Level::none;
    bool operator==(const Promised&) const = default;
};

class Promises {
  public:
    // Reads all live rows; an unreadable store is an error.
    static Result<std::unique_ptr<Promises>> open(Database& reader, Writer& writer, Time now);

    // The end of a promise of held mail: none, until it is settled. Of mail of which more is known
    // later it would be too long, never too short.
    static constexpr Time until_released{Seconds{253'402'300'799}}; // the end of the year 9999

    // On disk when it returns without error. Promises that reach far enough already cost nothing.
    Status keep(const std::vector<Promised>& promised, Time now, Time until);

    struct Row {
        std::string key;
        Level level;
        Time until; // until_released or earlier
    };
    // Ends all live promises for this key, and gives them back as they were. Whoever does it knows
    // what becomes of the mail that they were made for. Ledger: "promise-release", one row each.
    // Errors: there is none, no reason, disk.
    Result<std::vector<Row>> release(const std::string& key, Time now, const std::string& reason,
                                     const std::string& by);

    // Whoever holds a message has this from before its promises are kept until the ledger says that
    // it is held, so that nobody settles between the two what it rests on.
    [[nodiscard]] std::shared_lock<std::shared_mutex> holding() const;

    // What held mail rests on: key and level.
    using Resting = std::set<std::pair<std::string, Level>>;
    // Gives the promises without an end on which no held mail rests any more this end, and gives
    // them back with it. `resting` is asked while nobody can hold a message. Nothing is shortened
    // that has an end. Ledger: "promise-end", one row each. Errors: that of `resting`, disk; then
    // nothing has changed.
    Result<std::vector<Row>> settle(const std::function<Result<Resting>()>& resting, Time now,
                                    Time end, const std::string& by);

    // The live promise of the highest level for this key. From any thread.
    std::optional<Row> highest(std::string_view key, Time now) const;
    std::vector<Row> list(Time now) const;
    std::size_t count(Time now) const; // of the same

  private:
    explicit Promises(Writer& writer) : writer_(writer) {}

    Writer& writer_;
    mutable std::shared_mutex settling_; // shared by those who hold; taken before the next
    std::shared_mutex releasing_; // shared by those who keep: what they write must not be ended
    mutable std::mutex mutex_;
    std::map<std::string, std::map<Level, Time>, std::less<>> live_;
    Time cleared_{};
};

// What stands after "until": a time, or "released".
std::string end_of(Time until);

} // namespace surehop
