// SPDX-License-Identifier: Apache-2.0
#include "gate/gate.h"

#include "support/run.h"
#include "support/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop::test {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr std::string_view zones = R"(
    zone dane.test signed
    dane.test               MX    10 mx.dane.test
    mx.dane.test            A     192.0.2.1
    _25._tcp.mx.dane.test   TLSA  3 1 1 key-a
    zone none.test signed
    none.test               MX    10 mx.none.test
    mx.none.test            A     192.0.2.2
    zone nullmx.test signed
    nullmx.test             MX    0 .
    zone bogus.test bogus
    bogus.test              MX    10 mx.bogus.test
)";

std::string config(const std::string& more, const std::string& policy = "",
                   const std::string& lock = "postfix") {
    return "[mta]\nlock = \"" + lock + "\"\nfinal_domains = [\"local.test\"]\n" +
           "[policy]\nminimum = \"authenticated\"\nmode = \"enforce\"\n" + policy + more;
}

std::string rule(const std::string& lines) { return "[[rule]]\nname = \"rule\"\n" + lines; }

class GateTest : public ::testing::Test {
  protected:
    OutcomeKind outcome(std::string_view to, std::string_view from = "a@clinic.example") {
        return world.mail(from, to).verdict.outcome;
    }
    void allow(const std::string& recipient, Level lowest, Seconds life,
               const std::string& sender = "") {
        Exception exception;
        exception.recipient = pattern_of(recipient);
        if (!sender.empty())
            exception.sender = pattern_of(sender);
        exception.lowest = lowest;
        exception.reason = "a test";
        exception.owner = "tests";
        exception.created_by = "uid 0 (root)";
        exception.from = world.clock.now();
        exception.until = world.clock.now() + life;
        const auto id = world.process().allowlist->add(exception);
        ASSERT_TRUE(id) << id.error();
    }
    World world{zones};
};

TEST_F(GateTest, KnownFactsCostNothing) {
    EXPECT_EQ(outcome("b@dane.test"), OutcomeKind::meets);
    const std::size_t first = world.dns.asked.size();
    EXPECT_GT(first, 0U);
    EXPECT_EQ(outcome("c@dane.test"), OutcomeKind::meets);
    EXPECT_EQ(world.lock("dane.test"), "OK dane-only");
    EXPECT_EQ(world.dns.asked.size(), first);
    world.clock.advance(hours{2});
    EXPECT_EQ(outcome("c@dane.test"), OutcomeKind::meets);
    EXPECT_EQ(world.dns.asked.size(), 2 * first);
}

TEST_F(GateTest, ClockSetBackKeepsNothingFreshForLonger) {
    EXPECT_EQ(outcome("b@dane.test"), OutcomeKind::meets);
    world.dns.remove("_25._tcp.mx.dane.test", "TLSA");
    world.clock.advance(-days{365});
    EXPECT_EQ(outcome("b@dane.test"), OutcomeKind::falls_short);
}

TEST_F(GateTest, WhatIsExemptIsNotLookedUp) {
    world.configure(config(rule("recipient = [\"*.test\"]\nminimum = \"none\"")));
    const Decision exempt = world.mail("a@clinic.example", "b@anything.test");
    EXPECT_EQ(exempt.verdict.outcome, OutcomeKind::meets);
    EXPECT_EQ(exempt.requirement.rule, "rule");
    EXPECT_EQ(exempt.facts, nullptr);
    EXPECT_EQ(outcome("b@local.test"), OutcomeKind::meets);
    EXPECT_EQ(world.mail("<>", "b@x.example", "smtp", "[127.0.0.1]:10025").next_hop.kind(),
              HopKind::internal);
    EXPECT_TRUE(world.dns.asked.empty());
    EXPECT_TRUE(world.https.asked.empty());
}

TEST_F(GateTest, UnknownIsNeitherLowNorAbsent) {
    const Decision bogus = world.mail("a@clinic.example", "b@bogus.test");
    EXPECT_EQ(bogus.verdict.outcome, OutcomeKind::unknown);
    EXPECT_EQ(bogus.verdict.reason, Reason::dns_bogus);
    EXPECT_EQ(bogus.verdict.action, Action::defer);
    EXPECT_EQ(world.lock("bogus.test"), "TEMP authenticated is required, but its DNSSEC "
                                        "signatures are not valid");
}

