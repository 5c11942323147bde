// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "rules/exception.h"
#include "store/database.h"
#include "store/writer.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

// The exceptions, in memory for judging and in SQLite for keeping. An exception is in force as soon
// as add() returns, and on disk before that. Nothing is ever erased: removing ends an exception.
// Each change writes its row to the ledger in the same transaction.

namespace surehop {

class Allowlist {
  public:
    // Reads all rows; an unreadable store is an error, never an empty list.
    static Result<std::unique_ptr<Allowlist>> open(Database& reader, Writer& writer);
    ~Allowlist();

    // The id given to it. Errors: the recipient is no address, domain or suffix; reason, owner or
    // created_by is empty; a text is too long or holds control characters; `until` is not after
    // `from`; disk. The ledger's row (kind "allow-add") is dated `from`.
    Result<std::int64_t> add(Exception exception);
    // Errors: no such id, ended already, no reason, disk. Ledger: "allow-remove".
    Status remove(std::int64_t id, Time now, const std::string& reason, const std::string& by);

    // The live exception that covers both and accepts the lowest level (of several the oldest);
    // none if there is none.
    std::optional<Exception> match(const Path& sender, const Path& recipient, Time now) const;

    // The live exception that opens the next hop of this domain widest, at the lock: it names an
    // address in the domain, the domain, or a suffix over it. Whom it allows to send does not
    // matter, since the lock sees no sender.
    std::optional<Exception> opening(const Domain& domain, Time now) const;

    std::vector<Exception> list() const; // by id, ended ones too
    std::optional<Exception> find(std::int64_t id) const;

  private:
    struct Rows;
    using Snapshot = std::shared_ptr<const Rows>;
    Allowlist(Writer& writer, std::vector<Exception> rows);
    Snapshot snapshot() const;
    void publish(std::vector<Exception> rows);

    Writer& writer_;
    std::mutex changing_; // one change at a time
    mutable std::mutex mutex_;
    Snapshot rows_;
};

} // namespace surehop
