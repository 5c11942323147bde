// SPDX-License-Identifier: Apache-2.0
#include "control/ledger_json.h"

#include "base/text.h"
#include "control/explain.h"

#include <fmt/format.h>

#include <algorithm>

namespace surehop {

namespace {

constexpr const char* format_name = "surehop_ledger";
constexpr int format_version = 1;

Status take(ChainedRow& out, const std::string& name, const Json& value) {
    const Error odd{fmt::format("a row has an odd '{}'", printable(name))};
    for (const auto& [of, number] :
         {std::pair("id", &out.row.id), std::pair("exception", &out.row.exception),
          std::pair("times", &out.row.times)})
        if (name == of) {
            if (!value.is_number_integer())
                return odd;
            *number = value.get<std::int64_t>();
            return Done{};
        }
    if (!value.is_string())
        return odd;
    const auto& text = value.get_ref<const std::string&>();
    if (name == "time") {
        const auto time = parse_time(text, Time{});
        if (!time || format_time(*time) != text)
            return odd;
        out.row.time = *time;
        return Done{};
    }
    if (name == "chain") {
        out.chain = text;
        return Done{};
    }
    const auto found = std::ranges::find(ledger_texts, name, &LedgerText::name);
    if (found == ledger_texts.end())
        return Error{
            fmt::format("a row has a member '{}' that surehop does not know", printable(name))};
    out.row.*found->text = text;
    return Done{};
}

} // namespace

Json ledger_begin(const ChainHead& after) {
    return Json{{format_name, format_version}, {"after", after.text()}};
}

Result<ChainHead> parse_ledger_begin(const Json& line) {
    const Error odd{"it does not begin as 'surehop ledger export' writes it"};
    if (!line.is_object() || line.size() != 2 || !line.contains(format_name) ||
        line.at(format_name) != format_version || !line.contains("after") ||
        !line.at("after").is_string())
        return odd;
    auto after = ChainHead::parse(line.at("after").get_ref<const std::string&>());
    if (!after)
        return odd;
    return *std::move(after);
}

Json to_json(const ChainedRow& row) {
    Json out = to_json(row.row);
    out["chain"] = row.chain;
    return out;
}

Result<ChainedRow> parse_ledger_row(const Json& line) {
    if (!line.is_object())
        return Error{"a line is no row"};
    ChainedRow out;
    for (const auto& [name, value] : line.items())
        if (auto taken = take(out, name, value); !taken)
            return Error{taken.error()};
    if (out.row.id < 1 || !line.contains("time"))
        return Error{"a row has no id or no time"};
    return out;
}

Json to_json(const Verified& verified) {
    Json out{{"ok", verified.good()},
             {"rows", verified.rows},
             {"after", verified.after.text()},
             {"head", verified.last.text()}};
    out["removed"] = verified.cut ? Json{{"up_to", verified.cut->last.id},
                                         {"time", format_time(verified.cut->at)}}
                                  : Json(nullptr);
    out["noted"] =
        verified.noted == Noted::not_asked ? Json(nullptr) : Json(name_of(verified.noted));
    out["fault"] = nullptr;
    if (const auto& fault = verified.fault)
        out["fault"] = {{"kind", name_of(fault->kind)},
                        {"id", fault->id},
                        {"time", fault->time ? Json(format_time(*fault->time)) : Json(nullptr)},
                        {"text", fault->text}};
    return out;
}

} // namespace surehop
