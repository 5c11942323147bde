// SPDX-License-Identifier: Apache-2.0
#include "store/chain.h"

#include "base/bytes.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

namespace surehop {

namespace {

constexpr std::size_t digits = 64;

void add(std::string& out, std::string_view octets) {
    fmt::format_to(std::back_inserter(out), "{}:", octets.size());
    out += octets;
    out += ',';
}

void add(std::string& out, std::string_view name, std::int64_t number) {
    add(out, name);
    add(out, fmt::format_int(number).c_str());
}

bool is_value(std::string_view text) {
    return text.size() == digits &&
           std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

} // namespace

std::string chain_value(std::string_view before, const LedgerRow& row) {
    std::string octets;
    octets.reserve(640);
    add(octets, before);
    add(octets, "id", row.id);
    add(octets, "time", row.time.time_since_epoch().count());
    if (row.exception != 0)
        add(octets, "exception", row.exception);
    if (row.times != 1)
        add(octets, "times", row.times);
    for (const LedgerText& one : ledger_texts)
        if (const std::string& text = row.*one.text; !text.empty()) {
            add(octets, one.name);
            add(octets, text);
        }
    return to_hex(sha256(octets));
}

std::string ChainHead::text() const { return fmt::format("{}:{}", id, value); }

std::optional<ChainHead> ChainHead::parse(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto id = parse_number(text.substr(0, colon), most);
    std::string value = lower(text.substr(colon + 1));
    if (!id || !(*id == 0 ? value.empty() : is_value(value)))
        return std::nullopt;
    return ChainHead{static_cast<std::int64_t>(*id), std::move(value)};
}

std::string_view name_of(ChainFault::Kind kind) {
    constexpr std::array<std::string_view, 4> names = {"changed", "missing", "inserted", "order"};
    return names.at(static_cast<std::size_t>(kind));
}

ChainFault missing_rows(std::int64_t first, std::int64_t last) {
    return {ChainFault::Kind::missing, first, std::nullopt,
            first == last ? fmt::format("row {} is missing", first)
                          : fmt::format("rows {} to {} are missing", first, last)};
}

std::optional<ChainFault> ChainCheck::next(const LedgerRow& row, std::string_view value) {
    using Kind = ChainFault::Kind;
    const std::string which = fmt::format("row {} of {}", row.id, format_time(row.time));
    if (row.id <= last_.id)
        return ChainFault{Kind::order, row.id, row.time,
                          fmt::format("{} stands behind row {}", which, last_.id)};
    if (row.id != last_.id + 1)
        return missing_rows(last_.id + 1, row.id - 1);
    if (!is_value(value))
        return ChainFault{Kind::inserted, row.id, row.time,
                          which + " was not written by surehop: it has no chain value"};
    if (chain_value(last_.value, row) != value)
        return ChainFault{Kind::changed, row.id, row.time,
                          which + " is not as it was written: its chain value does not fit its "
                                  "contents and the row before it"};
    last_ = {row.id, std::string(value)};
    return std::nullopt;
}

} // namespace surehop
