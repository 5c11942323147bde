// SPDX-License-Identifier: Apache-2.0
#include "assess/changes.h"

#include "assess/assessment.h"

#include <algorithm>

namespace surehop {

namespace {

bool offers(const Assessment& assessment, Level level) {
    return std::ranges::any_of(assessment.offers,
                               [&](const Offer& offer) { return offer.level == level; });
}

// A policy that is in force and asks for something, and this look-up did not find it.
bool unconfirmed(const Facts& facts) {
    const StsFacts& sts = facts.sts;
    return sts.standing.state == State::present && sts.policy.mode != mtasts::Mode::none &&
           sts.refresh.state != State::present;
}

} // namespace

std::vector<Downgrade> downgrades(const NextHop& next_hop, const Facts& before,
                                  const Facts& after) {
    // Each as it was when it was learnt: what merely grew old in between is no change.
    const Assessment had = assess(next_hop, before, before.learnt);
    const Assessment has = assess(next_hop, after, after.learnt);
    std::vector<Downgrade> out;
    for (const Level level : {Level::dane, Level::authenticated}) {
        if (!offers(had, level) || offers(has, level))
            continue;
        const auto why = std::ranges::find(has.missing, level, &Missing::level);
        if (why != has.missing.end() && !why->unknown)
            out.push_back({level, why->reason});
        else if (has.no_mail)
            out.push_back({level, *has.no_mail});
    }
    return out;
}

bool refresh_fails(const Facts& facts) {
    return unconfirmed(facts) && facts.sts.failed && facts.sts.failed->at >= facts.learnt;
}

std::optional<RefreshChange> refresh_change(const Facts* before, const Facts& after) {
    const bool failed = before != nullptr && unconfirmed(*before);
    if (unconfirmed(after) && !failed)
        return RefreshChange::fails;
    if (failed && after.sts.refresh.state == State::present)
        return RefreshChange::works_again;
    return std::nullopt;
}

} // namespace surehop
