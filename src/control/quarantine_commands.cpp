// SPDX-License-Identifier: Apache-2.0
#include "control/quarantine_commands.h"

#include "base/remark.h"
#include "base/text.h"
#include "control/asked.h"
#include "control/held_message.h"
#include "control/judge.h"
#include "gate/local_time.h"
#include "gate/route.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

namespace surehop {

namespace {

// For all recipients of a message together: the CLI waits a little longer.
constexpr Millis patience{20'000};

// One recipient as it is judged today; without a decision nobody can, and `trouble` says why.
struct Judged {
    std::string recipient; // as the MTA has it
    std::optional<Decision> decision;
    std::string trouble;

    bool passes() const { return decision && surehop::passes(decision->verdict.action); }
};

Level offered(const Decision& decision) {
    return decision.assessment.offers.empty() ? Level::none
                                              : decision.assessment.offers.front().level;
}

// What an exception needs, and no less: what the destination publishes. Whether it speaks TLS at
// all shows only at delivery; that much is asked of it as long as mail can be sent there.
Level lowest_for(const Decision& decision) {
    const Level best = offered(decision);
    return best >= Level::authenticated ? best : std::min(best, Level::encrypted);
}

Json to_json(const Judged& judged) {
    Json out{{"recipient", judged.recipient}, {"passes", judged.passes()}};
    if (!judged.decision) {
        out.update({{"outcome", name_of(OutcomeKind::unknown)}, {"found", judged.trouble}});
        return out;
    }
    const Decision& d = *judged.decision;
    out.update({{"next_hop", d.next_hop.key()},
                {"rule", d.requirement.rule},
                {"minimum", name_of(d.requirement.minimum)},
                {"mode", name_of(d.requirement.mode)},
                {"exception", d.exception ? Json(d.exception->id) : Json(nullptr)},
                {"outcome", name_of(d.verdict.outcome)},
                {"level", name_of(d.verdict.level)},
                {"offered", name_of(offered(d))},
                {"lowest", name_of(lowest_for(d))},
                {"reason", token_of(d.verdict.reason)},
                {"found", sentence_of(d.verdict.reason)},
                {"action", name_of(d.verdict.action)}});
    out["demanded"] =
        d.verdict.demanded == Level::none ? Json(nullptr) : Json(name_of(d.verdict.demanded));
    return out;
}

Json to_json(const std::vector<Judged>& all) {
    Json out = Json::array();
    for (const Judged& one : all)
        out.push_back(to_json(one));
    return out;
}

bool all_pass(const std::vector<Judged>& all) {
    return !all.empty() && std::ranges::all_of(all, [](const Judged& one) { return one.passes(); });
}

// As `explain` is asked about one recipient.
Json question(const Json& message, const HeldMessage& held, const std::string& recipient,
              const Ledger& ledger) {
    Json ask = Json::object();
    for (const char* name : {"user", "client", "header", "header_all", "size"})
        if (const auto known = message.find(name); known != message.end())
            ask[name] = *known;
    ask["address"] = recipient;
    ask["from"] = held.sender;
    const ToldWay way = told_way(held, recipient, ledger);
    ask["mailer"] = way.mailer;
    ask["host"] = way.host;
    return ask;
}

asio::awaitable<std::vector<Judged>> judge(const Json& message, const HeldMessage& held,
                                           const CommandParts& parts) {
    using Steady = std::chrono::steady_clock;
    const auto end = Steady::now() + patience;
    std::vector<Judged> out;
    for (const std::string& recipient : held.recipients) {
        Judged one{recipient, std::nullopt, ""};
        Asked asked;
        const Json ask = question(message, held, recipient, parts.ledger);
        if (const auto read = read_question(ask, asked); !read) {
            one.trouble = read.error();
        } else {
            // The hour is that of the message, and it is all here, whatever is not told of it.
            asked.context.when = local_time(held.arrival);
            asked.context.requiretls = held.requiretls;
            asked.context.more_to_come = false;
            const auto left = std::chrono::ceil<Millis>(end - Steady::now());
            one.decision =
                co_await judge_patiently(asked.context, parts, std::max(left, Millis{0}));
            // So that `trace` finds by the reference of the reply what became of it.
            const auto rows = held.rows_of(recipient, parts.ledger);
            for (const LedgerRow* row : rows)
                if (one.decision->reference.empty())
                    one.decision->reference = row->reference;
        }
        out.push_back(std::move(one));
    }
    co_return out;
}

// ---- what the ledger has of it ----

Json summary(const LedgerRow& row, const std::string& recipient) {
    return Json{{"recipient", recipient},     {"domain", row.domain},
                {"next_hop", row.next_hop},   {"rule", row.rule},
                {"minimum", row.minimum},     {"outcome", row.outcome},
                {"reason", row.reason},       {"found", sentence_of_token(row.reason)},
                {"reference", row.reference}, {"decided", format_time(row.time)}};
}

Json causes(const HeldMessage& held, const Ledger& ledger) {
    Json out = Json::array();
    for (const LedgerRow& row : held.rows) {
        if (row.kind != "decision" || row.action != "quarantine")
            continue;
        // Under its own address, where the message still has it and the ledger shows less.
        std::string address = row.recipient;
        for (const std::string& recipient : held.recipients) {
            const auto path = Path::parse(recipient);
            if (path && ledger.shown(path->text()) != path->text() &&
                same_ignoring_case(ledger.shown(path->text()), row.recipient))
                address = recipient;
        }
        out.push_back(summary(row, address));
    }
    return out;
}

Json recipients_with_next_hops(const HeldMessage& held, const CommandParts& parts) {
    const SitePtr site = parts.site();
    Json out = Json::array();
    for (const std::string& recipient : held.recipients) {
        Json next_hops = Json::array();
        Context context;
        if (auto path = Path::parse(recipient); path && !path->is_null()) {
            context.recipient = *std::move(path);
            const ToldWay told = told_way(held, recipient, parts.ledger);
            context.mailer = told.mailer;
            context.host = told.host;
            for (const NextHop& hop : find_way(context, *site).next_hops)
                if (hop.kind() != HopKind::internal && hop.kind() != HopKind::hidden)
                    next_hops.push_back(hop.key());
        }
        out.push_back({{"address", recipient}, {"next_hops", std::move(next_hops)}});
    }
    return out;
}

Json list(const Json& request, const CommandParts& parts) {
    Json rows = Json::array();
    for (const Json& message : request.value("messages", Json::array())) {
        const auto held = read_held(message, parts.ledger);
        if (!held)
            return control_error(held.error());
        Json row{{"queue_id", held->queue_id}, {"ours", held->ours}};
        if (held->ours) {
            row["held_for"] = causes(*held, parts.ledger);
            row["recipients"] = recipients_with_next_hops(*held, parts);
        }
        rows.push_back(std::move(row));
    }
    return control_result(
        {{"messages", std::move(rows)}, {"fields", parts.site()->rules->field_names()}});
}

// ---- the steps ----

Result<HeldMessage> ours(const Json& request, const CommandParts& parts) {
    auto held = read_held(request.value("message", Json()), parts.ledger);
    if (held && !held->ours)
        return Error{fmt::format("the ledger does not say that surehop had {} held",
                                 printable(held->queue_id))};
    return held;
}

LedgerRow row_of(const Judged& judged, const HeldMessage& held, std::string_view kind, Time now,
                 const std::string& detail) {
    LedgerRow row;
    if (judged.decision) {
        row = ledger_row(*judged.decision, held.queue_id);
        row.detail = row.detail.empty() ? detail : fmt::format("{}; {}", detail, row.detail);
    } else {
        row.time = now;
        row.queue_id = held.queue_id;
        row.recipient = printable(judged.recipient, 320);
        row.outcome = name_of(OutcomeKind::unknown);
        row.detail = fmt::format("{}; {}", detail, "its address cannot be read");
    }
    row.sender = held.sender;
    row.kind = kind;
    return row;
}

// Whether the ledger's last word on this recipient says the same.
bool known_already(const LedgerRow& row, const HeldMessage& held, const Ledger& ledger) {
    const LedgerRow* last = nullptr;
    const auto rows = held.rows_of(row.recipient, ledger);
    for (const LedgerRow* one : rows)
        if (one->kind == "decision" || one->kind == "quarantine-kept")
            last = one;
    return last != nullptr && last->outcome == row.outcome && last->reason == row.reason &&
           last->level == row.level && last->minimum == row.minimum && last->rule == row.rule;
}

Status keep_promises(const std::vector<Judged>& judged, const CommandParts& parts) {
    std::vector<Promised> promised;
    for (const Judged& one : judged)
        for (Promised& each : promises_of(*one.decision))
            promised.push_back(std::move(each));
    const Time now = parts.clock.now();
    return parts.promises.keep(promised, now,
                               now + parts.site()->queue_lifetime + std::chrono::days{1});
}

asio::awaitable<Json> judge_only(const Json& request, const CommandParts& parts) {
    const auto held = ours(request, parts);
    if (!held)
        co_return control_error(held.error());
    const Json& message = request.at("message");
    const auto judged = co_await judge(message, *held, parts);
    Json out{{"passes", all_pass(judged)}, {"recipients", to_json(judged)}};
    co_return control_result(std::move(out));
}

asio::awaitable<Json> release(const Json& request, const Peer& peer, const CommandParts& parts) {
    const std::string step = text_of(request, "step"), reason = text_of(request, "reason");
    const bool recheck = step == "recheck";
    if (auto good = check_remark("reason for the release", reason, most_in_reason, false); !good)
        co_return control_error(good.error());
    if (!recheck && step != "release")
        co_return control_error("a release is a recheck or a release");
    const auto held = ours(request, parts);
    if (!held)
        co_return control_error(held.error());
    const Json& message = request.at("message");
    const auto judged = co_await judge(message, *held, parts);
    const bool pass = all_pass(judged);
    const std::string detail =
        fmt::format("by {}; {}{}{}", peer.text(), step, reason.empty() ? "" : ": ", reason);
    const Time now = parts.clock.now();
    std::vector<LedgerRow> rows;
    for (const Judged& one : judged) {
        if (!pass && one.passes())
            continue;
        LedgerRow row =
            row_of(one, *held, pass ? "quarantine-release" : "quarantine-kept", now, detail);
        if (pass || !recheck || !known_already(row, *held, parts.ledger))
            rows.push_back(std::move(row));
    }
    // Delivery is bound before anything may leave, and then the ledger says why it may.
    if (pass)
        if (auto kept = keep_promises(judged, parts); !kept)
            co_return control_error(kept.error());
    if (auto written = parts.ledger.append(std::move(rows)); !written)
        co_return control_error(written.error());
    Json out{{"released", pass}, {"recipients", to_json(judged)}};
    co_return control_result(std::move(out));
}

Json discard(const Json& request, const Peer& peer, const CommandParts& parts) {
    const std::string reason = text_of(request, "reason");
    if (auto good = check_remark("reason for the removal", reason, most_in_reason, true); !good)
        return control_error(good.error());
    const auto held = ours(request, parts);
    if (!held)
        return control_error(held.error());
    std::vector<LedgerRow> rows;
    for (const std::string& recipient : held->recipients) {
        LedgerRow row;
        row.time = parts.clock.now();
        row.kind = "quarantine-discard";
        row.queue_id = held->queue_id;
        row.sender = held->sender;
        const auto path = Path::parse(recipient);
        row.recipient = path ? path->text() : printable(recipient, 320);
        if (const auto before = held->rows_of(recipient, parts.ledger); !before.empty())
            row.reference = before.front()->reference;
        row.detail = fmt::format("by {}; {}", peer.text(), reason);
        rows.push_back(std::move(row));
    }
    if (rows.empty())
        return control_error(fmt::format("{} has no recipients", held->queue_id));
    if (auto written = parts.ledger.append(std::move(rows)); !written)
        return control_error(written.error());
    return control_result({{"recorded", true}});
}

Json failed(const Json& request, const Peer& peer, const CommandParts& parts) {
    const auto held = ours(request, parts);
    if (!held)
        return control_error(held.error());
    LedgerRow row;
    row.time = parts.clock.now();
    row.kind = "quarantine-failed";
    row.queue_id = held->queue_id;
    row.sender = held->sender;
    row.detail = fmt::format("by {}; {}: {}", peer.text(), printable(text_of(request, "step"), 40),
                             printable(text_of(request, "error"), 400));
    if (auto written = parts.ledger.append({std::move(row)}); !written)
        return control_error(written.error());
    return control_result({{"recorded", true}});
}

// ---- promises ----

// What rests on promises without an end: what the ledger says is still held, and whatever the MTA
// holds, whatever the ledger says. Somebody else's queue, of which the CLI knows nothing, is in the
// former.
Result<Promises::Resting> resting(const std::set<std::string>& in_queue, const Ledger& ledger) {
    const auto holds = ledger.holds();
    if (!holds)
        return Error{holds.error()};
    Promises::Resting out;
    const auto rests = [&](const std::vector<Promised>& all) {
        for (const Promised& one : all)
            out.emplace(one.key, one.level);
    };
    for (const auto& [queue_id, promised] : holds->open)
        rests(promised);
    for (const auto& [queue_id, promised] : holds->ended)
        if (in_queue.contains(queue_id))
            rests(promised);
    return out;
}

Json settle(const Json& request, const Peer& peer, const CommandParts& parts) {
    std::set<std::string> in_queue;
    for (const Json& one : request.value("held", Json::array()))
        if (one.is_string())
            in_queue.insert(one.get<std::string>());
    const auto since = parts.ledger.kept_since();
    if (!since)
        return control_error(since.error());
    // Of what is held for longer than the ledger goes back, nobody knows what rests on it.
    if (const std::string oldest = text_of(request, "oldest"); !oldest.empty()) {
        const auto time = parse_time(oldest, Time{});
        if (!time)
            return control_error(time.error());
        if (*since && *time <= **since)
            return control_result(
                {{"ended", Json::array()}, {"ledger_since", format_time(**since)}});
    }
    const Time now = parts.clock.now();
    const auto ended = parts.promises.settle(
        [&] { return resting(in_queue, parts.ledger); }, now,
        now + parts.site()->queue_lifetime + std::chrono::days{1}, peer.text());
    if (!ended)
        return control_error(ended.error());
    Json rows = Json::array();
    for (const Promises::Row& row : *ended)
        rows.push_back({{"next_hop", row.key},
                        {"level", name_of(row.level)},
                        {"until", format_time(row.until)}});
    return control_result({{"ended", std::move(rows)}});
}

} // namespace

asio::awaitable<Json> answer_quarantine(const std::string& what, const Json& request,
                                        const Peer& peer, const CommandParts& parts) {
    if (parts.site()->lock == Lock::sendmail)
        co_return control_error("[mta] lock names Sendmail, whose held mail is listed by 'mailq "
                                "-qQ' and released by 'sendmail -Q -qIid' with its queue id; this "
                                "command is for Postfix");
    if (what == "quarantine list")
        co_return list(request, parts);
    if (what == "quarantine judge")
        co_return co_await judge_only(request, parts);
    if (what == "quarantine release")
        co_return co_await release(request, peer, parts);
    if (what == "quarantine discard")
        co_return discard(request, peer, parts);
    if (what == "quarantine failed")
        co_return failed(request, peer, parts);
    if (what == "quarantine settle")
        co_return settle(request, peer, parts);
    co_return control_error(
        fmt::format("surehopd does not know the request '{}'", printable(what)));
}

} // namespace surehop
