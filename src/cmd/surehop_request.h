// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <functional>
#include <string>

// What a command of the CLI asks of the daemon, and what becomes of the answer.

namespace surehop {

struct Request {
    Json ask;
    std::string (*text)(const Json&) = nullptr;
    int (*status)(const Json&) = nullptr; // null: 0. From 64 on the text is an error's
    bool reads_only = true;
    std::function<int(const Json&)> take = {}; // instead of printing it: the exit status
};

// Prints the text on standard error; `status` again.
int complain(const std::string& text, int status);

} // namespace surehop
