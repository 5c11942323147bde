// SPDX-License-Identifier: Apache-2.0
#include "conf/read.h"

#include "base/text.h"
#include "conf/table.h"
#include "conf/value.h"

#include <fmt/format.h>

#include <algorithm>

namespace surehop {

namespace {

std::string titled(std::string_view section) {
    return is_repeated(section) ? fmt::format("[[{}]]", section) : fmt::format("[{}]", section);
}

std::string setting_name(const Row& row, std::size_t index) {
    return fmt::format("{}.{}", place_prefix(row.section, index), row.key);
}

// The sections that have a key of this name: "[policy] or [[rule]]".
std::string homes_of(std::string_view key) {
    std::vector<std::string> homes;
    for (const Row& row : all_rows())
        if (row.key == key)
            homes.push_back(titled(row.section));
    return join(homes, " or ");
}

bool is_section(std::string_view name) {
    const auto sections = all_sections();
    return std::find(sections.begin(), sections.end(), name) != sections.end();
}

// A key above the first section, or a section that is not written as one.
void stray(const RawKey& key, Reading& reading) {
    const std::string homes = homes_of(key.name);
    if (is_section(key.name))
        reading.error(key.place, fmt::format("{} is a section; write {} on a line of its own",
                                             key.name, titled(key.name)));
    else if (!homes.empty())
        reading.error(
            key.place,
            fmt::format("{} stands outside of every section; write it below {}", key.name, homes));
    else
        reading.error(key.place,
                      fmt::format("unknown setting {}; surehop.toml(5) lists all settings",
                                  printable(key.name, 60)));
}

void unknown_key(std::string_view section, const RawKey& key, Reading& reading) {
    const auto known = keys_of(section);
    const auto near = nearest(lower(key.name), known);
    const std::string homes = homes_of(key.name);
    const std::string all = join(std::vector<std::string>(known.begin(), known.end()), ", ");
    const std::string remedy = near             ? fmt::format("write {}", *near)
                               : !homes.empty() ? fmt::format("write it below {}", homes)
                                                : fmt::format("write one of: {}", all);
    reading.error(key.place, fmt::format("unknown setting {} in {}; {}", printable(key.name, 60),
                                         titled(section), remedy));
}

void unknown_section(const RawSection& section, Reading& reading) {
    const auto known = all_sections();
    const auto near = nearest(lower(section.name), known);
    std::vector<std::string> all;
    for (const std::string_view name : known)
        all.push_back(titled(name));
    reading.error(section.place,
                  fmt::format("unknown section [{}]; write {}", printable(section.name, 60),
                              near ? titled(*near) : "one of: " + join(all, ", ")));
}

void wrong_brackets(const RawSection& section, Reading& reading) {
    reading.error(section.place,
                  section.repeated
                      ? fmt::format("[{}] stands only once; write [{}] in single brackets",
                                    section.name, section.name)
                      : fmt::format("a {} is one of several; write [[{}]] in double brackets",
                                    section.name, section.name));
}

// A value, or each element of a list.
void take_key(const Row& row, std::size_t index, const RawKey& key, Reading& reading) {
    const std::string setting = setting_name(row, index);
    const auto take = [&](const RawItem& raw) {
        const Status taken = take_item(row, index, raw, reading.settings);
        if (!taken) {
            reading.failed.insert(setting);
            reading.error(raw.place, taken.error());
        }
    };
    reading.settings.places[setting] = key.value.place;
    if (row.type != Type::list && row.type != Type::table)
        return take(key.value);
    const bool is_table = row.type == Type::table;
    if (key.shape != (is_table ? RawShape::table : RawShape::list)) {
        reading.failed.insert(setting);
        return reading.error(key.value.place,
                             fmt::format("{} must be a {} of texts; write {}", row.key,
                                         name_of(row.type), example(row, key.value)));
    }
    // In a rule an empty list would mean every address, which nobody wants who writes [].
    if (key.elements.empty() && is_repeated(row.section)) {
        reading.failed.insert(setting);
        return reading.error(key.value.place, fmt::format("{} is empty; write {}, or leave it out",
                                                          row.key, example(row)));
    }
    for (std::size_t i = 0; i < key.elements.size(); ++i) {
        reading.settings.places[fmt::format("{}[{}]", setting, i + 1)] = key.elements[i].place;
        take(key.elements[i]);
    }
}

void take_section(const RawSection& section, std::size_t index, Reading& reading) {
    for (const RawKey& key : section.keys) {
        const Row* row = find_row(section.name, key.name);
        if (row == nullptr)
            unknown_key(section.name, key, reading);
        else
            take_key(*row, index, key, reading);
    }
}

// What the file does not say. `place`: of the section, or of the file's begin where it is missing.
void take_defaults(std::string_view section, std::size_t index, Place place, Reading& reading) {
    for (const Row& row : all_rows()) {
        const std::string setting = setting_name(row, index);
        if (row.section != section || reading.settings.places.contains(setting))
            continue;
        if (row.absent == Absent::required) {
            reading.failed.insert(setting);
            reading.error(place, fmt::format("{} has no {}; write {}", titled(section), row.key,
                                             example(row)));
        } else {
            take_default(row, index, reading.settings);
        }
    }
}

void read_single(std::string_view name, const RawDocument& document, Reading& reading) {
    Place place{1, 1};
    for (const RawSection& section : document) {
        if (section.name != name)
            continue;
        if (section.repeated)
            return wrong_brackets(section, reading);
        place = section.place;
        take_section(section, 0, reading);
    }
    take_defaults(name, 0, place, reading);
}

void read_repeated(std::string_view name, const RawDocument& document, Reading& reading) {
    std::size_t index = 0;
    for (const RawSection& section : document) {
        if (section.name != name)
            continue;
        if (!section.repeated)
            return wrong_brackets(section, reading);
        if (index == most_rules)
            return reading.error(section.place,
                                 fmt::format("there are more than {} {}; write fewer, with more "
                                             "patterns in each",
                                             most_rules, titled(name)));
        if (name == "rule")
            reading.settings.rules.emplace_back().requirement = reading.settings.policy;
        else
            reading.settings.routes.emplace_back();
        ++index;
        reading.settings.places[place_prefix(name, index)] = section.place;
        take_section(section, index, reading);
        take_defaults(name, index, section.place, reading);
    }
}

} // namespace

Place Reading::place_of(std::string_view setting) const {
    const auto found = settings.places.find(setting);
    return found == settings.places.end() ? Place{} : found->second;
}

void Reading::error(Place place, std::string text) {
    errors.push_back({file, place, std::move(text)});
}

void Reading::warn(Place place, std::string text) {
    warnings.push_back({file, place, std::move(text)});
}

void read(const RawDocument& document, Reading& reading) {
    for (const RawSection& section : document) {
        if (section.name.empty())
            for (const RawKey& key : section.keys)
                stray(key, reading);
        else if (!is_section(section.name))
            unknown_section(section, reading);
    }
    reading.settings.policy.rule = "default";
    // In the order of the table: [policy] is known before the rules that build on it.
    for (const std::string_view name : all_sections())
        is_repeated(name) ? read_repeated(name, document, reading)
                          : read_single(name, document, reading);
}

} // namespace surehop