TEST_F(GateTest, WhatCannotBeLearntInTimeIsUnknown) {
    for (const Reason reason :
         {Reason::look_up_running, Reason::look_up_refused, Reason::internal}) {
        Context context;
        context.recipient = path_of("b@dane.test");
        const Decision d =
            world.gate().judge_unlearnt(context, *world.site(), reason, world.clock.now());
        EXPECT_EQ(d.verdict.outcome, OutcomeKind::unknown);
        EXPECT_EQ(d.verdict.reason, reason);
        EXPECT_EQ(d.next_hop.key(), "dane.test");
        EXPECT_TRUE(promises_of(d).empty());
        const LockAnswer answer = world.gate().bind_unlearnt(
            *NextHop::parse("dane.test"), *world.site(), reason, world.clock.now());
        EXPECT_EQ(answer.kind, LockAnswer::Kind::temporary);
        EXPECT_TRUE(answer.unknown);
        EXPECT_EQ(answer.demanded, Level::authenticated);
    }
}

TEST_F(GateTest, LmtpIsNotAskedForAPolicyAndSoNotCarried) {
    const Decision d = world.mail("a@clinic.test", "b@dane.test", "lmtp", "inet:mx.none.test:25");
    EXPECT_EQ(d.verdict.outcome, OutcomeKind::falls_short);
    EXPECT_EQ(d.verdict.reason, Reason::lock_cannot_say);
}

TEST_F(GateTest, HiddenNextHopIsCarriedUpToTheFloor) {
    const auto hidden = [&] {
        return world.mail("a@clinic.example", "team@va.test", "error", "5.1.1 unknown").verdict;
    };
    EXPECT_EQ(hidden().outcome, OutcomeKind::meets) << "the lock demands as much of everybody";
    // Of one domain less is demanded, and the mail may go there.
    world.configure(config(rule("recipient = [\"open.test\"]\nminimum = \"encrypted\"")));
    EXPECT_EQ(hidden().outcome, OutcomeKind::falls_short);
    EXPECT_EQ(hidden().reason, Reason::next_hop_hidden);
    EXPECT_EQ(hidden().action, Action::reject);
    // More is demanded of this mail than of others.
    world.configure(config(rule("sender = [\"@clinic.example\"]\nminimum = \"dane\"")));
    EXPECT_EQ(hidden().outcome, OutcomeKind::falls_short);
    // Nothing binds, or what the MTA says cannot be read.
    world.configure(config("", "", "none"));
    EXPECT_EQ(hidden().outcome, OutcomeKind::falls_short);
    world.configure(config(""));
    const Verdict invalid =
        world.mail("a@b.test", "c@d.test", "smtp", "[one.test]:own-service").verdict;
    EXPECT_EQ(invalid.outcome, OutcomeKind::unknown);
    EXPECT_EQ(invalid.reason, Reason::next_hop_invalid);
    EXPECT_EQ(invalid.action, Action::defer) << "our mail server's doing, not the sender's";
    EXPECT_TRUE(world.dns.asked.empty());
}

TEST_F(GateTest, AuditJudgesAndRefusesNothing) {
    world.configure("[mta]\nlock = \"postfix\"\n[policy]\nminimum = \"authenticated\"\n"
                    "mode = \"audit\"\n");
    const Decision d = world.mail("a@clinic.example", "b@none.test");
    EXPECT_EQ(d.verdict.outcome, OutcomeKind::falls_short);
    EXPECT_EQ(d.verdict.action, Action::accept);
    EXPECT_EQ(d.verdict.would, Action::reject);
    EXPECT_TRUE(promises_of(world.mail("a@clinic.example", "b@dane.test")).empty());
    EXPECT_EQ(world.lock("none.test"), "NOTFOUND ") << "never TEMP for a floor";
    EXPECT_EQ(world.lock("dane.test"), "OK dane-only") << "what is published is honoured";
}

// ---- exceptions

