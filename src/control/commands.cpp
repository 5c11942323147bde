// SPDX-License-Identifier: Apache-2.0
#include "control/commands.h"

#include "base/text.h"
#include "control/asked.h"
#include "control/explain.h"
#include "facts/facts_json.h"
#include "gate/local_time.h"
#include "gate/route.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>

namespace surehop {

namespace {

// An admin waits longer than an MTA does.
constexpr Millis patience{20'000};

// One answer lists so many, and says when there are more.
constexpr std::size_t most_next_hops = 1000;
constexpr std::size_t most_traced = 100;

const std::set<std::string_view> changing = {"facts refresh", "facts forget",    "allow add",
                                             "allow remove",  "promise release", "reload"};

std::string text_of(const Json& request, const char* name) {
    const auto found = request.find(name);
    return found != request.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_of(const Json& request, const char* name) {
    const auto found = request.find(name);
    return found != request.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

Result<NextHop> next_hop_of(const Json& request) {
    const std::string text = text_of(request, "next_hop");
    if (text.empty())
        return Error{"name a next hop: example.org, [mx.example.org] or [mx.example.org]:587"};
    return NextHop::parse(text);
}

Level best_of(const Assessment& assessment) {
    return assessment.offers.empty() ? Level::none : assessment.offers.front().level;
}

// The strongest level that may hold above the best one offered: nobody could tell. Else null.
Json unknown_of(const Assessment& assessment) {
    for (const Missing& missing : assessment.missing)
        if (missing.unknown && missing.level > best_of(assessment))
            return name_of(missing.level);
    return nullptr;
}

// The best level offered. Null, not "none", where none is offered for want of an answer.
Json level_of(const Assessment& assessment) {
    const Level best = best_of(assessment);
    return best == Level::none && !unknown_of(assessment).is_null() ? Json() : Json(name_of(best));
}

} // namespace

asio::awaitable<Json> Commands::answer(Json request, Peer peer) {
    const std::string what = text_of(request, "do");
    if (changing.contains(what) && !peer.may_change)
        co_return control_error(
            fmt::format("{} may not do '{}'; run it as root or join the group surehop-admin",
                        peer.text(), what));
    try {
        if (what == "explain")
            co_return co_await explain(request);
        if (what == "facts show")
            co_return co_await facts_show(request, false);
        if (what == "facts refresh")
            co_return co_await facts_show(request, true);
        if (what == "facts list")
            co_return facts_list();
        if (what == "facts forget")
            co_return facts_forget(request);
        if (what == "allow add")
            co_return allow_add(request, peer);
        if (what == "allow remove")
            co_return allow_remove(request, peer);
        if (what == "allow list")
            co_return allow_list();
        if (what == "allow show")
            co_return allow_show(request);
        if (what == "promise list")
            co_return promise_list();
        if (what == "promise release")
            co_return promise_release(request, peer);
        if (what == "trace")
            co_return trace(request);
        if (what == "doctor")
            co_return control_result(co_await parts_.doctor());
        if (what == "status")
            co_return control_result(parts_.status());
        if (what == "reload")
            co_return parts_.reload(peer);
    } catch (const std::exception& error) {
        co_return control_error(fmt::format("internal error: {}", error.what()));
    }
    co_return control_error(
        fmt::format("surehopd does not know the request '{}'", printable(what)));
}

asio::awaitable<Json> Commands::explain(const Json& request) {
    Asked asked;
    if (const auto read = read_question(request, asked); !read)
        co_return control_error(read.error());
    Context& context = asked.context;
    context.when = local_time(parts_.clock.now());

    const SitePtr site = parts_.site();
    auto judged = parts_.gate.judge_known(context, *site, parts_.clock.now());
    if (const auto* miss = std::get_if<Miss>(&judged)) {
        Learnt learnt = Learnt::done;
        for (const NextHop& next_hop : miss->next_hops)
            if (const Learnt one = co_await parts_.gate.resolver().learn(
                    next_hop, patience / static_cast<int>(miss->next_hops.size()));
                one != Learnt::done)
                learnt = one;
        judged = parts_.gate.judge_known(context, *site, parts_.clock.now());
        if (std::holds_alternative<Miss>(judged))
            judged =
                parts_.gate.judge_unlearnt(context, *site, reason_of(learnt), parts_.clock.now());
    }
    const Decision& decision = std::get<Decision>(judged);
    co_return control_result(explain_json(
        decision, parts_.promises.highest(decision.next_hop.key(), parts_.clock.now())));
}

asio::awaitable<Json> Commands::facts_show(const Json& request, bool refresh) {
    const auto next_hop = next_hop_of(request);
    if (!next_hop)
        co_return control_error(next_hop.error());
    FactsPtr facts = parts_.facts.find(next_hop->key());
    if (refresh || !facts || !facts->fresh(parts_.clock.now())) {
        const Learnt learnt = co_await parts_.gate.resolver().learn(
            *next_hop, patience, refresh ? Ask::all : Ask::needed);
        facts = parts_.facts.find(next_hop->key());
        if (learnt != Learnt::done || !facts)
            co_return control_error(
                fmt::format("{}: {}", next_hop->key(), sentence_of(reason_of(learnt))));
    }
    const Assessment assessment = assess(*next_hop, *facts, parts_.clock.now());
    Json out;
    out["next_hop"] = to_json(*next_hop);
    out["facts"] = to_json(*facts);
    out["offers"] = offers_json(assessment.offers, Gate::least_tls(*next_hop, *parts_.site()));
    out["learnt"] = format_time(facts->learnt);
    out["until"] = format_time(facts->until);
    co_return control_result(std::move(out));
}

Json Commands::facts_list() {
    Json rows = Json::array();
    const Time now = parts_.clock.now();
    const auto entries = parts_.facts.list(most_next_hops + 1);
    if (!entries)
        return control_error(entries.error());
    for (const FactsStore::Entry& entry :
         std::span(*entries).first(std::min(entries->size(), most_next_hops))) {
        const auto next_hop = NextHop::parse(entry.key);
        if (!next_hop)
            continue;
        const bool current = entry.facts->fresh(now);
        const Assessment assessment = assess(*next_hop, *entry.facts, now);
        rows.push_back({{"next_hop", entry.key},
                        {"level", current ? level_of(assessment) : Json()},
                        {"unknown", current ? unknown_of(assessment) : Json()},
                        {"state", current ? "current" : "expired"},
                        {"learnt", format_time(entry.facts->learnt)},
                        {"until", format_time(entry.facts->until)}});
    }
    return control_result({{"facts", std::move(rows)}, {"more", entries->size() > most_next_hops}});
}

Json Commands::facts_forget(const Json& request) {
    const auto next_hop = next_hop_of(request);
    if (!next_hop)
        return control_error(next_hop.error());
    const auto forgotten = parts_.facts.forget(next_hop->key());
    if (!forgotten)
        return control_error(forgotten.error());
    return control_result({{"next_hop", next_hop->key()}, {"forgotten", *forgotten}});
}

Json Commands::allow_add(const Json& request, const Peer& peer) {
    const Time now = parts_.clock.now();
    auto recipient = AddressPattern::parse(text_of(request, "recipient"));
    if (!recipient)
        return control_error(recipient.error());
    Exception entry;
    entry.recipient = *std::move(recipient);
    if (const std::string text = text_of(request, "sender"); !text.empty()) {
        auto sender = AddressPattern::parse(text);
        if (!sender)
            return control_error("--from: " + sender.error());
        entry.sender = *std::move(sender);
    }
    const std::string lowest = text_of(request, "lowest");
    const auto level = level_of(lowest);
    if (!level)
        return control_error(fmt::format(
            "'{}' is not a level; write none, encrypted, verified, authenticated or dane",
            printable(lowest)));
    entry.lowest = *level;
    const std::string until = text_of(request, "until");
    if (until.empty())
        return control_error("an exception needs an end: --until 2027-03-31 or --until +30d");
    const auto end = parse_time(until, now);
    if (!end)
        return control_error(end.error());
    entry.until = *end;
    entry.reason = text_of(request, "reason");
    entry.owner = text_of(request, "owner");
    entry.ticket = text_of(request, "ticket");
    entry.created_by = peer.text();
    entry.from = now;
    const auto id = parts_.allowlist.add(entry);
    if (!id)
        return control_error(id.error());
    Json out = to_json(*parts_.allowlist.find(*id));

    out["notes"] = notes_on(entry, now);
    return control_result(std::move(out));
}

// What this exception opens beyond its recipient, and what still stands in its way: mail that the
// gate lets pass must not wait at the lock without anybody knowing.
Json Commands::notes_on(const Exception& entry, Time now) const {
    const SitePtr site = parts_.site();
    Json notes = Json::array();
    const auto& domain = entry.recipient.domain();
    if (!domain || site->lock == Lock::none)
        return notes;
    Context anybody;
    anybody.recipient = *Path::parse(fmt::format("postmaster@{}", domain->text()));
    const NextHop next_hop = find_way(anybody, *site).next_hops.front();
    const HopKind kind = next_hop.kind();
    if (kind == HopKind::internal || kind == HopKind::hidden)
        return notes;
    const std::string key = next_hop.key();
    if (key != domain->text())
        notes.push_back(
            fmt::format("mail to {} goes by way of {}, for which the exception changes nothing",
                        domain->text(), key));
    const auto promise = parts_.promises.highest(key, now);
    if (promise && promise->level > entry.lowest)
        notes.push_back(
            fmt::format("mail accepted earlier still holds a promise of {} for {} until "
                        "{}; until then all mail to it is delivered at that level only "
                        "('surehop promise release {}' ends it)",
                        name_of(promise->level), key, end_of(promise->until), key));

    // As last known: what is not fresh any more may well stand all the same.
    const Level demanded = parts_.gate.demanded(next_hop, *site, now);
    if (const FactsPtr facts = parts_.facts.find(key)) {
        const Time seen = std::min(now, facts->until - Seconds{1});
        const LockAnswer answer = lock_answer(assess(next_hop, *facts, seen), demanded, site->lock);
        if (answer.kind == LockAnswer::Kind::temporary) {
            notes.push_back(
                fmt::format("at delivery, mail to {} is still held back: {}", key, answer.text));
            return notes;
        }
    }
    if (entry.lowest < site->rules->floor(*domain))
        notes.push_back(fmt::format(
            "at delivery, the whole next hop {} is open down to {} until then, but for what it "
            "publishes itself: mail that reaches it by alias or forward too",
            domain->text(), name_of(entry.lowest)));
    return notes;
}

Json Commands::allow_remove(const Json& request, const Peer& peer) {
    const std::int64_t id = number_of(request, "id");
    const auto removed =
        parts_.allowlist.remove(id, parts_.clock.now(), text_of(request, "reason"), peer.text());
    if (!removed)
        return control_error(removed.error());
    return control_result(to_json(*parts_.allowlist.find(id)));
}

Json Commands::allow_list() {
    Json rows = Json::array();
    const Time now = parts_.clock.now();
    for (const Exception& exception : parts_.allowlist.list()) {
        Json row = to_json(exception);
        row["live"] = exception.live(now);
        rows.push_back(std::move(row));
    }
    return control_result({{"exceptions", std::move(rows)}});
}

Json Commands::allow_show(const Json& request) {
    const std::int64_t id = number_of(request, "id");
    const auto exception = parts_.allowlist.find(id);
    if (!exception)
        return control_error(fmt::format("there is no exception {}", id));
    Json out = to_json(*exception);
    out["live"] = exception->live(parts_.clock.now());
    return control_result(std::move(out));
}

Json Commands::promise_list() {
    Json rows = Json::array();
    for (const Promises::Row& row : parts_.promises.list(parts_.clock.now()))
        rows.push_back(to_json(row));
    return control_result({{"promises", std::move(rows)}});
}

Json Commands::promise_release(const Json& request, const Peer& peer) {
    const auto next_hop = next_hop_of(request);
    if (!next_hop)
        return control_error(next_hop.error());
    const auto ended = parts_.promises.release(next_hop->key(), parts_.clock.now(),
                                               text_of(request, "reason"), peer.text());
    if (!ended)
        return control_error(ended.error());
    Json rows = Json::array();
    for (const Promises::Row& row : *ended)
        rows.push_back(to_json(row));
    return control_result({{"released", std::move(rows)}});
}

Json Commands::trace(const Json& request) {
    const std::string what = text_of(request, "what");
    if (what.empty())
        return control_error("name a reference, a queue id, an address or a domain");
    const auto rows = parts_.ledger.trace(what, most_traced + 1);
    if (!rows)
        return control_error(rows.error());
    Json out = Json::array();
    for (const LedgerRow& row : std::span(*rows).first(std::min(rows->size(), most_traced)))
        out.push_back(to_json(row));
    return control_result({{"rows", std::move(out)}, {"more", rows->size() > most_traced}});
}

} // namespace surehop
