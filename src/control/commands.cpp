// SPDX-License-Identifier: Apache-2.0
#include "control/commands.h"

#include "base/text.h"
#include "control/allow_commands.h"
#include "control/asked.h"
#include "control/explain.h"
#include "control/judge.h"
#include "control/quarantine_commands.h"
#include "control/survey.h"
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

const std::set<std::string_view> changing = {"facts refresh",
                                             "facts forget",
                                             "allow add",
                                             "allow import",
                                             "allow remove",
                                             "promise release",
                                             "quarantine release",
                                             "quarantine discard",
                                             "quarantine failed",
                                             "quarantine settle",
                                             "reload"};

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
            co_return allow_add(request, peer, parts_);
        if (what == "allow import")
            co_return allow_import(request, peer, parts_);
        if (what == "allow remove")
            co_return allow_remove(request, peer, parts_);
        if (what == "allow list")
            co_return allow_list(request, parts_);
        if (what == "allow show")
            co_return allow_show(request, parts_);
        if (what == "promise list")
            co_return promise_list();
        if (what == "promise release")
            co_return promise_release(request, peer);
        if (what == "survey")
            co_return co_await survey(request, parts_);
        if (what.starts_with("quarantine "))
            co_return co_await answer_quarantine(what, request, peer, parts_);
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

    const Decision decision = co_await judge_patiently(context, parts_, patience);
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
    out["offers"] = offers_json(assessment.offers, Gate::least_tls(*next_hop, *parts_.site()),
                                origin_of(*next_hop, *facts));
    out["learnt"] = format_time(facts->learnt);
    out["until"] = format_time(facts->until);
    co_return control_result(std::move(out));
}

Json Commands::facts_list() {
    Json rows = Json::array();
    const Time now = parts_.clock.now();
    const auto listing = parts_.facts.list(most_next_hops);
    if (!listing)
        return control_error(listing.error());
    for (const FactsStore::Entry& entry : listing->entries) {
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
    return control_result({{"facts", std::move(rows)}, {"more", listing->more}});
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
