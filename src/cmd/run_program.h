// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <string>
#include <vector>

// Runs a program to its end, without a shell: for the command line only, never in the daemon.

namespace surehop {

struct Ran {
    int status = 0; // its exit status; 128 and the signal that ended it
    std::string out, err;
};

struct RunLimits {
    Millis time{60'000};
    std::size_t octets = std::size_t{64} << 20U; // of what it prints, each way
};

// Where a program is: a name with a slash is itself; else in the absolute folders of `path` (as
// $PATH), then where mail programs are. "" where it is nowhere.
std::string find_program(const std::string& name, const std::string& path);

// `words`: the program and its arguments. It reads nothing, and is killed where it takes longer or
// prints more than the limits say. Errors: it cannot be found or started, and these.
Result<Ran> run_program(const std::vector<std::string>& words, const RunLimits& limits = {});

} // namespace surehop
