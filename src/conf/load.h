// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "conf/settings.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// surehop.toml becomes Settings, or a list of all that is wrong with it. Nothing is guessed: an
// unknown key, a value of another type (3 is no text) and a file that is missing, unreadable or
// empty are errors, and never a reason to go on with defaults (DESIGN invariant 14).

namespace surehop {

struct Problem {
    std::string file;
    Place place;      // line 0: the file as a whole
    std::string text; // "what is wrong; what to write instead"

    std::string line() const; // "file:line:column: text", or "file: text"
};

struct Loaded {
    SettingsPtr settings;          // null when there are errors
    std::vector<Problem> errors;   // in the order of the file
    std::vector<Problem> warnings; // loads, but is perhaps not what was meant
    std::string control;           // the control socket, as far as the file says; may be empty

    explicit operator bool() const { return settings != nullptr; }
};

constexpr std::size_t most_configuration_bytes = std::size_t{1} << 20U;
constexpr std::size_t most_rules = 1000;
constexpr std::size_t most_patterns = 100'000;       // of all rules together, lists and all
constexpr std::size_t most_comparisons = 20'000'000; // patterns times rules

Loaded load_file(const std::string& path);
Loaded load_text(std::string_view text, const std::string& name); // reads the lists that it names

// For `surehopd --defaults` alone: every setting at its default, which is audit mode without a
// lock.
SettingsPtr default_settings();

} // namespace surehop
