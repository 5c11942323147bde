// SPDX-License-Identifier: Apache-2.0
#include "conf/value.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace surehop {

namespace {

Result<Item> parse_number_item(const Row& row, const RawItem& raw) {
    if (raw.type != RawItem::Type::number)
        return Error{fmt::format("{} must be a number, not {}; write {}", row.key,
                                 raw.type == RawItem::Type::text ? "a text" : raw.text,
                                 example(row))};
    const auto number = parse_number(raw.text, row.most);
    if (!number || *number < row.least)
        return Error{fmt::format("{} = {} is out of range; write a number from {}", row.key,
                                 raw.text, row.range())};
    Item item{raw.text};
    item.number = *number;
    return item;
}

Result<Item> parse_word(const Row& row, const RawItem& raw) {
    Item item{raw.text};
    const auto found = std::find(row.words.begin(), row.words.end(), raw.text);
    if (found == row.words.end()) {
        const auto near = nearest(lower(raw.text), row.words);
        return Error{fmt::format("{} cannot be \"{}\"; write {}", row.key, printable(raw.text, 60),
                                 near ? fmt::format("\"{}\", or another of {}", *near, row.range())
                                      : row.range())};
    }
    item.word = static_cast<std::size_t>(found - row.words.begin());
    return item;
}

Result<Item> parse_duration_item(const Row& row, const RawItem& raw) {
    Item item{raw.text};
    const auto duration = parse_duration(raw.text);
    if (!duration)
        return Error{fmt::format("{} = \"{}\" is no time; write for example {}, from {}", row.key,
                                 printable(raw.text, 60), row.initial, row.range())};
    if (duration->count() < static_cast<Millis::rep>(row.least) ||
        duration->count() > static_cast<Millis::rep>(row.most))
        return Error{fmt::format("{} = \"{}\" is out of range; write from {}", row.key, raw.text,
                                 row.range())};
    item.duration = *duration;
    return item;
}

Result<Item> parse_text(const Row& row, const RawItem& raw) {
    const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
    if (raw.text.size() < row.least)
        return Error{fmt::format("{} is empty; write {}", row.key, row.form)};
    if (raw.text.size() > row.most)
        return Error{
            fmt::format("{} is longer than {} octets; write a shorter one", row.key, row.most)};
    if (std::any_of(raw.text.begin(), raw.text.end(), is_control))
        return Error{fmt::format("{} has a control character; write {}", row.key, row.form)};
    return Item{raw.text};
}

std::string_view kind_of(Type type) {
    return type == Type::list    ? "a list of texts"
           : type == Type::table ? "a table of texts"
                                 : "a text in quotes";
}

} // namespace

std::string example(const Row& row, const RawItem& raw) {
    switch (row.type) {
    case Type::number:
        return fmt::format("{} = {}", row.key, row.initial);
    case Type::duration:
        return raw.type == RawItem::Type::number ? fmt::format("{} = \"{}s\"", row.key, raw.text)
                                                 : fmt::format("{} = \"{}\"", row.key, row.initial);
    case Type::word: {
        std::vector<std::string> all;
        for (const std::string_view word : row.words)
            all.push_back(fmt::format("{} = \"{}\"", row.key, word));
        return all.size() > 2 ? fmt::format("{} = \"{}\"", row.key, row.words.front())
                              : join(all, " or ");
    }
    case Type::text:
        return fmt::format("{} = \"...\"", row.key);
    case Type::table:
        return fmt::format("{} = {}", row.key, row.form);
    case Type::list:
        break;
    }
    return fmt::format("{} = [\"{}\"]", row.key,
                       raw.type == RawItem::Type::text ? printable(raw.text, 60) : "...");
}

Result<Item> parse_item(const Row& row, const RawItem& raw) {
    if (row.type == Type::number)
        return parse_number_item(row, raw);
    if (raw.type != RawItem::Type::text)
        return Error{fmt::format("{} must be {}, not {}; write {}", row.key, kind_of(row.type),
                                 raw.type == RawItem::Type::number ? "a number" : raw.text,
                                 example(row, raw))};
    return row.type == Type::word       ? parse_word(row, raw)
           : row.type == Type::duration ? parse_duration_item(row, raw)
                                        : parse_text(row, raw);
}

Status take_item(const Row& row, std::size_t index, const RawItem& raw, Settings& settings) {
    auto item = parse_item(row, raw);
    if (!item)
        return Error{item.error()};
    item->name = raw.name;
    const Status taken = row.lens.take(settings, index, *item);
    if (!taken) {
        // Some parsers know a remedy themselves, for everybody; the row knows what fits here.
        const auto& why = taken.error();
        return Error{fmt::format("{}: {}; write {}", row.key, why.substr(0, why.find("; write ")),
                                 row.range())};
    }
    return Done{};
}

void take_default(const Row& row, std::size_t index, Settings& settings) {
    const bool none = row.absent == Absent::as_policy || row.absent == Absent::nothing ||
                      is_repeated(row.section) != (index > 0) ||
                      ((row.type == Type::list || row.type == Type::table) && row.initial.empty());
    if (none)
        return;
    const auto type = row.type == Type::number ? RawItem::Type::number : RawItem::Type::text;
    const Status taken = take_item(row, index, {type, {}, std::string(row.initial)}, settings);
    if (!taken) // a bug of the table; table_test takes every default
        throw std::logic_error(taken.error());
}

} // namespace surehop
