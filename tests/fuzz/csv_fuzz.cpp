// SPDX-License-Identifier: Apache-2.0
// Any octets are rows or one error with its line; what was read is written again as the same.
#include "base/csv.h"

#include "fuzz/require.h"

#include <string>

using namespace surehop;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    constexpr std::size_t most = 50;
    const Csv csv = parse_csv(text, most);
    require(csv.rows.size() <= most, "no more rows than asked for");
    if (csv.error) {
        fuzz::require_error(csv.error->text);
        require(csv.error->line > 0, "an error stands somewhere");
    }
    std::string again;
    std::size_t line = 0;
    for (const CsvRow& row : csv.rows) {
        require(row.line > line, "rows are in the order of the lines");
        require(!row.cells.empty(), "a row has a cell");
        line = row.line;
        again += csv_line(row.cells);
    }
    const Csv same = parse_csv(again, most);
    require(!same.error && same.rows.size() == csv.rows.size(), "what is written is CSV");
    for (std::size_t i = 0; i < csv.rows.size(); ++i)
        require(same.rows[i].cells == csv.rows[i].cells, "and says the same");
    return 0;
}
