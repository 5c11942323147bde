// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "allow/exception_list.h"
#include "base/json.h"
#include "base/result.h"
#include "store/allowlist.h"
#include "store/ledger.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

// The lists of [allow] files, kept in force: what such a file says is what the store has of it. A
// file that is missing, may be written or replaced by everybody, or has one bad line changes
// nothing: the exceptions that came from it stay as they were, and log and ledger say so once until
// it is good again. What a file says no more ends.
//
// A file that somebody writes at this moment may be half of what it will be: it is read when it has
// been left alone for a moment. Runs on the loop.

namespace surehop {

// What tells apart two versions of a file; mode and owner are in it by their time of change.
struct FileVersion {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t written = 0, changed = 0; // in nanoseconds

    bool operator==(const FileVersion&) const = default;
};

struct FileText {
    std::string text;
    FileVersion version;
};
// Errors: missing, unreadable, no regular file, too large, writable by everybody, changed
// meanwhile.
Result<FileText> read_exception_file(const std::string& path);

class ExceptionFiles {
  public:
    ExceptionFiles(Allowlist& allowlist, Ledger& ledger) : allowlist_(allowlist), ledger_(ledger) {}

    // Every few seconds. `anew`, at the start and when somebody asks for it: reads now what has not
    // changed, too.
    void look(const AllowTerms& terms, Time now, bool anew = false);

    // [{"file", "state": "good" | "failed" | "not-read", "exceptions", "since", "text"}]
    Json states(const AllowTerms& terms, Time now) const;

  private:
    struct State {
        std::optional<FileVersion> version; // of what was read last
        bool read = false;
        std::string failure;
        Time since{}; // when it was read, or when it began to fail
        Time again{}; // a file that fails is read again then, changed or not
    };
    static bool is_due(const std::string& path, const State& state, Time now);
    void look_at(const std::string& path, State& state, const AllowTerms& terms, Time now);
    Result<Difference> apply(const std::string& path, const std::string& text,
                             const AllowTerms& terms, Time now);
    void failed(const std::string& path, State& state, const std::string& why, Time now);
    void done(const std::string& path, State& state, const Difference& changed, Time now);
    std::size_t count_of(const std::string& path, Time now) const;

    Allowlist& allowlist_;
    Ledger& ledger_;
    std::map<std::string, State> states_;
};

} // namespace surehop
