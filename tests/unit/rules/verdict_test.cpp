// SPDX-License-Identifier: Apache-2.0
#include "rules/verdict.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

using enum Level;
using enum OutcomeKind;

Requirement ask(Level minimum) {
    Requirement out;
    out.rule = "default";
    out.minimum = minimum;
    out.falls_short = Action::quarantine;
    out.unknown = Action::defer;
    return out;
}

Assessment offering(Level level) {
    Assessment out;
    for (const Level each : {dane, authenticated, verified, encrypted})
        if (each <= level) {
            Offer offer;
            offer.level = each;
            out.offers.push_back(offer);
        } else {
            out.missing.push_back({each, Reason::sts_mode_testing, false});
        }
    return out;
}

Assessment unknown_above(Level level) {
    Assessment out = offering(level);
    for (Missing& row : out.missing)
        row = {row.level, Reason::dns_timeout, true};
    return out;
}

Assessment no_mail_because(Reason reason) {
    Assessment out;
    out.no_mail = reason;
    return out;
}

TEST(Verdict, Table) {
    struct Row {
        const char* what;
        Level minimum;
        Assessment assessment;
        OutcomeKind outcome;
        Reason reason;
        Action action;
    };
    const Row table[] = {
        {"nothing asked", none, offering(none), meets, Reason::none, Action::accept},
        {"nothing asked, nothing known", none, unknown_above(none), meets, Reason::none,
         Action::accept},
        {"just enough", authenticated, offering(authenticated), meets, Reason::none,
         Action::accept},
        {"more than enough", encrypted, offering(dane), meets, Reason::none, Action::accept},
        {"too little", authenticated, offering(verified), falls_short, Reason::sts_mode_testing,
         Action::quarantine},
        {"too little for DANE", dane, offering(authenticated), falls_short,
         Reason::sts_mode_testing, Action::quarantine},
        // Unknown is not low.
        {"unknown", authenticated, unknown_above(encrypted), unknown, Reason::dns_timeout,
         Action::defer},
        {"what is missing is unknown, and not needed", encrypted, unknown_above(encrypted), meets,
         Reason::none, Action::accept},
        {"null MX", authenticated, no_mail_because(Reason::null_mx), no_mail, Reason::null_mx,
         Action::reject},
        {"null MX, though nothing is asked", none, no_mail_because(Reason::null_mx), no_mail,
         Reason::null_mx, Action::reject},
        {"no such domain", encrypted, no_mail_because(Reason::no_such_domain), no_mail,
         Reason::no_such_domain, Action::reject},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.what);
        Requirement required = ask(row.minimum);
        const Verdict enforced = decide(required, nullptr, row.assessment);
        EXPECT_EQ(enforced.outcome, row.outcome);
        EXPECT_EQ(enforced.reason, row.reason);
        EXPECT_EQ(enforced.action, row.action);
        EXPECT_EQ(enforced.would, row.action);
        required.mode = PolicyMode::audit;
        const Verdict audited = decide(required, nullptr, row.assessment);
        EXPECT_EQ(audited.outcome, row.outcome);
        EXPECT_EQ(audited.action, Action::accept) << "audit refuses nothing";
        EXPECT_EQ(audited.would, row.action) << "and says what it would have done";
    }
}

TEST(Verdict, LevelIsTheStrongestOnOffer) {
    EXPECT_EQ(decide(ask(encrypted), nullptr, offering(dane)).level, dane);
    EXPECT_EQ(decide(ask(dane), nullptr, offering(verified)).level, verified);
    EXPECT_EQ(decide(ask(dane), nullptr, offering(none)).level, none);
}

TEST(Verdict, ExceptionLowersAndNeverRaises) {
    Exception exception;
    exception.lowest = encrypted;
    EXPECT_EQ(decide(ask(dane), &exception, offering(encrypted)).outcome, meets);
    EXPECT_EQ(decide(ask(dane), &exception, offering(none)).outcome, falls_short)
        << "down to what it says, not to nothing";
    EXPECT_EQ(decide(ask(dane), &exception, unknown_above(none)).outcome, unknown);
    exception.lowest = dane;
    EXPECT_EQ(decide(ask(encrypted), &exception, offering(encrypted)).outcome, meets);
    EXPECT_EQ(decide(ask(encrypted), &exception, no_mail_because(Reason::null_mx)).outcome, no_mail)
        << "nobody is there to take the mail";
}

TEST(Verdict, WithoutFacts) {
    const Verdict hidden =
        decide_without_facts(ask(authenticated), falls_short, Reason::next_hop_hidden);
    EXPECT_EQ(hidden.action, Action::quarantine);
    EXPECT_EQ(hidden.reason, Reason::next_hop_hidden);
    EXPECT_EQ(decide_without_facts(ask(dane), unknown, Reason::look_up_running).action,
              Action::defer);
    EXPECT_EQ(decide_without_facts(ask(dane), meets, Reason::none).action, Action::accept);
}

