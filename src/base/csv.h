// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Comma-separated values, RFC 4180, read strictly: what a program would have to guess at is an
// error. Lines end in CRLF or LF; cells with commas, quotes or line ends stand in quotes, and a
// quote in them is doubled. A byte order mark at the beginning and empty lines say nothing.

namespace surehop {

struct CsvRow {
    std::size_t line = 0; // on which it begins, from 1
    std::vector<std::string> cells;
};

struct CsvError {
    std::size_t line = 0;
    std::string text; // "what is wrong; what to write instead"
};

struct Csv {
    std::vector<CsvRow> rows;
    std::optional<CsvError> error; // the first; what was read before it stands in `rows`
};

// At most so many rows: one more is an error.
Csv parse_csv(std::string_view text, std::size_t most_rows);

// One line with its CRLF (RFC 4180 §2.1), which parse_csv reads as the same cells.
std::string csv_line(std::span<const std::string> cells);

} // namespace surehop
