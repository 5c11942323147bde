// SPDX-License-Identifier: Apache-2.0
#include "control/explain.h"

#include "facts/facts_json.h"
#include "milter/reply.h"

namespace surehop {

namespace {

Json text_or_null(const std::optional<std::string>& text) {
    return text ? Json(*text) : Json(nullptr);
}

Json exception_json(const ExceptionPtr& exception) {
    if (!exception)
        return nullptr;
    return Json{{"id", exception->id},
                {"lowest", name_of(exception->lowest)},
                {"until", format_time(exception->until)},
                {"reason", exception->reason},
                {"owner", exception->owner}};
}

} // namespace

Json to_json(const NextHop& next_hop) {
    return Json{
        {"kind", name_of(next_hop.kind())}, {"name", next_hop.name()}, {"port", next_hop.port()}};
}

Json to_json(const Offer& offer, TlsVersion least, const StsOrigin& origin) {
    const auto binding = [&](Lock lock) {
        return text_or_null(policy_text(offer, lock, least, origin));
    };
    return Json{{"level", name_of(offer.level)},
                {"hosts", offer.hosts},
                {"until", format_time(offer.until)},
                {"binding",
                 {{"postfix", binding(Lock::postfix)},
                  {"postfix310", binding(Lock::postfix310)},
                  {"sendmail", binding(Lock::sendmail)}}}};
}

Json offers_json(std::span<const Offer> offers, TlsVersion least, const StsOrigin& origin) {
    Json out = Json::array();
    for (const Offer& offer : offers)
        out.push_back(to_json(offer, least, origin));
    return out;
}

Json to_json(const Exception& exception) {
    Json out{{"id", exception.id},
             {"recipient", exception.recipient.text()},
             {"sender", exception.sender ? Json(exception.sender->text()) : Json(nullptr)},
             {"lowest", name_of(exception.lowest)},
             {"override_published", exception.overrides_published},
             {"reason", exception.reason},
             {"owner", exception.owner},
             {"ticket", exception.ticket},
             {"created_by", exception.created_by},
             {"from", format_time(exception.from)},
             {"until", format_time(exception.until)}};
    out["removed"] = exception.removed ? Json(format_time(*exception.removed)) : Json(nullptr);
    if (exception.removed)
        out["removed_reason"] = exception.removed_reason;
    return out;
}

Json to_json(const LedgerRow& row) {
    Json out{{"id", row.id}, {"time", format_time(row.time)}};
    for (const LedgerText& one : ledger_texts) {
        const std::string& text = row.*one.text;
        const bool null_sender = one.name == "sender" && row.kind == "decision";
        if (!text.empty() || null_sender)
            out[std::string(one.name)] = text;
        if (one.name == "rule" && row.exception != 0)
            out["exception"] = row.exception;
    }
    if (row.times != 1)
        out["times"] = row.times;
    return out;
}

namespace {

// The end of a promise: a time, or null while it has none but its release.
Json until_json(Time until) {
    return until == Promises::until_released ? Json(nullptr) : Json(format_time(until));
}

} // namespace

Json to_json(const Promises::Row& row) {
    return {{"next_hop", row.key}, {"level", name_of(row.level)}, {"until", until_json(row.until)}};
}

Json explain_json(const Decision& d, const std::optional<Promises::Row>& promise) {
    Json next_hop = to_json(d.next_hop);
    next_hop["source"] = name_of(d.source);
    Json out;
    out["recipient"] = d.recipient.text();
    out["sender"] = d.sender.text();
    out["next_hop"] = std::move(next_hop);
    out["requirement"] = {{"rule", d.requirement.rule},
                          {"minimum", name_of(d.requirement.minimum)},
                          {"least_tls", name_of(d.least_tls)},
                          {"falls_short", name_of(d.requirement.falls_short)},
                          {"unknown", name_of(d.requirement.unknown)},
                          {"mode", name_of(d.requirement.mode)}};
    out["open"] = d.open; // the rules that may yet decide, when the message has spoken
    out["exception"] = exception_json(d.exception);
    out["promise"] =
        promise ? Json{{"level", name_of(promise->level)}, {"until", until_json(promise->until)}}
                : Json(nullptr);
    out["facts"] = d.facts ? to_json(*d.facts) : Json(nullptr);
    out["offers"] = offers_json(d.assessment.offers, d.least_tls,
                                d.facts ? origin_of(d.next_hop, *d.facts) : StsOrigin());
    out["verdict"] = {
        {"outcome", name_of(d.verdict.outcome)}, {"level", name_of(d.verdict.level)},
        {"reason", token_of(d.verdict.reason)},  {"action", name_of(d.verdict.action)},
        {"would", name_of(d.verdict.would)},     {"reply", rcpt_reply(d).line()}};
    out["verdict"]["demanded"] =
        d.verdict.demanded == Level::none ? Json(nullptr) : Json(name_of(d.verdict.demanded));
    out["reference"] = d.reference;
    return out;
}

} // namespace surehop
