// SPDX-License-Identifier: Apache-2.0
#include "rules/verdict.h"

#include <algorithm>
#include <array>

namespace surehop {

namespace {

constexpr std::array<std::string_view, 4> outcome_names = {"meets", "falls-short", "unknown",
                                                           "no-mail"};

Verdict act(Verdict verdict, const Requirement& requirement) {
    switch (verdict.outcome) {
    case OutcomeKind::meets:
        verdict.would = Action::accept;
        break;
    case OutcomeKind::falls_short:
        verdict.would = requirement.falls_short;
        break;
    case OutcomeKind::unknown:
        verdict.would = requirement.unknown;
        if (verdict.would == Action::reject && fault_of(verdict.reason) != Fault::theirs)
            verdict.would = Action::defer;
        break;
    case OutcomeKind::no_mail:
        verdict.would = Action::reject;
        break;
    }
    if (verdict.demanded != Level::none && passes(verdict.would))
        verdict.would = verdict.outcome == OutcomeKind::unknown ? Action::defer : Action::reject;
    verdict.action = requirement.mode == PolicyMode::enforce ? verdict.would : Action::accept;
    return verdict;
}

} // namespace

std::string_view name_of(OutcomeKind outcome) {
    return outcome_names.at(static_cast<std::size_t>(outcome));
}

Verdict decide(const Requirement& requirement, const Exception* exception,
               const Assessment& assessment, Level demanded) {
    const Level minimum = exception != nullptr ? std::min(requirement.minimum, exception->lowest)
                                               : requirement.minimum;
    Verdict verdict;
    verdict.level = assessment.offers.empty() ? Level::none : assessment.offers.front().level;
    if (assessment.no_mail) {
        verdict.outcome = OutcomeKind::no_mail;
        verdict.reason = *assessment.no_mail;
    } else if (minimum == Level::none || assessment.at_least(minimum) != nullptr) {
        verdict.outcome = OutcomeKind::meets;
    } else {
        const Missing why = assessment.why_not(minimum);
        verdict.outcome = why.unknown ? OutcomeKind::unknown : OutcomeKind::falls_short;
        verdict.reason = why.reason;
    }
    verdict = act(verdict, requirement);
    const bool enough = demanded == Level::none || assessment.at_least(demanded) != nullptr;
    if (enough || assessment.no_mail || !passes(verdict.would))
        return verdict;
    const Missing why = assessment.why_not(demanded);
    verdict.outcome = why.unknown ? OutcomeKind::unknown : OutcomeKind::falls_short;
    verdict.reason = why.unknown ? why.reason : Reason::lock_floor;
    verdict.demanded = demanded;
    return act(verdict, requirement);
}

Verdict decide_without_facts(const Requirement& requirement, OutcomeKind outcome, Reason reason,
                             Level demanded) {
    Verdict verdict;
    verdict.outcome = outcome;
    verdict.reason = reason;
    verdict = act(verdict, requirement);
    if (outcome == OutcomeKind::meets || demanded == Level::none || !passes(verdict.would))
        return verdict;
    verdict.demanded = demanded;
    return act(verdict, requirement);
}

Verdict during_outage(Verdict verdict) {
    if (verdict.outcome != OutcomeKind::unknown)
        return verdict;
    for (Action* action : {&verdict.action, &verdict.would})
        if (*action == Action::reject)
            *action = Action::defer;
    return verdict;
}

} // namespace surehop
