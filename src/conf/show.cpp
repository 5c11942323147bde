// SPDX-License-Identifier: Apache-2.0
#include "conf/show.h"

#include "base/text.h"
#include "conf/table.h"
#include "conf/value.h"

#include <fmt/format.h>

namespace surehop {

namespace {

// A TOML basic string.
std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        if ((c >= 0 && c < 0x20) || c == 0x7f)
            out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        else
            out += c;
    }
    return out + '"';
}

std::string toml_value(const Row& row, const std::vector<std::string>& values) {
    if (row.type == Type::number)
        return values.front();
    if (row.type != Type::list && row.type != Type::table)
        return toml_text(values.front());
    std::vector<std::string> elements;
    if (row.type == Type::table) {
        for (std::size_t i = 0; i + 1 < values.size(); i += 2)
            elements.push_back(
                fmt::format("{} = {}", toml_text(values[i]), toml_text(values[i + 1])));
        return fmt::format("{{ {} }}", join(elements, ", "));
    }
    for (const std::string& value : values)
        elements.push_back(toml_text(value));
    return fmt::format("[{}]", join(elements, ", "));
}

Json json_value(const Row& row, const std::vector<std::string>& values) {
    if (row.type == Type::number)
        return parse_number(values.front(), row.most).value_or(0);
    if (row.type == Type::table) {
        Json out = Json::object();
        for (std::size_t i = 0; i + 1 < values.size(); i += 2)
            out[values[i]] = values[i + 1];
        return out;
    }
    return row.type == Type::list ? Json(values) : Json(values.front());
}

std::vector<std::string> default_of(const Row& row) {
    if ((row.type == Type::list || row.type == Type::table) && row.initial.empty())
        return {};
    return {std::string(row.initial)};
}

std::string heading(std::string_view section) {
    return is_repeated(section) ? fmt::format("[[{}]]", section) : fmt::format("[{}]", section);
}

// Where the value of a setting comes from.
struct Origin {
    std::string text;
    std::uint32_t line = 0;
};

Origin origin_of(const Settings& settings, const Row& row, std::size_t index) {
    const auto place =
        settings.places.find(fmt::format("{}.{}", place_prefix(row.section, index), row.key));
    if (place != settings.places.end())
        return {fmt::format("line {}", place->second.line), place->second.line};
    return {row.absent == Absent::as_policy ? "as in [policy]" : "default", 0};
}

// Calls visit(row, index, values) for each setting that has a value, section by section.
template <class Begin, class Visit>
void each_setting(const Settings& settings, const Begin& begin, const Visit& visit) {
    for (const std::string_view section : all_sections()) {
        const std::size_t first = is_repeated(section) ? 1 : 0;
        for (std::size_t i = first; i < first + count_of(settings, section); ++i) {
            begin(section, i);
            for (const Row& row : all_rows())
                if (row.section == section)
                    if (const auto values = row.lens.show(settings, i))
                        visit(row, i, *values);
        }
    }
}

Json problems_json(const std::vector<Problem>& problems) {
    Json out = Json::array();
    for (const Problem& problem : problems)
        out.push_back({{"line", problem.place.line},
                       {"column", problem.place.column},
                       {"text", problem.text}});
    return out;
}

} // namespace

std::string check_text(const Loaded& loaded, const std::string& file) {
    std::string out;
    for (const Problem& error : loaded.errors)
        out += fmt::format("error: {}\n", error.line());
    for (const Problem& warning : loaded.warnings)
        out += fmt::format("warning: {}\n", warning.line());
    if (!loaded)
        return out + fmt::format("{} cannot be used: {} error{}, {} warning{}\n", file,
                                 loaded.errors.size(), loaded.errors.size() == 1 ? "" : "s",
                                 loaded.warnings.size(), loaded.warnings.size() == 1 ? "" : "s");
    return out + fmt::format("{} is good: mode {}, minimum {}, lock {}, {} rule{}\n", file,
                             name_of(loaded.settings->policy.mode),
                             name_of(loaded.settings->policy.minimum),
                             name_of(loaded.settings->mta.lock), loaded.settings->rules.size(),
                             loaded.settings->rules.size() == 1 ? "" : "s");
}

