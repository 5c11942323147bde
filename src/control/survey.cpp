// SPDX-License-Identifier: Apache-2.0
#include "control/survey.h"

#include "base/text.h"
#include "gate/local_time.h"
#include "gate/route.h"
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

struct Surveyed {
    Context context;
    Way way;
};

Result<Surveyed> read_question(const Json& ask, const Site& site, Time now) {
    if (!ask.is_array() || ask.size() != 2 || !ask[0].is_string() ||
        !(ask[1].is_string() || ask[1].is_null()))
        return Error{"a question is a recipient and a sender or null"};
    std::string text = ask[0].get<std::string>();
    if (text.starts_with('@'))
        text.insert(0, "postmaster"); // of a domain alone
    auto recipient = Path::parse(text);
    if (!recipient || recipient->is_null())
        return Error{fmt::format("'{}' is no recipient", printable(text))};
    Surveyed out;
    out.context.recipient = *std::move(recipient);
    if (ask[1].is_string()) {
        auto sender = Path::parse(ask[1].get<std::string>());
        if (!sender)
            return Error{fmt::format("'{}' is no sender", printable(ask[1].get<std::string>()))};
        out.context.sender = *std::move(sender);
    }
    out.context.when = local_time(now);
    out.context.more_to_come = true;
    out.way = find_way(out.context, site);
    return out;
}

bool is_judged(const NextHop& next_hop) {
    return next_hop.kind() != HopKind::internal && next_hop.kind() != HopKind::hidden;
}

// The weaker of two outcomes counts, as at the gate.
bool weaker(const Verdict& a, const Verdict& b) {
    const auto rank = [](OutcomeKind outcome) {
        switch (outcome) {
        case OutcomeKind::no_mail:
            return 0;
        case OutcomeKind::meets:
            return 1;
        case OutcomeKind::unknown:
            return 2;
        case OutcomeKind::falls_short:
            break;
        }
        return 3;
    };
    return rank(a.outcome) > rank(b.outcome);
}

class Survey {
  public:
    Survey(const CommandParts& parts, const Site& site)
        : site_(site), unused_(parts.facts), gate_(parts.gate.over(unused_)) {}

    Json answer(const Surveyed& question, Time now) {
        Json out{{"recipient", question.context.recipient.text()}, {"pending", false}};
        out["next_hop"] = question.way.next_hops.front().key();
        std::vector<Assessment> assessments;
        for (const NextHop& next_hop : question.way.next_hops) {
            if (!is_judged(next_hop))
                continue;
            const FactsPtr facts = unused_.find(next_hop.key());
            if (!facts || !facts->fresh(now)) {
                out["pending"] = true;
                return out;
            }
            assessments.push_back(bindable(assess(next_hop, *facts, now), site_.lock));
        }
        const auto judged = gate_.judge_known(question.context, site_, now);
        const auto* decision = std::get_if<Decision>(&judged);
        if (decision == nullptr) { // it has run out just now
            out["pending"] = true;
            return out;
        }
        out["offer"] = offer_of(assessments);
        out["minimums"] = assessments.empty() ? Json(nullptr) : minimums(assessments);
        out["verdict"] = {{"rule", decision->requirement.rule},
                          {"open", decision->open},
                          {"outcome", name_of(decision->verdict.outcome)},
                          {"reason", token_of(decision->verdict.reason)},
                          {"would", name_of(decision->verdict.would)}};
        return out;
    }

  private:
    static Json offer_of(const std::vector<Assessment>& assessments) {
        std::optional<Level> weakest;
        for (const Assessment& assessment : assessments) {
            const Level best =
                assessment.offers.empty() ? Level::none : assessment.offers.front().level;
            weakest = std::min(weakest.value_or(best), best);
            if (best == Level::none && !assessment.no_mail &&
                assessment.why_not(Level::encrypted).unknown)
                return nullptr;
        }
        return weakest ? Json(name_of(*weakest)) : Json(nullptr);
    }

    static Json minimums(const std::vector<Assessment>& assessments) {
        Json out = Json::object();
        for (const Level minimum : asked_minimums) {
            Requirement requirement;
            requirement.minimum = minimum;
            std::optional<Verdict> weakest;
            for (const Assessment& assessment : assessments) {
                const Verdict verdict = decide(requirement, nullptr, assessment);
                if (!weakest || weaker(verdict, *weakest))
                    weakest = verdict;
            }
            out[std::string(name_of(minimum))] = {{"outcome", name_of(weakest->outcome)},
                                                  {"reason", token_of(weakest->reason)}};
        }
        return out;
    }

    const Site& site_;
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
    std::vector<Surveyed> questions;
    std::map<std::string, NextHop> wanted;
    for (const Json& ask : *asks) {
        auto question = read_question(ask, site, now);
        if (!question)
            co_return control_error(question.error());
        for (const NextHop& next_hop : question->way.next_hops)
            if (const FactsPtr facts = parts.facts.find(next_hop.key());
                is_judged(next_hop) && (!facts || !facts->fresh(now)))
                wanted.emplace(next_hop.key(), next_hop);
        questions.push_back(*std::move(question));
    }
    std::vector<NextHop> to_learn;
    for (auto& [key, next_hop] : wanted)
        to_learn.push_back(std::move(next_hop));
    co_await for_each(std::move(to_learn), most_at_once,
                      [&](const NextHop& next_hop) -> asio::awaitable<void> {
                          (void)co_await parts.gate.resolver().learn(next_hop, wait);
                      });

    Survey one(parts, site);
    Json answers = Json::array();
    for (const Surveyed& question : questions)
        answers.push_back(one.answer(question, parts.clock.now()));
    co_return control_result({{"answers", std::move(answers)}});
}

} // namespace surehop
