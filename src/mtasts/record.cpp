// SPDX-License-Identifier: Apache-2.0
#include "mtasts/record.h"

#include "base/text.h"
#include "mtasts/field.h"

#include <algorithm>
#include <optional>

namespace surehop::mtasts {

namespace {

constexpr std::string_view version = "v=STSv1"; // case counts (RFC 8461 §3.1, %s)
constexpr std::size_t longest_id = 32;

void skip_blanks(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

// sts-field-delim = *WSP ";" *WSP. Leaves `text` alone where there is none.
bool take_delimiter(std::string_view& text) {
    std::string_view rest = text;
    skip_blanks(rest);
    if (!rest.starts_with(';'))
        return false;
    rest.remove_prefix(1);
    skip_blanks(rest);
    text = rest;
    return true;
}

// §3.1: records that do not begin with "v=STSv1;" are discarded. The ABNF allows blanks before the
// semicolon (erratum 6285), and so does this.
bool is_ours(std::string_view text) {
    if (!text.starts_with(version))
        return false;
    text.remove_prefix(version.size());
    return take_delimiter(text);
}

// sts-ext-value: %x21-3A / %x3C / %x3E-7E, at least one.
bool is_value(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > 0x20 && c < 0x7f && c != ';' && c != '=';
    });
}

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= longest_id &&
           std::all_of(text.begin(), text.end(), is_letter_or_digit);
}

// sts-text-record = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
std::optional<Record> parse(std::string_view text) {
    std::optional<Record> record;
    text.remove_prefix(version.size());
    while (!text.empty()) {
        if (!take_delimiter(text))
            return std::nullopt;
        if (text.empty()) // the last delimiter
            break;
        const auto field = text.substr(0, text.find_first_of("; \t"));
        text.remove_prefix(field.size());
        const auto equals = field.find('=');
        if (equals == std::string_view::npos)
            return std::nullopt;
        const auto name = field.substr(0, equals), value = field.substr(equals + 1);
        if (!is_field_name(name) || !is_value(value))
            return std::nullopt;
        if (name != "id" || record) // §3.2: unknown fields and repeated ones are ignored
            continue;
        if (!is_id(value))
            return std::nullopt;
        record = Record{std::string(value)};
    }
    return record;
}

} // namespace

std::variant<Record, RecordFault> parse_records(std::span<const std::string> texts) {
    const std::string* ours = nullptr;
    for (const std::string& text : texts) {
        if (!is_ours(text))
            continue;
        if (ours != nullptr) // §3.1: exactly one, even where both say the same
            return RecordFault::multiple;
        ours = &text;
    }
    if (ours == nullptr)
        return RecordFault::none;
    auto record = parse(*ours);
    if (!record)
        return RecordFault::syntax;
    return *std::move(record);
}

} // namespace surehop::mtasts
