// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "rules/exception.h"
#include "store/database.h"
#include "store/writer.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

// The exceptions, in memory for judging and in SQLite for keeping. An exception is in force as soon
// as add() returns, and on disk before that. Nothing is ever erased: removing ends an exception.

namespace surehop {

class Allowlist {
  public:
    // Reads all rows; an unreadable store is an error, never an empty list.
    static Result<std::unique_ptr<Allowlist>> open(Database& reader, Writer& writer);

    // The id given to it. Errors: a required text is empty, `until` is not after `from`, disk.
    Result<std::int64_t> add(Exception exception);
    // Errors: no such id, ended already, no reason.
    Status remove(std::int64_t id, Time now, const std::string& reason, const std::string& by);

    // The live exception that covers both and accepts the lowest level; none if there is none.
    std::optional<Exception> match(const Path& sender, const Path& recipient, Time now) const;

    // The lowest level that a live exception opens for the next hop of this domain, at the lock.
    std::optional<Exception> opening(const Domain& domain, Time now) const;

    std::vector<Exception> list() const; // by id, ended ones too
    std::optional<Exception> find(std::int64_t id) const;

  private:
    using Snapshot = std::shared_ptr<const std::vector<Exception>>;
    Allowlist(Writer& writer, std::vector<Exception> rows);
    Snapshot snapshot() const;

    Writer& writer_;
    std::mutex changing_; // one change at a time
    mutable std::mutex mutex_;
    Snapshot rows_;
};

} // namespace surehop
