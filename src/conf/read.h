// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "conf/document.h"
#include "conf/load.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

// From a document to Settings, in two steps: read() takes every value by its row of the table;
// cross_check() looks at what several settings say together.

namespace surehop {

// What is being made, and what was found wrong on the way.
struct Reading {
    std::string file;
    Settings settings;
    std::vector<Problem> errors;
    std::vector<Problem> warnings;
    std::set<std::string, std::less<>> failed; // "policy.mode": has no value to reason about

    Place place_of(std::string_view setting) const; // of a default: line 0
    void error(Place place, std::string text);
    void warn(Place place, std::string text);
};

void read(const RawDocument& document, Reading& reading);

void cross_check(Reading& reading);

// Builds Settings::site.
void finish(Settings& settings);

} // namespace surehop
