// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "allow/difference.h"
#include "base/result.h"
#include "base/time.h"
#include "rules/exception.h"
#include "store/database.h"
#include "store/ledger.h"
#include "store/writer.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// The exceptions, in memory for judging and in SQLite for keeping. An exception is in force as soon
// as add() returns, and on disk before that. Nothing is ever erased: removing ends an exception.
// Each change writes its row to the ledger in the same transaction.

namespace surehop {

// What the ledger says of an exception, but for the details.
LedgerRow exception_row(const Exception& exception, std::string_view kind, Time time);

class Allowlist {
  public:
    // All there ever were, by id. An unreadable store is an error, never an empty list.
    static Result<std::vector<Exception>> read(Database& reader);

    static Result<std::unique_ptr<Allowlist>> open(Database& reader, Writer& writer);
    ~Allowlist();

    // Adds and ends, all or nothing, in one transaction; what ends at `now` no longer holds then.
    // The ids of what was added, in order.
    // Errors: the recipient is no address, domain or suffix; reason, owner or an author is empty; a
    // text is too long or holds control characters; an end is not ahead, or not after the
    // beginning; what is to end is not there or has ended already; disk.
    // Ledger: a row "allow-add" or "allow-remove" for each, dated `now`.
    Result<std::vector<std::int64_t>> change(AllowChange wanted, Time now, const std::string& by);

    Result<std::int64_t> add(Exception exception); // alone, made when it begins
    Status remove(std::int64_t id, Time now, const std::string& reason, const std::string& by);

    // The live exception that covers both and accepts the lowest level (of several the oldest);
    // null if there is none. What is returned stays as it was, whatever changes meanwhile.
    ExceptionPtr match(const Path& sender, const Path& recipient, Time now) const;

    // The live exception that opens the next hop of this domain widest, at the lock: it names an
    // address in the domain, the domain, or a suffix over it. Whom it allows to send does not
    // matter, since the lock sees no sender.
    ExceptionPtr opening(const Domain& domain, Time now) const;

    // As opening(), of those that override what the destination publishes.
    ExceptionPtr overriding(const Domain& domain, Time now) const;

    std::vector<Exception> list() const; // by id, ended ones too
    ExceptionPtr find(std::int64_t id) const;

    // Those of which the ledger has a row of this kind.
    static Result<std::set<std::int64_t>> told(Database& reader, std::string_view kind);

  private:
    struct Rows;
    using Snapshot = std::shared_ptr<const Rows>;
    Allowlist(Writer& writer, std::vector<Exception> rows);
    Snapshot snapshot() const;
    ExceptionPtr widest(const Domain& domain, Time now, bool overriding) const;
    void publish(std::vector<ExceptionPtr> rows);

    Writer& writer_;
    std::mutex changing_; // one change at a time
    mutable std::mutex mutex_;
    Snapshot rows_;
};

} // namespace surehop