// A local or passing fault never bounces mail, whatever the rule says of what is unknown.
TEST(Verdict, OnlyTheDestinationsFaultIsRejectedAsUnknown) {
    Requirement asked = ask(authenticated);
    asked.unknown = Action::reject;
    for (const ReasonRow& row : all_reasons()) {
        const Action expected = row.fault == Fault::theirs ? Action::reject : Action::defer;
        EXPECT_EQ(decide_without_facts(asked, unknown, row.reason).action, expected) << row.token;
    }
    EXPECT_EQ(decide(asked, nullptr, unknown_above(none)).action, Action::defer) << "a timeout";
    for (const Action other : {Action::quarantine, Action::tag, Action::accept}) {
        asked.unknown = other;
        EXPECT_EQ(decide_without_facts(asked, unknown, Reason::internal).action, other);
    }
}

TEST(Verdict, NothingPassesThatTheLockHoldsBack) {
    struct Row {
        const char* what;
        Level minimum, demanded;
        Action falls_short, unknown;
        Assessment assessment;
        OutcomeKind outcome;
        Reason reason;
        Action action;
    };
    const Row table[] = {
        {"nothing demanded", none, none, Action::reject, Action::defer, offering(none), meets,
         Reason::none, Action::accept},
        {"demanded and offered", none, dane, Action::reject, Action::defer, offering(dane), meets,
         Reason::none, Action::accept},
        {"demanded, and not offered", none, dane, Action::reject, Action::defer,
         offering(authenticated), falls_short, Reason::lock_floor, Action::reject},
        {"as the rule refuses", none, dane, Action::quarantine, Action::defer, offering(none),
         falls_short, Reason::lock_floor, Action::quarantine},
        {"a mark is no way through the lock", none, dane, Action::tag, Action::tag, offering(none),
         falls_short, Reason::lock_floor, Action::reject},
        {"nor where the rule asks as much", dane, dane, Action::tag, Action::tag, offering(none),
         falls_short, Reason::lock_floor, Action::reject},
        {"nor is ignorance", none, dane, Action::reject, Action::accept, unknown_above(none),
         unknown, Reason::dns_timeout, Action::defer},
        {"the lock demands less than the rule", dane, encrypted, Action::reject, Action::defer,
         offering(encrypted), falls_short, Reason::sts_mode_testing, Action::reject},
        {"nobody is there", none, dane, Action::tag, Action::tag, no_mail_because(Reason::null_mx),
         no_mail, Reason::null_mx, Action::reject},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.what);
        Requirement asked = ask(row.minimum);
        asked.falls_short = row.falls_short;
        asked.unknown = row.unknown;
        const Verdict found = decide(asked, nullptr, row.assessment, row.demanded);
        EXPECT_EQ(found.outcome, row.outcome);
        EXPECT_EQ(found.reason, row.reason);
        EXPECT_EQ(found.action, row.action);
        const bool by_lock = row.reason == Reason::lock_floor || row.reason == Reason::dns_timeout;
        EXPECT_EQ(found.demanded, by_lock ? row.demanded : none);
        asked.mode = PolicyMode::audit;
        const Verdict audited = decide(asked, nullptr, row.assessment, row.demanded);
        EXPECT_EQ(audited.action, Action::accept) << "audit refuses nothing";
        EXPECT_EQ(audited.would, row.action);
    }
}

TEST(Verdict, during_an_outage_nobody_is_refused_for_what_is_unknown) {
    Requirement asked = ask(Level::authenticated);
    asked.unknown = asked.falls_short = Action::reject;
    const Verdict bogus = decide_without_facts(asked, unknown, Reason::dns_bogus);
    ASSERT_EQ(bogus.action, Action::reject);
    EXPECT_EQ(during_outage(bogus).action, Action::defer);
    EXPECT_EQ(during_outage(bogus).would, Action::defer);
    EXPECT_EQ(during_outage(bogus).reason, Reason::dns_bogus);
    for (const OutcomeKind outcome : {falls_short, no_mail}) // that much is known
        EXPECT_EQ(during_outage(decide_without_facts(asked, outcome, Reason::null_mx)).action,
                  Action::reject);
    asked.mode = PolicyMode::audit;
    const Verdict audited = during_outage(decide_without_facts(asked, unknown, Reason::dns_bogus));
    EXPECT_EQ(audited.action, Action::accept);
    EXPECT_EQ(audited.would, Action::defer);
    asked.unknown = Action::quarantine;
    EXPECT_EQ(during_outage(decide_without_facts(asked, unknown, Reason::dns_bogus)).would,
              Action::quarantine);
}

TEST(Verdict, Names) {
    EXPECT_EQ(name_of(meets), "meets");
    EXPECT_EQ(name_of(falls_short), "falls-short");
    EXPECT_EQ(name_of(unknown), "unknown");
    EXPECT_EQ(name_of(no_mail), "no-mail");
}

} // namespace
} // namespace surehop
