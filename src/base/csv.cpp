// SPDX-License-Identifier: Apache-2.0
#include "base/csv.h"

#include <fmt/format.h>

#include <utility>

namespace surehop {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    Csv read(std::size_t most_rows) {
        Csv out;
        while (at_ < text_.size() && !error_) {
            if (skip_line_end())
                continue;
            if (out.rows.size() == most_rows) {
                fail(line_, fmt::format("there are more than {} lines; split the file", most_rows));
                break;
            }
            if (CsvRow row = read_row(); !error_)
                out.rows.push_back(std::move(row));
        }
        out.error = std::move(error_);
        return out;
    }

  private:
    bool ended() const { return at_ == text_.size(); }
    bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }

    void fail(std::size_t line, std::string text) {
        if (!error_)
            error_ = CsvError{line, std::move(text)};
    }

    bool skip_line_end() {
        const std::size_t length = text_.substr(at_, 2) == "\r\n" ? 2 : next_is('\n') ? 1 : 0;
        at_ += length;
        line_ += length > 0 ? 1 : 0;
        return length > 0;
    }

    CsvRow read_row() {
        CsvRow row{line_, {}};
        do
            row.cells.push_back(next_is('"') ? read_quoted() : read_plain());
        while (!error_ && skip_comma());
        if (!error_ && !ended() && !skip_line_end())
            fail(line_, "after a closing quote comes a comma or the end of the line; write a quote "
                        "within a cell twice");
        return row;
    }

    bool skip_comma() {
        const bool there = next_is(',');
        at_ += there ? 1 : 0;
        return there;
    }

    std::string read_plain() {
        const std::size_t begin = at_;
        while (!ended() && text_[at_] != ',' && text_[at_] != '\n' &&
               text_.substr(at_, 2) != "\r\n") {
            if (text_[at_] == '"')
                fail(line_, "a quote stands within a cell that does not begin with one; put the "
                            "whole cell in quotes, and write the quote twice");
            if (text_[at_] == '\r')
                fail(line_, "a carriage return stands alone; end lines with CRLF or LF");
            if (error_)
                return {};
            ++at_;
        }
        return std::string(text_.substr(begin, at_ - begin));
    }

    std::string read_quoted() {
        const std::size_t opened = line_;
        std::string cell;
        for (++at_; !ended(); ++at_) {
            if (text_[at_] == '"') {
                ++at_;
                if (!next_is('"'))
                    return cell;
            }
            line_ += text_[at_] == '\n' ? 1 : 0;
            cell += text_[at_];
        }
        fail(opened, "a quote is opened and never closed; close it, or write it twice");
        return {};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    std::optional<CsvError> error_;
};

} // namespace

Csv parse_csv(std::string_view text, std::size_t most_rows) {
    if (text.starts_with(byte_order_mark))
        text.remove_prefix(byte_order_mark.size());
    return Reader(text).read(most_rows);
}

std::string csv_line(std::span<const std::string> cells) {
    std::string out;
    for (const std::string& cell : cells) {
        if (&cell != cells.data())
            out += ',';
        // A lone empty cell would be an empty line; one that begins with the mark, the mark.
        const bool quoted = cell.find_first_of(",\"\r\n") != std::string::npos ||
                            cell.starts_with(byte_order_mark) ||
                            (cells.size() == 1 && cell.empty());
        if (!quoted) {
            out += cell;
            continue;
        }
        out += '"';
        for (const char c : cell)
            out.append(c == '"' ? 2 : 1, c);
        out += '"';
    }
    return out + "\r\n";
}

} // namespace surehop
