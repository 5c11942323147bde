// SPDX-License-Identifier: Apache-2.0
#include "base/csv.h"

#include "base/text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace surehop {
namespace {

// "1:a|b 2:c" or "line: error".
std::string read(std::string_view text, std::size_t most = 100) {
    const Csv csv = parse_csv(text, most);
    std::string out;
    for (const CsvRow& row : csv.rows)
        out += fmt::format("{}{}:{}", out.empty() ? "" : " ", row.line, join(row.cells, "|"));
    if (csv.error)
        out += fmt::format("{}!{}: {}", out.empty() ? "" : " ", csv.error->line,
                           csv.error->text.substr(0, csv.error->text.find(';')));
    return out;
}

TEST(Csv, what_is_read) {
    struct Row {
        std::string_view text, read;
    };
    for (const Row& row : {
             Row{"", ""},
             Row{"a", "1:a"},
             Row{"a,b\r\nc,d\r\n", "1:a|b 2:c|d"},
             Row{"a,b\nc,d", "1:a|b 2:c|d"},
             Row{",\n", "1:|"},
             Row{"a,\n,b\n", "1:a| 2:|b"},
             Row{"a,", "1:a|"},
             Row{"\n\r\na\n\n\nb\n", "3:a 6:b"},
             Row{"\xef\xbb\xbf"
                 "a,b\n",
                 "1:a|b"},
             Row{"\"a\",\"b,c\"\n", "1:a|b,c"},
             Row{"\"say \"\"no\"\"\",x\n", "1:say \"no\"|x"},
             Row{"\"\"\n", "1:"},
             Row{"\"\"\"\"\n", "1:\""},
             Row{"\"two\nlines\",x\nnext\n", "1:two\nlines|x 3:next"},
             Row{"\"two\r\nlines\"\r\nnext", "1:two\r\nlines 3:next"},
             Row{" a , b \n", "1: a | b "},
             Row{"'a','b'\n", "1:'a'|'b'"},
         })
        EXPECT_EQ(read(row.text), row.read) << row.text;
}

TEST(Csv, what_is_an_error) {
    struct Row {
        std::string_view text, read;
    };
    for (const Row& row : {
             Row{"a,\"b\nc\n", "!1: a quote is opened and never closed"},
             Row{"a\n\"", "1:a !2: a quote is opened and never closed"},
             Row{"x\na\"b\"\n",
                 "1:x !2: a quote stands within a cell that does not begin with one"},
             Row{"\"a\"b,c\n", "!1: after a closing quote comes a comma or the end of the line"},
             Row{"\"a\" ,c\n", "!1: after a closing quote comes a comma or the end of the line"},
             Row{"\"a\"\rb\n", "!1: after a closing quote comes a comma or the end of the line"},
             Row{"a\rb\n", "!1: a carriage return stands alone"},
             Row{"a\r", "!1: a carriage return stands alone"},
         })
        EXPECT_EQ(read(row.text), row.read) << row.text;
    EXPECT_EQ(read("a\nb\nc\n", 3), "1:a 2:b 3:c");
    EXPECT_EQ(read("a\n\nb\nc\nd\n", 3), "1:a 3:b 4:c !5: there are more than 3 lines");
}

TEST(Csv, what_is_written_is_read_as_the_same) {
    struct Row {
        std::vector<std::string> cells;
        std::string_view line;
    };
    for (const Row& row : {
             Row{{"a", "b"}, "a,b\r\n"},
             Row{{"a,b", "say \"no\""}, "\"a,b\",\"say \"\"no\"\"\"\r\n"},
             Row{{""}, "\"\"\r\n"},
             Row{{"", ""}, ",\r\n"},
             Row{{"two\nlines", "r\r"}, "\"two\nlines\",\"r\r\"\r\n"},
             Row{{"\xef\xbb\xbfx"}, "\"\xef\xbb\xbfx\"\r\n"},
         }) {
        EXPECT_EQ(csv_line(row.cells), row.line);
        const Csv csv = parse_csv(csv_line(row.cells), 1);
        ASSERT_EQ(csv.rows.size(), 1U) << row.line;
        EXPECT_EQ(csv.rows[0].cells, row.cells);
        EXPECT_FALSE(csv.error);
    }
}

} // namespace
} // namespace surehop
