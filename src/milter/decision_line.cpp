// SPDX-License-Identifier: Apache-2.0
#include "milter/decision_line.h"

#include "base/log.h"

#include <fmt/format.h>

#include <initializer_list>

namespace surehop {

namespace {

using Texts = std::initializer_list<LedgerText>;

std::string in_quotes(std::string_view value) {
    if (value.find_first_of(" \"=") == std::string_view::npos)
        return std::string(value);
    std::string out = "\"";
    for (const char c : value)
        out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return out + '"';
}

std::string fields(const LedgerRow& row, Texts texts) {
    std::string out;
    for (const LedgerText& one : texts)
        if (const std::string& value = row.*one.text; !value.empty())
            out += fmt::format("{}{}={}", out.empty() ? "" : " ", one.name, in_quotes(value));
    return out;
}

} // namespace

void log_decision(const LedgerRow& row) {
    const std::string exception =
        row.exception == 0 ? "" : fmt::format(" exception={}", row.exception);
    // In parts, since what is written at once has a limit.
    log::info("decision {} {}{} sender={} recipient={} {}",
              fields(row, {{"action", &LedgerRow::action},
                           {"would", &LedgerRow::would},
                           {"outcome", &LedgerRow::outcome},
                           {"level", &LedgerRow::level},
                           {"reason", &LedgerRow::reason},
                           {"minimum", &LedgerRow::minimum},
                           {"mode", &LedgerRow::mode}}),
              fields(row, {{"rule", &LedgerRow::rule}, {"next_hop", &LedgerRow::next_hop}}),
              exception, in_quotes(row.sender), in_quotes(row.recipient),
              fields(row, {{"reference", &LedgerRow::reference},
                           {"queue_id", &LedgerRow::queue_id},
                           {"offer", &LedgerRow::offer},
                           {"facts", &LedgerRow::facts},
                           {"detail", &LedgerRow::detail}}));
}

} // namespace surehop
