// SPDX-License-Identifier: Apache-2.0
#include "allow/exception_list.h"

#include "base/csv.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace surehop {

namespace {

constexpr std::size_t most_problems = 20; // who has more has one mistake in every line
constexpr auto beside = std::to_array<std::string_view>({"id", "created_by"}); // not read

const ExceptionField* field_named(std::string_view name) {
    for (const ExceptionField& field : exception_fields())
        if (field.name == name)
            return &field;
    return nullptr;
}

bool is_beside(std::string_view name) {
    return std::find(beside.begin(), beside.end(), name) != beside.end();
}

std::string field_names() {
    std::vector<std::string> names;
    for (const ExceptionField& field : exception_fields())
        names.emplace_back(field.name);
    return join(names, ", ");
}

std::string unknown_name(std::string_view what, std::string_view name) {
    return fmt::format("there is no {} '{}'; write {}", what, printable(name, 40), field_names());
}

// What a spreadsheet takes for a formula, behind any number of '.
bool looks_like_formula(std::string_view cell) {
    const auto first = cell.find_first_not_of('\'');
    return first != std::string_view::npos &&
           std::string_view("=+-@").find(cell[first]) != std::string_view::npos;
}

std::string guarded(std::string cell) {
    return looks_like_formula(cell) ? "'" + cell : std::move(cell);
}

std::string unguarded(std::string_view cell) {
    cell = trim(cell);
    if (cell.starts_with('\'') && looks_like_formula(cell))
        cell.remove_prefix(1);
    return std::string(cell);
}

// Takes exceptions one by one, from whichever format.
class Collector {
  public:
    Collector(const AllowTerms& terms, Time now) : terms_(terms), now_(now) {}

    void problem(ListProblem problem) {
        if (out_.problems.size() < most_problems)
            out_.problems.push_back(std::move(problem));
        else if (out_.problems.size() == most_problems)
            out_.problems.push_back({0, 0, "", "there are more such errors"});
    }

    // `line` or `entry` says where.
    void take(const ExceptionText& text, std::size_t line, std::size_t entry) {
        auto read = read_exception(text, terms_, Times::absolute, now_);
        if (auto* problems = std::get_if<std::vector<FieldProblem>>(&read)) {
            for (FieldProblem& one : *problems)
                problem({line, entry, std::string(one.field), std::move(one.text)});
            return;
        }
        Exception& exception = std::get<Exception>(read);
        if (exception.over(now_)) {
            ++out_.over;
            return;
        }
        const ExceptionText same = write_exception(exception);
        std::string key;
        for (const ExceptionField& field : exception_fields())
            key += same.*field.text + '\n';
        const auto place = line + entry;
        const auto [first, is_new] = seen_.emplace(std::move(key), place);
        if (!is_new)
            problem({line, entry, "",
                     fmt::format("says the same as {} {}; remove one of them",
                                 line != 0 ? "line" : "entry", first->second)});
        out_.exceptions.push_back(std::move(exception));
    }

    ExceptionList finish() { return std::move(out_); }

