// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rules/exception.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What a list of exceptions would change. Pure: a dry run prints what the real thing does.
//
// Exceptions are compared by recipient and sender; of one pair there may be several. One that the
// list has word for word stays as it is, whoever made it. One that it has with other words is
// changed: it ends, and another begins. Only what `may_end` allows is changed or ended.

namespace surehop {

struct Addition {
    Exception exception;
    std::vector<std::int64_t> beside; // those for the same recipient and sender that stay
};

struct Change {
    Exception before; // ends
    Exception after;  // begins
};

struct Difference {
    std::vector<Addition> added;  // in the order of the list
    std::vector<Change> changed;  // likewise
    std::vector<Exception> ended; // by id
    std::size_t unchanged = 0;

    bool nothing() const { return added.empty() && changed.empty() && ended.empty(); }
};

// `current`: by id; those that are over are left out of account. `wanted`: as read_list() gives it.
Difference difference(std::span<const Exception> current, std::span<const Exception> wanted,
                      const std::function<bool(const Exception&)>& may_end, Time now);

// The same as what the store is to do.
struct Ending {
    std::int64_t id = 0;
    std::string reason;
};

struct AllowChange {
    std::vector<Exception> add;
    std::vector<Ending> end;
};

// What is added first, then what others are changed into. `file`: where the list stands, for the
// reason of an end.
AllowChange change_of(const Difference& difference, std::string_view file);

} // namespace surehop
