// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/surehop_answerer.h"

#include <cstdint>
#include <string>

// `surehop survey`: reads a list or a log, has each domain looked up once, no faster than it is
// allowed to, and sums up. Returns the exit status, and has printed the result, or the error.

namespace surehop {

struct SurveyQuestion {
    std::string file; // "-": standard input
    std::string sender, lock;
    std::string minimum = "authenticated";
    std::uint32_t top = 20;
    std::uint32_t rate = 20; // domains a second
    bool json = false, csv = false;
};

int survey(const SurveyQuestion& question, const AnswererPlace& place);

} // namespace surehop
