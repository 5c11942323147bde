// SPDX-License-Identifier: Apache-2.0
#include "milter/decision_line.h"

#include "base/log.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace surehop {

namespace {

// Escaped it may be twice as long, and must stay below log::longest_text with its name.
constexpr std::size_t longest = 240;

// " name=value", or nothing. In quotes where it would not end by itself.
std::string field(std::string_view name, std::string_view value) {
    if (value.empty())
        return "";
    // Made printable before it is quoted, so that what is cut keeps its end.
    const std::string text = printable(value, longest);
    if (text.find_first_of(" \"=\\") == std::string::npos)
        return fmt::format(" {}={}", name, text);
    std::string quoted;
    for (const char c : text)
        quoted += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    return fmt::format(" {}=\"{}\"", name, quoted);
}

} // namespace

void log_decision(const LedgerRow& row) {
    const auto exception = row.exception == 0 ? std::string() : std::to_string(row.exception);
    log::info("decision{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}", field("action", row.action),
              field("would", row.would), field("outcome", row.outcome), field("level", row.level),
              field("reason", row.reason), field("minimum", row.minimum), field("mode", row.mode),
              field("rule", row.rule), field("next_hop", row.next_hop),
              field("exception", exception), field("sender", row.sender),
              field("recipient", row.recipient), field("reference", row.reference),
              field("queue_id", row.queue_id), field("offer", row.offer), field("facts", row.facts),
              field("detail", row.detail));
}

} // namespace surehop