TEST_F(GateTest, ExceptionLowersUntilItEnds) {
    EXPECT_EQ(outcome("b@none.test"), OutcomeKind::falls_short);
    EXPECT_EQ(world.lock("none.test").substr(0, 4), "TEMP");
    allow("b@none.test", Level::none, hours{1});
    EXPECT_EQ(outcome("b@none.test"), OutcomeKind::meets);
    EXPECT_EQ(outcome("c@none.test"), OutcomeKind::falls_short) << "that address only";
    EXPECT_EQ(world.lock("none.test"), "NOTFOUND ") << "the whole next hop";
    world.clock.advance(hours{1} - Seconds{1});
    EXPECT_EQ(outcome("b@none.test"), OutcomeKind::meets);
    world.clock.advance(Seconds{1});
    EXPECT_EQ(outcome("b@none.test"), OutcomeKind::falls_short);
    EXPECT_EQ(world.lock("none.test").substr(0, 4), "TEMP");
}

TEST_F(GateTest, ExceptionSurvivesARestart) {
    allow("none.test", Level::none, hours{1});
    world.restart();
    EXPECT_EQ(outcome("b@none.test"), OutcomeKind::meets);
}

TEST_F(GateTest, ExceptionDownToALevelStillBindsIt) {
    allow("none.test", Level::encrypted, hours{1}, "@clinic.example");
    EXPECT_EQ(outcome("b@none.test"), OutcomeKind::meets);
    EXPECT_EQ(outcome("b@none.test", "a@other.example"), OutcomeKind::falls_short);
    EXPECT_EQ(world.lock("none.test"), "OK encrypt protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1");
}

TEST_F(GateTest, ExceptionDoesNotWeakenWhatIsPublished) {
    allow("dane.test", Level::none, hours{1});
    EXPECT_EQ(world.lock("dane.test"), "OK dane-only");
    EXPECT_EQ(outcome("b@nullmx.test"), OutcomeKind::no_mail);
}

// ---- promises: invariant 6

TEST_F(GateTest, OncePromisedBound) {
    const Decision d = world.mail("a@clinic.example", "b@dane.test");
    ASSERT_EQ(promises_of(d).size(), 1U);
    EXPECT_EQ(promises_of(d).front().key, "dane.test");
    EXPECT_EQ(promises_of(d).front().level, Level::authenticated)
        << "what was asked, not what was offered";
    world.keep_promise(d);

    // The destination has become weaker, and nothing is demanded of anybody any more.
    world.dns.remove("_25._tcp.mx.dane.test", "TLSA");
    world.configure(config("", "falls_short = \"tag\"\n"));
    allow("dane.test", Level::none, days{30});
    world.clock.advance(hours{2});
    EXPECT_EQ(world.lock("dane.test").substr(0, 4), "TEMP");
    world.restart();
    EXPECT_EQ(world.lock("dane.test").substr(0, 4), "TEMP") << "a restart forgets nothing";
    world.clock.advance(days{6} - hours{2});
    EXPECT_EQ(world.lock("dane.test").substr(0, 4), "TEMP") << "five days in the queue, and one";
    world.clock.advance(hours{2});
    EXPECT_EQ(world.lock("dane.test"), "NOTFOUND ");
}

TEST_F(GateTest, PromiseIsKeyedByWhatTheMtaWillAskWith) {
    world.dns.add("_587._tcp.mx.dane.test TLSA 3 1 1 key-a");
    const Decision d = world.mail("a@clinic.example", "b@far.test", "smtp", "[MX.dane.test]:587");
    ASSERT_EQ(promises_of(d).size(), 1U);
    EXPECT_EQ(promises_of(d).front().key, "[mx.dane.test]:587");
}

