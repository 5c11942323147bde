// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "conf/settings.h"

#include <string>
#include <vector>

// What a configuration file contains, before anything is known about its meaning: sections of keys
// with values and where each stands. load.cpp makes it from TOML; read.cpp knows nothing of TOML.

namespace surehop {

struct RawItem {
    enum class Type { text, number, other };
    Type type = Type::other;
    Place place;
    std::string text;      // of a number: its digits; of anything else: how to call it ("a date")
    std::string name = {}; // of an element of a table
};

enum class RawShape { value, list, table };

struct RawKey {
    std::string name;
    Place place; // of the name
    RawItem value;
    RawShape shape = RawShape::value;
    std::vector<RawItem> elements; // of a list or a table
};

struct RawSection {
    std::string name; // "" for what stands above all sections
    Place place;
    bool repeated = false; // written with [[two brackets]]
    std::vector<RawKey> keys;
};

using RawDocument = std::vector<RawSection>;

} // namespace surehop