  private:
    const AllowTerms& terms_;
    const Time now_;
    std::map<std::string, std::size_t> seen_;
    ExceptionList out_;
};

// ---- CSV ----

// The fields of the columns, null for one that is not read; empty where the header is no good.
std::vector<const ExceptionField*> columns_of(const CsvRow& header, Collector& out) {
    std::vector<const ExceptionField*> columns;
    std::vector<std::string> names;
    bool good = true;
    const auto bad = [&](std::string text) {
        good = false;
        out.problem({header.line, 0, "", std::move(text)});
    };
    if (header.cells.size() == 1 && header.cells[0].find(';') != std::string::npos) {
        bad("the columns are separated by semicolons; save the file with commas");
        return {};
    }
    for (const std::string& cell : header.cells) {
        std::string name = lower(trim(cell));
        if (std::find(names.begin(), names.end(), name) != names.end())
            bad(fmt::format("the column '{}' stands there twice; remove one", printable(name, 40)));
        const ExceptionField* field = field_named(name);
        if (field == nullptr && !is_beside(name))
            bad(unknown_name("column", name));
        columns.push_back(field);
        names.push_back(std::move(name));
    }
    for (const ExceptionField& field : exception_fields())
        if (field.required && std::find(columns.begin(), columns.end(), &field) == columns.end())
            bad(fmt::format("the column '{}' is missing; the first line names the columns: {}",
                            field.name, field_names()));
    return good ? columns : std::vector<const ExceptionField*>{};
}

void read_csv(std::string_view text, Collector& out) {
    const Csv csv = parse_csv(text, most_in_list + 1);
    const auto is_blank = [](const CsvRow& row) {
        return std::all_of(row.cells.begin(), row.cells.end(),
                           [](const std::string& cell) { return trim(cell).empty(); });
    };
    auto row = std::find_if_not(csv.rows.begin(), csv.rows.end(), is_blank);
    if (row == csv.rows.end()) {
        if (!csv.error)
            out.problem(
                {0, 0, "", "is empty; its first line must name the columns: " + field_names()});
    } else if (const auto columns = columns_of(*row, out); !columns.empty()) {
        for (++row; row != csv.rows.end(); ++row) {
            if (is_blank(*row))
                continue; // as spreadsheets leave below the last line
            if (row->cells.size() != columns.size()) {
                out.problem({row->line, 0, "",
                             fmt::format("has {} cells, but the first line {}; put cells with "
                                         "commas in quotes",
                                         row->cells.size(), columns.size())});
                continue;
            }
            ExceptionText read;
            for (std::size_t i = 0; i < columns.size(); ++i)
                if (columns[i] != nullptr)
                    read.*columns[i]->text = unguarded(row->cells[i]);
            out.take(read, row->line, 0);
        }
    }
    if (csv.error)
        out.problem({csv.error->line, 0, "", csv.error->text});
}

// ---- JSON ----

void read_entry(const Json& entry, std::size_t number, Collector& out) {
    const auto bad = [&](std::string_view field, std::string text) {
        out.problem({0, number, std::string(field), std::move(text)});
    };
    if (!entry.is_object())
        return bad("", "is no object; write {\"recipient\": ..., ...}");
    ExceptionText read;
    bool good = true;
    for (const auto& [name, value] : entry.items()) {
        const ExceptionField* field = field_named(name);
        if (field == nullptr && is_beside(name))
            continue;
        if (field == nullptr) {
            good = false;
            bad("", unknown_name("member", name));
        } else if (value.is_string()) {
            read.*field->text = std::string(trim(value.get<std::string>()));
        } else if (!value.is_null()) {
            good = false;
            bad(name, fmt::format("is no text; write {}", field->remedy));
        }
    }
    if (good)
        out.take(read, 0, number);
}

void read_json(std::string_view text, Collector& out) {
    const auto document = parse_json(text);
    const auto bad = [&](std::string what) { out.problem({0, 0, "", std::move(what)}); };
    constexpr std::string_view form = "write {\"exceptions\": [{\"recipient\": ..., ...}]}";
    if (!document)
        return bad(fmt::format("is not JSON; {}", form));
    const bool is_list = document->is_object() && document->size() == 1 &&
                         document->contains("exceptions") && document->at("exceptions").is_array();
    if (!is_list)
        return bad(fmt::format("is not a list of exceptions; {}", form));
    const Json& entries = document->at("exceptions");
    if (entries.size() > most_in_list)
        return bad(fmt::format("there are more than {} entries; split the file", most_in_list));
    std::size_t number = 0;
    for (const Json& entry : entries)
        read_entry(entry, ++number, out);
}

} // namespace

std::optional<ListFormat> list_format_of(std::string_view name) {
    return name == "csv"    ? std::optional(ListFormat::csv)
           : name == "json" ? std::optional(ListFormat::json)
                            : std::nullopt;
}

ListFormat format_of_file(std::string_view path) {
    return lower(path).ends_with(".json") ? ListFormat::json : ListFormat::csv;
}

std::string author_of_file(std::string_view path) { return fmt::format("file {}", path); }

bool is_of_file(const Exception& exception) {
    return exception.created_by.starts_with(author_of_file("/"));
}

const std::string* file_of(const Exception& exception, const AllowTerms& terms) {
    for (const std::string& path : terms.files)
        if (exception.created_by == author_of_file(path))
            return &path;
    return nullptr;
}

std::string ListProblem::told(std::string_view file) const {
    std::string out(file);
    if (line != 0)
        out += fmt::format(":{}", line);
    if (entry != 0)
        out += fmt::format(": entry {}", entry);
    if (!field.empty())
        out += ": " + field;
    return out + ": " + text;
}

ExceptionList read_list(std::string_view text, ListFormat format, const AllowTerms& terms,
                        Time now) {
    Collector out(terms, now);
    if (text.size() > longest_list)
        out.problem(
            {0, 0, "", fmt::format("is larger than {} octets; split the file", longest_list)});
    else if (format == ListFormat::csv)
        read_csv(text, out);
    else
        read_json(text, out);
    return out.finish();
}

std::string write_csv(std::span<const Exception> exceptions) {
    std::vector<std::string> cells = {"id"};
    for (const ExceptionField& field : exception_fields())
        cells.emplace_back(field.name);
    cells.emplace_back("created_by");
    std::string out = csv_line(cells);
    for (const Exception& exception : exceptions) {
        ExceptionText text = write_exception(exception);
        cells = {std::to_string(exception.id)};
        for (const ExceptionField& field : exception_fields())
            cells.push_back(guarded(std::move(text.*field.text)));
        cells.push_back(guarded(exception.created_by));
        out += csv_line(cells);
    }
    return out;
}

Json write_json(std::span<const Exception> exceptions) {
    Json entries = Json::array();
    for (const Exception& exception : exceptions) {
        ExceptionText text = write_exception(exception);
        Json entry{{"id", exception.id}};
        for (const ExceptionField& field : exception_fields())
            entry[std::string(field.name)] = std::move(text.*field.text);
        entry["created_by"] = exception.created_by;
        entries.push_back(std::move(entry));
    }
    return Json{{"exceptions", std::move(entries)}};
}

} // namespace surehop
