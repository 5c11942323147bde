// SPDX-License-Identifier: Apache-2.0
#include "conf/load.h"

#include "base/bytes.h"
#include "base/text.h"
#include "conf/read.h"
#include "conf/table.h"
#include "conf/value.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <tuple>

namespace surehop {

namespace {

Place place_of(const toml::source_region& source) {
    return {source.begin.line, source.begin.column};
}

// value_exact, and not value: toml++ would turn 3 into true.
RawItem item_of(const toml::node& node) {
    const Place place = place_of(node.source());
    if (const auto text = node.value_exact<std::string>())
        return {RawItem::Type::text, place, *text};
    if (const auto number = node.value_exact<std::int64_t>())
        return {RawItem::Type::number, place, std::to_string(*number)};
    const auto* name = node.is_boolean()          ? "true or false"
                       : node.is_floating_point() ? "a number with a fraction"
                       : node.is_array()          ? "a list"
                       : node.is_table()          ? "a section"
                                                  : "a date or time";
    return {RawItem::Type::other, place, name};
}

RawKey key_of(const toml::key& key, const toml::node& node) {
    RawKey out{std::string(key.str()), place_of(key.source()), item_of(node), RawShape::value, {}};
    if (const toml::array* list = node.as_array()) {
        out.shape = RawShape::list;
        for (const toml::node& element : *list)
            out.elements.push_back(item_of(element));
    } else if (const toml::table* table = node.as_table()) {
        out.shape = RawShape::table;
        for (const auto& [name, element] : *table) {
            out.elements.push_back(item_of(element));
            out.elements.back().name = name.str();
        }
    }
    return out;
}

RawSection section_of(const toml::key& name, const toml::table& table, bool repeated) {
    RawSection out{std::string(name.str()), place_of(table.source()), repeated, {}};
    for (const auto& [key, node] : table)
        out.keys.push_back(key_of(key, node));
    return out;
}

RawDocument document_of(const toml::table& root) {
    RawDocument document;
    RawSection above;
    for (const auto& [key, node] : root) {
        const toml::array* array = node.as_array();
        if (const toml::table* table = node.as_table()) {
            document.push_back(section_of(key, *table, false));
        } else if (array != nullptr && array->is_array_of_tables()) {
            for (const toml::node& element : *array)
                document.push_back(section_of(key, *element.as_table(), true));
        } else {
            above.keys.push_back(key_of(key, node));
        }
    }
    document.push_back(std::move(above));
    return document;
}

// The library says what it saw; this says what to do about it.
std::string_view syntax_remedy(std::string_view description) {
    const auto says = [&](std::string_view what) {
        return description.find(what) != std::string_view::npos;
    };
    if (says("redefine existing table") || says("as table"))
        return "write each section once; only [[rule]] and [[route]] may stand several times";
    if (says("redefine existing"))
        return "write each setting once";
    if (says("utf-8"))
        return "save the file as UTF-8";
    if (says("string"))
        return "close the text with a quote in the same line, and write \\\\ for a backslash";
    if (says("array"))
        return "close the list with ]";
    if (says("value type") || says("decimal") || says("floating-point") ||
        says("expected a comment"))
        return "write texts and times in quotes, as in mode = \"audit\" or wait = \"2s\"";
    if (says("key-value pair"))
        return "write key = value";
    return "write [section] and below it key = value";
}

std::string empty_file_remedy() { return "'surehop config defaults' prints every setting"; }

bool before(const Problem& a, const Problem& b) {
    return std::tie(a.place.line, a.place.column, a.text) <
           std::tie(b.place.line, b.place.column, b.text);
}

Loaded failure(const std::string& file, Place place, std::string text) {
    return {nullptr, {{file, place, std::move(text)}}, {}, ""};
}

} // namespace

std::string Problem::line() const {
    return place.line == 0 ? fmt::format("{}: {}", file, text)
                           : fmt::format("{}:{}:{}: {}", file, place.line, place.column, text);
}

Loaded load_text(std::string_view text, const std::string& name) {
    if (text.size() > most_configuration_bytes)
        return failure(name, {},
                       fmt::format("is larger than {} octets; is this the right file?",
                                   most_configuration_bytes));
    Reading reading;
    reading.file = name;
    try {
        const toml::table root = toml::parse(text, std::string_view(name));
        if (root.empty())
            return failure(name, {}, "has no setting; " + empty_file_remedy());
        read(document_of(root), reading);
    } catch (const toml::parse_error& error) {
        return failure(name, place_of(error.source()),
                       fmt::format("{}; {}", printable(error.description(), 200),
                                   syntax_remedy(error.description())));
    }
    cross_check(reading);
    std::stable_sort(reading.errors.begin(), reading.errors.end(), before);
    std::stable_sort(reading.warnings.begin(), reading.warnings.end(), before);
    Loaded loaded{nullptr, std::move(reading.errors), std::move(reading.warnings),
                  reading.settings.listen.control};
    if (loaded.errors.empty()) {
        reading.settings.file = name;
        reading.settings.hash = to_hex(sha256(text));
        finish(reading.settings);
        loaded.settings = std::make_shared<const Settings>(std::move(reading.settings));
    }
    return loaded;
}

Loaded load_file(const std::string& path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                               &std::fclose);
    std::string text;
    std::array<char, 65536> buffer{};
    std::size_t count = 0;
    if (file)
        while (text.size() <= most_configuration_bytes &&
               (count = std::fread(buffer.data(), 1, buffer.size(), file.get())) > 0)
            text.append(buffer.data(), count);
    if (!file || std::ferror(file.get()) != 0) {
        const int why = errno;
        const std::string remedy = why == ENOENT   ? "write it, or name another one with --config"
                                   : why == EACCES ? "let the user that surehopd runs as read it"
                                   : why == EISDIR ? "name the file in this folder"
                                                   : "the file must be readable";
        return failure(
            path, {},
            fmt::format("cannot be read ({}); {}", std::generic_category().message(why), remedy));
    }
    if (text.empty())
        return failure(path, {}, "is empty; " + empty_file_remedy());
    return load_text(text, path);
}

SettingsPtr default_settings() {
    Settings settings;
    settings.policy.rule = "default";
    for (const Row& row : all_rows())
        take_default(row, 0, settings);
    settings.hash = to_hex(sha256(""));
    finish(settings);
    return std::make_shared<const Settings>(std::move(settings));
}

} // namespace surehop