Json check_json(const Loaded& loaded, const std::string& file) {
    Json out = {{"file", file}, {"ok", static_cast<bool>(loaded)}};
    out["hash"] = loaded ? Json(loaded.settings->hash) : Json(nullptr);
    out["mode"] = loaded ? Json(name_of(loaded.settings->policy.mode)) : Json(nullptr);
    out["errors"] = problems_json(loaded.errors);
    out["warnings"] = problems_json(loaded.warnings);
    return out;
}

std::string show_text(const Settings& settings) {
    std::string out = settings.file.empty() ? "# the embedded defaults\n"
                                            : fmt::format("# {}, SHA-256 {}\n",
                                                          printable(settings.file), settings.hash);
    each_setting(
        settings,
        [&](std::string_view section, std::size_t) {
            out += fmt::format("\n{}\n", heading(section));
        },
        [&](const Row& row, std::size_t index, const std::vector<std::string>& values) {
            const std::string line = fmt::format("{} = {}", row.key, toml_value(row, values));
            out += fmt::format("{:<50} # {}\n", line, origin_of(settings, row, index).text);
        });
    return out;
}

Json show_json(const Settings& settings) {
    Json sections = Json::object();
    for (const std::string_view section : all_sections())
        if (is_repeated(section))
            sections[std::string(section)] = Json::array();
    Json* block = nullptr;
    each_setting(
        settings,
        [&](std::string_view section, std::size_t) {
            Json& place = sections[std::string(section)];
            if (is_repeated(section))
                place.push_back(Json::object());
            block = is_repeated(section) ? &place.back() : &place;
        },
        [&](const Row& row, std::size_t index, const std::vector<std::string>& values) {
            const Origin origin = origin_of(settings, row, index);
            (*block)[std::string(row.key)] = {
                {"value", json_value(row, values)},
                {"origin", origin.line > 0 ? "file" : origin.text},
                {"line", origin.line > 0 ? Json(origin.line) : Json(nullptr)}};
        });
    return {{"file", settings.file.empty() ? Json(nullptr) : Json(settings.file)},
            {"hash", settings.hash},
            {"settings", sections}};
}

std::string defaults_text() {
    std::string out =
        "# Every setting of surehop.toml with its default; surehop.toml(5) says more.\n";
    std::string_view section;
    for (const Row& row : all_rows()) {
        // There is no [[rule]] and no [[route]] by default: theirs is an example, as a comment.
        const bool repeated = is_repeated(row.section);
        if (row.section != section)
            out += fmt::format("\n{}{}\n", repeated ? "#" : "", heading(row.section));
        section = row.section;
        const Row& has_default =
            row.absent == Absent::as_policy ? *find_row("policy", row.key) : row;
        out += fmt::format("# {}: {}\n{}", row.help, row.range(), repeated ? "#" : "");
        out +=
            has_default.absent == Absent::nothing || row.key == "name"
                ? example(row)
                : fmt::format("{} = {}", row.key, toml_value(has_default, default_of(has_default)));
        out += '\n';
    }
    return out;
}

Json defaults_json() {
    Json out = Json::array();
    for (const Row& row : all_rows()) {
        Json entry = {{"section", row.section}, {"key", row.key}};
        entry["type"] = name_of(row.type);
        entry["range"] = row.range();
        entry["default"] =
            row.absent == Absent::initial ? json_value(row, default_of(row)) : Json(nullptr);
        entry["required"] = row.absent == Absent::required;
        entry["help"] = row.help;
        out.push_back(std::move(entry));
    }
    return out;
}

} // namespace surehop
