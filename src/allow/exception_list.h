// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "allow/exception_text.h"
#include "base/json.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// A list of exceptions as a file holds it: what `surehop allow export` writes, what `allow import`
// and [allow] files read. The columns of CSV, and the members of JSON, are those of ExceptionText;
// `id` and `created_by` may stand beside them and are not read.
//
// CSV begins with a line that names the columns, in any order. A spreadsheet takes a cell that
// begins with = + - or @ for a formula: such a cell is written with a ' before it, which is taken
// away again when it is read.
//
// JSON is {"exceptions": [{...}, ...]}.

namespace surehop {

enum class ListFormat : std::uint8_t { csv, json };
std::optional<ListFormat> list_format_of(std::string_view name); // "csv", "json"
ListFormat format_of_file(std::string_view path);                // .json, else CSV

// `created_by` of what came from a file of [allow] files.
std::string author_of_file(std::string_view path);
bool is_of_file(const Exception& exception);
// The file in `terms` from which it came, if it is still there: who wants it otherwise, changes
// that.
const std::string* file_of(const Exception& exception, const AllowTerms& terms);

constexpr std::size_t longest_list = std::size_t{4} << 20U; // octets
constexpr std::size_t most_in_list = 20'000;                // exceptions

struct ListProblem {
    std::size_t line = 0;  // of CSV, from 1; 0: the file as a whole, or JSON
    std::size_t entry = 0; // of JSON, from 1
    std::string field;     // or empty
    std::string text;      // "what is wrong; what to write instead"

    std::string told(std::string_view file) const; // "file:3: until: text"
};

struct ExceptionList {
    std::vector<Exception> exceptions; // without id and author; meaningless if there are problems
    std::size_t over = 0;              // lines whose end is past: they say nothing any more
    std::vector<ListProblem> problems; // in the order of the file
};

// Errors: too large, too many, not of its format, an unknown, repeated or missing column, what
// read_exception() says, and two lines that say the same. Only the first problems are kept.
ExceptionList read_list(std::string_view text, ListFormat format, const AllowTerms& terms,
                        Time now);

std::string write_csv(std::span<const Exception> exceptions);
Json write_json(std::span<const Exception> exceptions);

} // namespace surehop
