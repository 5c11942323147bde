// SPDX-License-Identifier: Apache-2.0
#include "control/survey.h"

#include "base/text.h"
#include "gate/local_time.h"
#include "resolve/gather.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace surehop {

namespace {

constexpr std::array asked_minimums = {Level::encrypted, Level::verified, Level::authenticated,
                                       Level::dane};
constexpr std::size_t most_at_once = 100; // look-ups
constexpr Millis longest_wait{5'000};     // the CLI asks again

// Its use() is a plain find().
class Unused final : public FactsBook {
  public:
    explicit Unused(FactsBook& book) : book_(book) {}
    Result<FactsPtr> read(std::string_view key) override { return book_.read(key); }
    void put(const std::string& key, FactsPtr facts) override { book_.put(key, std::move(facts)); }

  private:
    FactsBook& book_;
};

Result<Context> read_question(const Json& ask, Time now) {
    if (!ask.is_array() || ask.size() != 2 || !ask[0].is_string() ||
        !(ask[1].is_string() || ask[1].is_null()))
        return Error{"a question is a recipient and a sender or null"};
    std::string text = ask[0].get<std::string>();
    if (text.starts_with('@'))
        text.insert(0, "postmaster"); // of a domain alone
    auto recipient = Path::parse(text);
    if (!recipient || recipient->is_null())
        return Error{fmt::format("'{}' is no recipient", printable(text))};
    Context out;
    out.recipient = *std::move(recipient);
    if (ask[1].is_string()) {
        auto sender = Path::parse(ask[1].get<std::string>());
        if (!sender)
            return Error{fmt::format("'{}' is no sender", printable(ask[1].get<std::string>()))};
        out.sender = *std::move(sender);
    }
    out.when = local_time(now);
    out.more_to_come = true;
    return out;
}

// Null where nobody can tell, or nobody had to ask: an exception may need no look-up.
Json offer_of(const Decision& d) {
    const bool none = d.assessment.offers.empty();
    if (!d.facts || (none && d.verdict.outcome == OutcomeKind::unknown))
        return nullptr;
    return name_of(none ? Level::none : d.assessment.offers.front().level);
}

// The gate itself, under today's rules and under each minimum for everybody.
class Survey {
  public:
    Survey(const CommandParts& parts, const Site& site)
        : site_(site), unused_(parts.facts), gate_(parts.gate.over(unused_)) {
        for (std::size_t i = 0; i < minimums_.size(); ++i) {
            Requirement everybody;
            everybody.rule = "survey";
            everybody.minimum = asked_minimums.at(i);
            minimums_.at(i) = site;
            minimums_.at(i).rules = std::make_shared<const RuleSet>(std::vector<Rule>(), everybody);
        }
    }

    // What must be learnt before answer() can tell. The highest minimum needs what others need.
    std::vector<NextHop> unknown(const Context& context, Time now) const {
        for (const Site* site : {&minimums_.back(), &site_}) {
            auto judged = gate_.judge_known(context, *site, now);
            if (auto* miss = std::get_if<Miss>(&judged))
                return std::move(miss->next_hops);
        }
        return {};
    }

    Json answer(const Context& context, Time now) const {
        Json out{{"recipient", context.recipient.text()}, {"pending", true}};
        Json minimums = Json::object(), offer;
        bool internal = false;
        for (const Site& site : minimums_) {
            const auto judged = gate_.judge_known(context, site, now);
            const auto* decision = std::get_if<Decision>(&judged);
            if (decision == nullptr)
                return out;
            const Verdict& verdict = decision->verdict;
            minimums[std::string(name_of(site.rules->last_resort().minimum))] = {
                {"outcome", name_of(verdict.outcome)}, {"reason", token_of(verdict.reason)}};
            offer = offer_of(*decision);
            out["next_hop"] = decision->next_hop.key();
            internal = decision->next_hop.kind() == HopKind::internal;
        }
        const auto judged = gate_.judge_known(context, site_, now);
        const auto* decision = std::get_if<Decision>(&judged);
        if (decision == nullptr)
            return out;
        out["pending"] = false;
        out["offer"] = std::move(offer);
        out["minimums"] = internal ? Json(nullptr) : std::move(minimums);
        out["verdict"] = {{"rule", decision->requirement.rule},
                          {"open", decision->open},
                          {"outcome", name_of(decision->verdict.outcome)},
                          {"reason", token_of(decision->verdict.reason)},
                          {"would", name_of(decision->verdict.would)}};
        return out;
    }

  private:
    const Site& site_;
    std::array<Site, asked_minimums.size()> minimums_; // in that order
    Unused unused_;
    Gate gate_;
};

} // namespace

asio::awaitable<Json> survey(const Json& request, const CommandParts& parts) {
    const auto asks = request.find("ask");
    if (asks == request.end() || !asks->is_array() || asks->size() > most_surveyed)
        co_return control_error(fmt::format("ask for up to {} recipients", most_surveyed));
    Site site = *parts.site();
    if (const std::string lock = text_of(request, "lock"); !lock.empty()) {
        const auto known = lock_of(lock);
        if (!known)
            co_return control_error(fmt::format("--lock: '{}' is none of postfix, postfix310, "
                                                "sendmail and none",
                                                printable(lock, 40)));
        site.lock = *known;
    }
    const Millis wait = std::clamp(Millis{number_of(request, "wait_ms")}, Millis{0}, longest_wait);

    const Time now = parts.clock.now();
    const Survey survey(parts, site);
    std::vector<Context> questions;
    std::map<std::string, NextHop> wanted;
    for (const Json& ask : *asks) {
        auto question = read_question(ask, now);
        if (!question)
            co_return control_error(question.error());
        for (NextHop& next_hop : survey.unknown(*question, now))
            wanted.emplace(next_hop.key(), std::move(next_hop));
        questions.push_back(*std::move(question));
    }
    std::vector<NextHop> to_learn;
    for (auto& [key, next_hop] : wanted)
        to_learn.push_back(std::move(next_hop));
    co_await for_each(std::move(to_learn), most_at_once,
                      [&](const NextHop& next_hop) -> asio::awaitable<void> {
                          (void)co_await parts.gate.resolver().learn(next_hop, wait);
                      });

    Json answers = Json::array();
    for (const Context& question : questions)
        answers.push_back(survey.answer(question, parts.clock.now()));
    co_return control_result({{"answers", std::move(answers)}});
}

} // namespace surehop