TEST_F(GateTest, WhatIsNotPromised) {
    const auto promised = [&](std::string_view to) {
        return !promises_of(world.mail("a@clinic.example", to)).empty();
    };
    EXPECT_FALSE(promised("b@none.test")) << "falls short";
    EXPECT_FALSE(promised("b@local.test"));
    EXPECT_TRUE(promised("b@dane.test"));
    // A rule that only marks would let the next message pass below the promise, and then hold it.
    world.configure(config(rule("recipient = [\"dane.test\"]\nfalls_short = \"tag\"")));
    EXPECT_EQ(outcome("b@dane.test"), OutcomeKind::meets);
    EXPECT_FALSE(promised("b@dane.test"));
    world.configure(config(rule("recipient = [\"dane.test\"]\nunknown = \"accept\"")));
    EXPECT_FALSE(promised("b@dane.test"));
    world.configure(config(rule("recipient = [\"dane.test\"]\nminimum = \"none\"")));
    EXPECT_FALSE(promised("b@dane.test"));
    world.configure(config("", "", "none"));
    EXPECT_FALSE(promised("b@dane.test"));
    const Decision unbound = world.mail("a@clinic.example", "b@dane.test");
    EXPECT_EQ(ledger_row(unbound, "").detail, "unbound");
}

TEST_F(GateTest, PromiseUnderAnExceptionIsOfItsLevel) {
    allow("none.test", Level::encrypted, hours{1});
    const auto promised = promises_of(world.mail("a@clinic.example", "b@none.test"));
    ASSERT_EQ(promised.size(), 1U);
    EXPECT_EQ(promised.front().level, Level::encrypted);
}

// ---- the lock

TEST_F(GateTest, LockHonoursRulesOfTheNextHopAndInternalHops) {
    world.configure(config(rule("recipient = [\"none.test\"]\nminimum = \"encrypted\"\n") +
                           "[[route]]\nnext_hop = \"[10.1.1.1]\"\nscope = \"internal\"\n"));
    EXPECT_EQ(world.lock("none.test"), "OK encrypt protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1");
    EXPECT_EQ(world.lock("[10.1.1.1]"), "NOTFOUND ");
    EXPECT_EQ(world.lock("[127.0.0.1]:10025"), "NOTFOUND ");
    EXPECT_EQ(world.lock("[192.0.2.7]").substr(0, 4), "TEMP") << "a bare address, under a floor";
}

TEST_F(GateTest, LedgerRowSaysWhatWasDecided) {
    Decision d = world.mail("A@clinic.example", "b@none.test");
    d.reference = "REF";
    const LedgerRow row = ledger_row(d, "4QID");
    EXPECT_EQ(row.kind, "decision");
    EXPECT_EQ(row.reference, "REF");
    EXPECT_EQ(row.queue_id, "4QID");
    EXPECT_EQ(row.sender, "A@clinic.example");
    EXPECT_EQ(row.recipient, "b@none.test");
    EXPECT_EQ(row.next_hop, "none.test");
    EXPECT_EQ(row.rule, "default");
    EXPECT_EQ(row.minimum, "authenticated");
    EXPECT_EQ(row.outcome, "falls-short");
    EXPECT_EQ(row.level, "verified");
    EXPECT_EQ(row.offer, "verified mx.none.test");
    EXPECT_EQ(row.facts, "learnt " + format_time(world.clock.now()));
    EXPECT_EQ(row.reason, "nothing-published");
    EXPECT_EQ(row.action, "reject");
    EXPECT_EQ(row.would, "reject");
    EXPECT_EQ(row.detail, "");

    // Bounded, whatever a destination publishes; and by which policy.
    d.assessment.offers.front().hosts.assign(100, "mx.none.test");
    auto facts = std::make_shared<Facts>(*d.facts);
    facts->sts.standing.state = State::present;
    facts->sts.id = "20260101";
    d.facts = facts;
    const LedgerRow much = ledger_row(d, "4QID");
    EXPECT_TRUE(much.offer.ends_with(" mx.none.test and 92 more")) << much.offer;
    EXPECT_TRUE(much.facts.ends_with("Z, policy 20260101")) << much.facts;
    d.facts = nullptr;
    EXPECT_EQ(ledger_row(d, "").facts, "");
}

TEST(References, AreShortReadableAndUnique) {
    References references(Time{Seconds{1'800'000'000}});
    const std::string first = references.next(), second = references.next();
    EXPECT_EQ(first.size(), 10U);
    EXPECT_NE(first, second);
    EXPECT_EQ(first.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), std::string::npos);
    References later(Time{Seconds{1'800'000'001}});
    for (int i = 2; i < 32768; ++i)
        (void)references.next();
    EXPECT_EQ(references.next(), later.next()) << "where the next second's begin, and not before";
}

} // namespace
} // namespace surehop::test
