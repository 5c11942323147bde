// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "conf/settings.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// A setting is one row: section, key, type, range, default, help, and how its value gets into
// Settings and out again. From the rows come the check for unknown keys, every default,
// `surehop config defaults|show`, and the proof that surehop.toml(5) says the same.

namespace surehop {

enum class Type : std::uint8_t {
    word,     // a text, one of `words`
    text,     // a text of `least` to `most` octets without control characters
    duration, // a text such as "2s", of `least` to `most` milliseconds
    number,   // an integer from `least` to `most`
    list,     // a list of such texts
    table,    // such texts by name: { "X-Label" = "secret" }
};
std::string_view name_of(Type type);

// What holds when the file does not have the key.
enum class Absent : std::uint8_t {
    initial,   // `initial` does
    required,  // that is an error; `initial` is for the embedded defaults
    as_policy, // in a [[rule]]: what [policy] says
    nothing,   // the setting has no value
};

// One value that is of its row's type and in its range.
struct Item {
    std::string text;
    std::string name = {}; // of an element of a table
    std::size_t word = 0;  // index into `words`
    Millis duration{};
    std::uint64_t number = 0;
};

// How a value gets into Settings, and out again.
struct Lens {
    // `index`: which [[rule]] or [[route]], from 1; 0 in the other sections. A list is taken
    // element by element. The error says what is wrong; what to write instead is the row's range().
    Status (*take)(Settings& settings, std::size_t index, const Item& item);
    // None: has no value, and is not shown. Of a table: a name, its text, the next name, ...
    std::optional<std::vector<std::string>> (*show)(const Settings& settings, std::size_t index);
};

struct Row {
    std::string_view
        section; // [[rule]] and [[route]] may stand any number of times, the others once
    std::string_view key;
    Type type = Type::text;
    std::span<const std::string_view> words = {};
    std::uint64_t least = 1, most = 200;
    std::string_view form = {}; // of a text: what to write
    Absent absent = Absent::initial;
    std::string_view initial = {}; // of a list: its one element, or empty
    std::string_view help;

    Lens lens;

    // "100ms to 4s", "audit or enforce", or the form.
    std::string range() const;
};

std::span<const Row> all_rows(); // those of a section stand together
std::vector<std::string_view> all_sections();
bool is_repeated(std::string_view section); // [[rule]] and [[route]]
std::vector<std::string_view> keys_of(std::string_view section);
const Row* find_row(std::string_view section, std::string_view key);

// "policy", or "[[rule]]"'s second one: "rule[2]". The prefix of Settings::places.
std::string place_prefix(std::string_view section, std::size_t index);

// How many blocks of this section there are: 1 for sections that stand once.
std::size_t count_of(const Settings& settings, std::string_view section);

} // namespace surehop
