// SPDX-License-Identifier: Apache-2.0
#include "control/held_message.h"

#include "address/path.h"
#include "base/text.h"
#include "control/protocol.h"
#include "gate/decision.h"
#include "store/held.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace surehop {

namespace {

constexpr std::string_view internal = "internal ";
constexpr std::string_view hidden = "hidden ";

bool refused(const LedgerRow& row) { return row.action == "reject" || row.action == "defer"; }

} // namespace

std::vector<const LedgerRow*> HeldMessage::rows_of(const std::string& recipient,
                                                   const Ledger& ledger) const {
    const auto path = Path::parse(recipient);
    const std::string shown = ledger.shown(path ? path->text() : recipient);
    std::vector<const LedgerRow*> out;
    for (const LedgerRow& row : rows)
        if (same_ignoring_case(row.recipient, shown))
            out.push_back(&row);
    return out;
}

Result<HeldMessage> read_held(const Json& message, const Ledger& ledger) {
    if (!message.is_object())
        return Error{"name a message"};
    HeldMessage out;
    out.queue_id = text_of(message, "queue_id");
    if (out.queue_id.empty())
        return Error{"a message has a queue id"};
    const auto arrival = parse_time(text_of(message, "arrival"), Time{});
    if (!arrival)
        return Error{
            fmt::format("the arrival of {}: {}", printable(out.queue_id), arrival.error())};
    out.arrival = *arrival;
    const std::string sender = text_of(message, "sender");
    const auto path = Path::parse(sender);
    out.sender = path ? path->text() : printable(sender, 320);
    const auto recipients = message.find("recipients");
    if (recipients == message.end() || !recipients->is_array())
        return Error{fmt::format("{} has no recipients", printable(out.queue_id))};
    for (const Json& one : *recipients) {
        if (!one.is_string())
            return Error{fmt::format("a recipient of {} is no text", printable(out.queue_id))};
        if (const auto& text = one.get_ref<const std::string&>();
            std::ranges::find(out.recipients, text) == out.recipients.end())
            out.recipients.push_back(text);
    }
    auto rows = ledger.of_message(out.queue_id, out.arrival);
    if (!rows)
        return Error{rows.error()};
    out.rows = *std::move(rows);
    for (const LedgerRow& row : out.rows) {
        out.ours |= row.kind == "decision" && row.action == "quarantine";
        if (row.kind != "quarantine-hold")
            continue;
        const auto note = parse_held_note(row.detail);
        if (!note)
            return Error{note.error()};
        out.requiretls |= note->requiretls;
    }
    return out;
}

ToldWay told_way(const HeldMessage& message, const std::string& recipient, const Ledger& ledger) {
    std::vector<std::string> hosts;
    for (const LedgerRow* row : message.rows_of(recipient, ledger)) {
        if (row->kind != "decision" || refused(*row) || row->next_hop.empty())
            continue;
        // It may expand to anywhere, and has not: for all that can be seen it is as hidden as then.
        if (row->next_hop.starts_with(hidden))
            return {"local", ""};
        std::string host = told_next_hops(*row);
        if (host.starts_with(internal)) {
            host.erase(0, internal.size());
            if (host == row->domain) // delivered here, or by a route: today's configuration knows
                continue;
        }
        if (std::ranges::find(hosts, host) == hosts.end())
            hosts.push_back(std::move(host));
    }
    // Where the ledger cannot tell neighbours apart, the weakest of their next hops counts.
    return hosts.empty() ? ToldWay{} : ToldWay{"smtp", join(hosts, ", ")};
}

} // namespace surehop
