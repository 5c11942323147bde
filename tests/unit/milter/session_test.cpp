// SPDX-License-Identifier: Apache-2.0
#include "milter/session.h"

#include "support/gate_rig.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace surehop::test {
namespace {

// What the MTA was asked to do to a message, in order; each kind can be made to fail.
class RecordedActions final : public MessageActions {
  public:
    bool quarantine(const std::string& reason) override {
        return did("quarantine " + reason, !cannot_quarantine);
    }
    bool add_header(const std::string& name, const std::string& value) override {
        return did("add " + name + ": " + value, !cannot_add);
    }
    bool delete_header(const std::string& name, int occurrence) override {
        return did("delete " + name + " " + std::to_string(occurrence), !cannot_delete);
    }

    std::vector<std::string> done;
    bool cannot_quarantine = false;
    bool cannot_add = false;
    bool cannot_delete = false;

  private:
    bool did(std::string what, bool worked) {
        done.push_back(std::move(what));
        return worked;
    }
};

using Macros = std::map<std::string, std::string, std::less<>>;

Macro given(const Macros& macros) {
    return [&macros](std::string_view name) {
        const auto found = macros.find(name);
        return found == macros.end() ? std::string() : found->second;
    };
}

class SessionTest : public ::testing::Test {
  protected:
    SessionTest() {
        const Time now = rig.clock.now();
        rig.knows("dane.test", dane_facts("mx.dane.test", now));
        rig.knows("none.test", bare_facts("mx.none.test", now));
        rig.knows("other.test", bare_facts("mx.other.test", now));
        rig.knows("nullmx.test", null_mx_facts(now));
        rig.knows("nx.test", no_domain_facts(now));
        rig.knows("bogus.test", failed_facts(Reason::dns_bogus, now));
        rig.site.wait = Millis{50};
    }

    Level promised(std::string_view key, Time when) const {
        const auto row = rig.promises->highest(key, when);
        return row ? row->level : Level::none;
    }

    Reply mail(std::string_view from, const Macros& macros = {},
               const std::vector<std::string_view>& parameters = {}) {
        return session.mail(from, parameters, given(macros));
    }

    // As Postfix hands a recipient over that it sends to its own domain.
    Reply rcpt(const std::string& address) {
        const auto at = address.find('@');
        return rcpt("<" + address + ">", {{"{rcpt_mailer}", "smtp"},
                                          {"{rcpt_host}", address.substr(at + 1)},
                                          {"{rcpt_addr}", address}});
    }
    Reply rcpt(std::string_view argument, const Macros& macros) {
        return session.rcpt(argument, given(macros));
    }

    Reply end(const std::string& queue_id = "4QID") {
        const Macros macros{{"i", queue_id}};
        return session.end_of_message(given(macros), actions);
    }

    std::string reference_of(const std::string& text) { return text.substr(text.rfind(' ') + 1); }

    void audit() {
        Requirement asked = GateRig::requirement();
        asked.mode = PolicyMode::audit;
        rig.site_of(asked);
    }

    void falls_short(Action action, std::string rule = "default") {
        Requirement asked = GateRig::requirement();
        asked.falls_short = action;
        asked.rule = std::move(rule);
        rig.site_of(asked);
    }

    GateRig rig;
    Refusals refusals{rig.ledger, rig.references};
    Measures measures;
    SessionParts parts{rig.gate,      rig.ledger,
                       *rig.promises, rig.references,
                       refusals,      measures,
                       rig.clock,     [this] {
            return std::make_shared<const Site>(rig.site); }};
    std::vector<std::string> told;
    Incident recording{"recording", [this](const std::string& s) { told.push_back(s); }};
    Session session{parts, recording, {"192.0.2.1", "192.0.2.1"}};
    RecordedActions actions;
};

TEST_F(SessionTest, RecipientsAreJudgedOneByOne) {
    ASSERT_FALSE(mail("<s@clinic.example>").refuses());
    EXPECT_EQ(rcpt("a@dane.test").code, 250);
    const Reply refused = rcpt("b@none.test");
    EXPECT_EQ(refused.line(),
              "550 5.7.10 Mail to none.test must leave over an authenticated connection (rule "
              "\"default\"), but it publishes neither DANE nor MTA-STS. Ask "
              "postmaster@clinic.example for an exception. Ref " +
                  reference_of(refused.text));
    EXPECT_EQ(rcpt("c@nullmx.test").code, 556);
    EXPECT_EQ(rcpt("d@nx.test").line().substr(0, 9), "550 5.1.2");
    EXPECT_EQ(rcpt("e@bogus.test").line().substr(0, 9), "451 4.4.3");
    EXPECT_EQ(rcpt("f@dane.test").code, 250);
    EXPECT_EQ(end().code, 250);
    EXPECT_TRUE(actions.done.empty());

    const auto accepted = rig.rows("4QID");
    ASSERT_EQ(accepted.size(), 2U);
    EXPECT_EQ(accepted[0].recipient, "f@dane.test");
    EXPECT_EQ(accepted[1].recipient, "a@dane.test");
    EXPECT_EQ(accepted[1].sender, "s@clinic.example");
    EXPECT_EQ(accepted[1].outcome, "meets");
    EXPECT_EQ(accepted[1].action, "accept");
    EXPECT_EQ(accepted[1].level, "dane");
    EXPECT_EQ(accepted[1].kind, "decision");

    const auto by_reference = rig.rows(reference_of(refused.text));
    ASSERT_EQ(by_reference.size(), 1U);
    EXPECT_EQ(by_reference[0].recipient, "b@none.test");
    EXPECT_EQ(by_reference[0].action, "reject");
    EXPECT_EQ(by_reference[0].reason, "nothing-published");
    EXPECT_EQ(by_reference[0].queue_id, "");
    EXPECT_EQ(rig.dns.asked, 0);
}

TEST_F(SessionTest, SeveralMessagesPerConnection) {
    for (const char* id : {"FIRST", "SECOND"}) {
        mail("<s@clinic.example>");
        EXPECT_EQ(rcpt("a@dane.test").code, 250);
        EXPECT_EQ(end(id).code, 250);
        EXPECT_EQ(rig.rows(id).size(), 1U);
    }
}

TEST_F(SessionTest, AnAbortedMessageLeavesNothingBehind) {
    falls_short(Action::quarantine);
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").code, 250);
    session.header("X-Surehop", "x");
    session.abort();
    EXPECT_TRUE(rig.rows("a@none.test").empty());

    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@dane.test").code, 250);
    EXPECT_EQ(end().code, 250);
    EXPECT_TRUE(actions.done.empty());
    EXPECT_EQ(rig.rows("4QID").size(), 1U);
}

TEST_F(SessionTest, ANewMailForgetsTheOldMessage) {
    falls_short(Action::tag);
    mail("<s@clinic.example>");
    rcpt("a@none.test");
    mail("<s@clinic.example>");
    rcpt("a@dane.test");
    EXPECT_EQ(end().code, 250);
    EXPECT_TRUE(actions.done.empty());
}

TEST_F(SessionTest, AMessageKeepsTheSiteInForceAtMail) {
    mail("<s@clinic.example>");
    audit();
    EXPECT_EQ(rcpt("a@none.test").code, 550);
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").code, 250);
}

TEST_F(SessionTest, CommandsOutOfOrderAreTemporaryFailures) {
    EXPECT_EQ(rcpt("a@dane.test").code, 451);
    EXPECT_EQ(end().code, 451);
    session.header("X-Surehop", "x");
    session.abort();
}

TEST_F(SessionTest, ANullSenderIsJudgedAsAnybody) {
    EXPECT_EQ(mail("<>", {{"{mail_addr}", ""}}).code, 250);
    EXPECT_EQ(rcpt("a@none.test").code, 550);
    EXPECT_EQ(rcpt("a@dane.test").code, 250);
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(rig.rows("4QID").at(0).sender, "");
}

TEST_F(SessionTest, ASenderWithoutDomainIsWhoTheMtaSays) {
    Rule rule;
    rule.senders.add(pattern("@clinic.example"));
    rule.requirement = GateRig::requirement();
    rule.requirement.rule = "patients";
    rule.requirement.minimum = Level::dane;
    Requirement last = GateRig::requirement();
    last.minimum = Level::none;
    rig.site_of(last, {rule});
    mail("<nurse>", {{"{mail_addr}", "nurse@clinic.example"}});
    EXPECT_EQ(rcpt("a@none.test").code, 550);
}

TEST_F(SessionTest, ASenderThatCannotBeReadIsRefused) {
    const Reply reply = mail("<\"open@clinic.example>");
    EXPECT_EQ(reply.line().substr(0, 9), "501 5.1.7");
    EXPECT_EQ(rcpt("a@dane.test").code, 451);
    const auto row = rig.rows(reference_of(reply.text));
    ASSERT_EQ(row.size(), 1U);
    EXPECT_EQ(row[0].sender, "<\"open@clinic.example>");
    EXPECT_EQ(row[0].action, "reject");

    audit();
    EXPECT_EQ(mail("<\"open@clinic.example>").code, 250);
    EXPECT_EQ(rcpt("a@dane.test").code, 250);
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(rig.rows("4QID").size(), 2U);
}

TEST_F(SessionTest, AnyEnforceRuleMightBeAboutAnUnreadableAddress) {
    Rule rule;
    rule.senders.add(pattern("@clinic.example"));
    rule.requirement = GateRig::requirement();
    Requirement last = GateRig::requirement();
    last.mode = PolicyMode::audit;
    rig.site_of(last, {rule});
    EXPECT_EQ(mail("<\"open@clinic.example>").code, 501);
    mail("<s@elsewhere.example>");
    EXPECT_EQ(rcpt("<\"open@none.test>", {{"{rcpt_mailer}", "smtp"}}).code, 501);
}

TEST_F(SessionTest, AddressesThatCannotBeRead) {
    mail("<s@clinic.example>");
    const Macros smtp{{"{rcpt_mailer}", "smtp"}, {"{rcpt_host}", "none.test"}};
    const Reply syntax = rcpt("<\"open@none.test>", smtp);
    EXPECT_EQ(syntax.line().substr(0, 9), "501 5.1.3");
    EXPECT_EQ(rcpt("<a@xn--0.test>", smtp).line().substr(0, 9), "553 5.1.3");
    EXPECT_EQ(rcpt("<>", smtp).line().substr(0, 9), "501 5.1.3");
    const auto row = rig.rows(reference_of(syntax.text));
    ASSERT_EQ(row.size(), 1U);
    EXPECT_EQ(row[0].outcome, "no-mail");
    EXPECT_EQ(row[0].action, "reject");
    EXPECT_EQ(row[0].recipient, "<\"open@none.test>");
}

TEST_F(SessionTest, TheAddressThatTheMtaResolvedCounts) {
    mail("<s@clinic.example>");
    // Sendmail after virtusertable: one target elsewhere.
    EXPECT_EQ(rcpt("<team@dane.test>", {{"{rcpt_mailer}", "esmtp"},
                                        {"{rcpt_host}", "none.test"},
                                        {"{rcpt_addr}", "a@none.test"}})
                  .code,
              550);
    // A name without a domain that this machine completes.
    rig.site.final_domains = {*Domain::parse("local.test")};
    rig.site.lock = Lock::none; // which would carry what cannot be seen
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("<postmaster>", {{"{rcpt_mailer}", "local"},
                                    {"{rcpt_host}", "local.test"},
                                    {"{rcpt_addr}", "postmaster@local.test"}})
                  .code,
              250);
    // Sendmail names the local user alone.
    EXPECT_EQ(rcpt("<root@local.test>", {{"{rcpt_mailer}", "local"}, {"{rcpt_addr}", "root"}}).code,
              250);
    EXPECT_EQ(rcpt("<root@elsewhere.test>", {{"{rcpt_mailer}", "local"}, {"{rcpt_addr}", "root"}})
                  .line()
                  .substr(0, 9),
              "550 5.7.1");
}

TEST_F(SessionTest, WithMailerErrorTheMacroIsNoAddress) {
    // The floor of the last resort carries what it demands itself; more than that cannot be told.
    Rule rule;
    rule.senders.add(pattern("@clinic.example"));
    rule.requirement = GateRig::requirement();
    rule.requirement.minimum = Level::dane;
    rig.site_of(GateRig::requirement(), {rule});
    mail("<s@clinic.example>");
    const Reply reply = rcpt("<team@va.test>", {{"{rcpt_mailer}", "error"},
                                                {"{rcpt_host}", "5.1.1 User unknown"},
                                                {"{rcpt_addr}", "someone@dane.test"}});
    EXPECT_EQ(reply.line().substr(0, 9), "550 5.7.1");
    EXPECT_NE(reply.text.find("Mail to va.test "), std::string::npos);
}

TEST_F(SessionTest, TheNextHopIsWhereTheMtaGoes) {
    mail("<s@clinic.example>");
    const Macros relayed{{"{rcpt_mailer}", "smtp"}, {"{rcpt_host}", "[relay.test]:2525"}};
    rig.knows("[relay.test]:2525", bare_facts("relay.test", rig.clock.now()));
    const Reply refused = rcpt("<a@dane.test>", relayed);
    EXPECT_EQ(refused.code, 550);
    EXPECT_NE(refused.text.find("Mail to dane.test goes by way of [relay.test]:2525 and must"),
              std::string::npos);
    rig.knows("[relay.test]:2525", dane_facts("relay.test", rig.clock.now()));
    EXPECT_EQ(rcpt("<a@none.test>", relayed).code, 250);
}

TEST_F(SessionTest, WithoutMacrosTheDomainCounts) {
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("<A@Dane.Test>", {}).code, 250);
    EXPECT_EQ(rcpt("<@relay.test:A@NONE.test>", {}).code, 550);
    EXPECT_EQ(end("").code, 250);
    EXPECT_EQ(rig.rows("A@dane.test").size(), 1U);
}

TEST_F(SessionTest, AnUnknownNextHopWaitsBrieflyAndIsKnownLater) {
    rig.dns.delay = Millis{150};
    mail("<s@clinic.example>");
    const auto start = std::chrono::steady_clock::now();
    const Reply first = rcpt("a@slow.test");
    EXPECT_LT(std::chrono::steady_clock::now() - start, Millis{140});
    EXPECT_EQ(first.line().substr(0, 9), "451 4.4.3");
    EXPECT_NE(first.text.find("its protection is still being looked up"), std::string::npos);
    for (int i = 0; i < 200 && !rig.book.find("slow.test"); ++i)
        std::this_thread::sleep_for(Millis{10});
    EXPECT_EQ(rcpt("a@slow.test").line().substr(0, 9), "550 5.1.2");
}

TEST_F(SessionTest, AFastLookUpIsWaitedFor) {
    rig.site.wait = Millis{4000};
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@fast.test").line().substr(0, 9), "550 5.1.2");
    EXPECT_GT(rig.dns.asked, 0);
}

// Invariant 10; the reply names a reference that can be traced (invariant 11).
TEST_F(SessionTest, AFloodOfRefusalsIsCounted) {
    mail("<s@clinic.example>");
    std::string reply;
    for (int i = 0; i < 100; ++i)
        reply = rcpt("bob" + std::to_string(i) + "@none.test").text;
    const std::string reference = reply.substr(reply.size() - 10);
    const auto rows = rig.rows(reference);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].kind, "refusals");
    EXPECT_EQ(rows[0].recipient, "@none.test");
    EXPECT_EQ(rig.rows("s@clinic.example").size(), 20U);
}

TEST(SessionOverload, RecipientsBeyondTheLimitAreDeferredAtOnce) {
    ResolverLimits nobody;
    nobody.in_flight = 0;
    GateRig rig(nobody);
    Refusals refusals(rig.ledger, rig.references);
    Measures measures;
    const SessionParts parts{rig.gate,      rig.ledger,
                             *rig.promises, rig.references,
                             refusals,      measures,
                             rig.clock,     [&] {
            return std::make_shared<const Site>(rig.site); }};
    Incident recording("recording", [](const std::string&) {});
    Session session(parts, recording, {"192.0.2.1", "192.0.2.1"});
    const Macros none;
    session.mail("<s@clinic.example>", {}, given(none));
    const Reply reply = session.rcpt("<a@any.test>", given(none));
    EXPECT_EQ(reply.line().substr(0, 9), "451 4.7.5");
    EXPECT_NE(reply.text.find("too many look-ups are waiting"), std::string::npos);
}

TEST_F(SessionTest, AnExemptRecipientCostsNoQuery) {
    Requirement asked = GateRig::requirement();
    asked.minimum = Level::none;
    rig.site_of(asked);
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@never-heard-of.test").code, 250);
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(rig.dns.asked, 0);
}

TEST_F(SessionTest, AuditRefusesNothingAndRecordsEverything) {
    audit();
    mail("<s@clinic.example>");
    for (const char* address : {"a@none.test", "b@nullmx.test", "c@nx.test", "d@bogus.test"})
        EXPECT_EQ(rcpt(address).code, 250) << address;
    EXPECT_EQ(rcpt("<\"open@none.test>", {{"{rcpt_mailer}", "smtp"}}).code, 250);
    EXPECT_EQ(end().code, 250);
    EXPECT_TRUE(actions.done.empty());
    const auto rows = rig.rows("4QID");
    ASSERT_EQ(rows.size(), 5U);
    for (const LedgerRow& row : rows) {
        EXPECT_EQ(row.action, "accept");
        EXPECT_EQ(row.mode, "audit");
        EXPECT_NE(row.would, "accept") << row.recipient;
    }
    EXPECT_EQ(rows.back().would, "reject");
    EXPECT_EQ(rows.back().reason, "nothing-published");
    EXPECT_EQ(promised("none.test", rig.clock.now()), Level::none);
}

TEST_F(SessionTest, AcceptingKeepsAPromise) {
    mail("<s@clinic.example>");
    rcpt("a@dane.test");
    EXPECT_EQ(promised("dane.test", rig.clock.now()), Level::none);
    EXPECT_EQ(end().code, 250);
    const Time last = rig.clock.now() + rig.site.queue_lifetime + std::chrono::hours{24};
    EXPECT_EQ(promised("dane.test", last - Seconds{1}), Level::authenticated);
    EXPECT_EQ(promised("dane.test", last + std::chrono::hours{2}), Level::none);
}

// Held mail may be released at any time: what was promised of it has no end till then. Of who falls
// short nothing was promised, lest one held message stop everybody's mail to that destination.
TEST_F(SessionTest, HeldMailIsPromisedUntilItIsReleased) {
    falls_short(Action::quarantine);
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@dane.test").code, 250);
    EXPECT_EQ(rcpt("b@none.test").code, 250);
    EXPECT_EQ(end().code, 250);
    const Time years_later = rig.clock.now() + std::chrono::years{5};
    EXPECT_EQ(promised("dane.test", years_later), Level::authenticated);
    EXPECT_EQ(promised("none.test", rig.clock.now()), Level::none);
}

// What its queue file will not tell whoever asks for it later.
TEST_F(SessionTest, TheLedgerSaysThatAMessageIsHeldAndWhatRestsOnIt) {
    falls_short(Action::quarantine, "patient data");
    const auto noted = [&](const std::string& queue_id) {
        std::string all;
        for (const LedgerRow& row : value(rig.ledger.trace(queue_id)))
            if (row.kind == "quarantine-hold")
                all += row.sender + " " + row.rule + ": " + row.detail + "|";
        return all;
    };
    mail("<s@clinic.example>", {}, {"REQUIRETLS"});
    EXPECT_EQ(rcpt("a@dane.test").code, 250);
    EXPECT_EQ(end("4GOOD").code, 250);
    EXPECT_EQ(noted("4GOOD"), "") << "it is not held";

    mail("<s@clinic.example>");
    for (const char* one : {"a@dane.test", "c@dane.test", "b@none.test", "d@none.test"})
        EXPECT_EQ(rcpt(one).code, 250);
    EXPECT_EQ(end("4HELD").code, 250);
    EXPECT_EQ(noted("4HELD"), "s@clinic.example patient data: promised authenticated dane.test|");

    mail("<s@clinic.example>", {}, {"REQUIRETLS"});
    EXPECT_EQ(rcpt("b@none.test").code, 250);
    EXPECT_EQ(end("4NONE").code, 250);
    EXPECT_EQ(noted("4NONE"), "s@clinic.example patient data: promised nothing; REQUIRETLS|");
}

TEST_F(SessionTest, EachRelayOfAListIsPromised) {
    rig.knows("[a.test]", dane_facts("a.test", rig.clock.now()));
    rig.knows("[b.test]:587", dane_facts("b.test", rig.clock.now()));
    mail("<s@clinic.example>");
    EXPECT_EQ(
        rcpt("<x@far.test>", {{"{rcpt_mailer}", "smtp"}, {"{rcpt_host}", "[a.test], [b.test]:587"}})
            .code,
        250);
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(promised("[a.test]", rig.clock.now()), Level::authenticated);
    EXPECT_EQ(promised("[b.test]:587", rig.clock.now()), Level::authenticated);
    const LedgerRow row = value(rig.ledger.trace("4QID")).front();
    EXPECT_EQ(row.detail, "next hops: [a.test], [b.test]:587") << "the row itself is about one";
    EXPECT_EQ(told_next_hops(row), "[a.test], [b.test]:587");
}

TEST_F(SessionTest, AllRelaysOfAListAreLearntAtOnce) {
    rig.dns.delay = Millis{0};
    mail("<s@clinic.example>");
    const Reply reply =
        rcpt("<x@far.test>", {{"{rcpt_mailer}", "smtp"}, {"{rcpt_host}", "one.test two.test"}});
    // Neither exists: our own mistake, and the mail waits.
    EXPECT_EQ(reply.code, 451) << reply.text;
    EXPECT_EQ(reply.enhanced, "4.3.5") << reply.text;
}

TEST_F(SessionTest, ANextHopThatCannotBeReadIsNotTheSendersFault) {
    mail("<s@clinic.example>");
    const Reply reply =
        rcpt("<x@far.test>", {{"{rcpt_mailer}", "smtp"}, {"{rcpt_host}", "[a.test]:own"}});
    EXPECT_EQ(reply.code, 451);
    EXPECT_EQ(reply.enhanced, "4.3.5");
    EXPECT_NE(reply.text.find("the next hop given by the mail server is not valid"),
              std::string::npos);
}

TEST_F(SessionTest, TheFloorOfARelayIsToldInWords) {
    Rule exempt;
    exempt.recipients.add(pattern("far.test"));
    exempt.requirement = GateRig::requirement();
    exempt.requirement.rule = "exempt";
    exempt.requirement.minimum = Level::none;
    rig.site_of(GateRig::requirement(), {exempt});
    rig.knows("[relay.test]", bare_facts("relay.test", rig.clock.now()));
    mail("<s@clinic.example>");
    const Reply reply =
        rcpt("<x@far.test>", {{"{rcpt_mailer}", "smtp"}, {"{rcpt_host}", "[relay.test]"}});
    EXPECT_EQ(reply.code, 550);
    EXPECT_EQ(
        reply.text.substr(0, reply.text.find(" Ask")),
        "Mail to far.test goes by way of [relay.test] and must leave over an authenticated "
        "connection (as all mail to its next hop, whatever rule \"exempt\" asks), but its next "
        "hop does not offer the level that all mail to it must have at delivery.");
    const LedgerRow row = rig.rows("x@far.test").at(0);
    EXPECT_EQ(row.minimum, "none") << "the rule's own";
    EXPECT_EQ(row.reason, "lock-floor");
    EXPECT_EQ(row.detail, "the lock demands authenticated");
}

// ---- at the end of the message
// -------------------------------------------------------------------

TEST_F(SessionTest, TagAddsOneHeader) {
    falls_short(Action::tag);
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").code, 250);
    EXPECT_EQ(rcpt("b@other.test").code, 250);
    EXPECT_EQ(rcpt("c@dane.test").code, 250);
    EXPECT_EQ(end().code, 250);
    const auto rows = rig.rows("4QID");
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(actions.done,
              (std::vector<std::string>{"add X-Surehop: falls-short; rule=\"default\"; ref=" +
                                        rows[2].reference}));
    EXPECT_EQ(rows[2].action, "tag");
    EXPECT_EQ(rows[0].action, "accept");
}

TEST_F(SessionTest, ForgedTagsAreRemovedFromAnyMessage) {
    mail("<s@clinic.example>");
    rcpt("c@dane.test");
    for (const char* name : {"Subject", "X-SUREHOP", "X-Surehop ", "X-Surehop-Not", "x-surehop"})
        session.header(name, "x");
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(actions.done, (std::vector<std::string>{"delete X-Surehop 3", "delete X-Surehop 2",
                                                      "delete X-Surehop 1"}));
}

TEST_F(SessionTest, TheTagComesAfterTheForgedOnesAreGone) {
    falls_short(Action::tag, "a \"strange\" rül\\e");
    rig.site.tag_header = "X-Guard";
    mail("<s@clinic.example>");
    rcpt("a@none.test");
    session.header("x-guard", "x");
    session.header("X-Surehop", "x");
    EXPECT_EQ(end().code, 250);
    ASSERT_EQ(actions.done.size(), 2U);
    EXPECT_EQ(actions.done[0], "delete X-Guard 1");
    EXPECT_EQ(actions.done[1].substr(0, actions.done[1].rfind("ref=")),
              "add X-Guard: falls-short; rule=\"a \\\"strange\\\" r??l\\\\e\"; ");
}

TEST_F(SessionTest, ASenderCannotWaiveTheMinimum) {
    mail("<s@clinic.example>");
    rcpt("c@dane.test");
    session.header("TLS-Required", "No");
    const Reply refused = end();
    EXPECT_EQ(refused.line().substr(0, 54),
              "550 5.7.10 This message says \"TLS-Required: No\", which");
    const auto rows = rig.rows("4QID");
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].action, "reject");
    EXPECT_EQ(rows[0].detail, "TLS-Required: No");
    EXPECT_EQ(promised("dane.test", rig.clock.now()), Level::none);
    EXPECT_TRUE(refused.text.ends_with(rows[0].reference));

    mail("<s@clinic.example>"); // the next message is not its
    rcpt("c@dane.test");
    EXPECT_EQ(end().code, 250);
}

TEST_F(SessionTest, WhereNothingIsEnforcedOrTheMtaDoesNotCareAWaiverPasses) {
    const auto waive = [&] {
        mail("<s@clinic.example>");
        rcpt("c@dane.test");
        session.header("TLS-Required", "No");
        return end().code;
    };
    rig.site.refuses_waiver = false;
    EXPECT_EQ(waive(), 250);
    rig.site.refuses_waiver = true;
    audit();
    EXPECT_EQ(waive(), 250);
}

TEST_F(SessionTest, QuarantineHoldsTheMessageOnceAndTellsThePostmasterAlone) {
    falls_short(Action::quarantine, "patient data");
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").code, 250);
    EXPECT_EQ(rcpt("b@other.test").code, 250);
    EXPECT_EQ(end().code, 250);
    const std::string reference = rig.rows("4QID").back().reference;
    EXPECT_EQ(actions.done,
              (std::vector<std::string>{
                  "add X-Surehop: falls-short; held; rule=\"patient data\"; ref=" + reference,
                  "quarantine surehop: falls-short for a@none.test, b@other.test, rule \"patient "
                  "data\", ref " +
                      reference}));
}

TEST_F(SessionTest, WhatTheMtaCannotDoIsATemporaryFailure) {
    falls_short(Action::quarantine);
    const auto failing = [&](bool RecordedActions::* what) {
        actions = {};
        actions.*what = true;
        mail("<s@clinic.example>");
        rcpt("a@none.test");
        session.header("X-Surehop", "x");
        const Reply reply = end("LOST");
        EXPECT_EQ(reply.line().substr(0, 9), "451 4.3.0");
        EXPECT_TRUE(rig.rows("LOST").empty()); // nothing was accepted
    };
    failing(&RecordedActions::cannot_quarantine);
    failing(&RecordedActions::cannot_add);
    failing(&RecordedActions::cannot_delete);
}

TEST_F(SessionTest, InAuditAForgedHeaderThatStaysHoldsNothingUp) {
    audit();
    actions.cannot_delete = true;
    mail("<s@clinic.example>");
    rcpt("a@none.test");
    session.header("X-Surehop", "x");
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(rig.rows("4QID").size(), 1U);
}

TEST_F(SessionTest, AFloodOfForgedHeadersIsRefusedWhole) {
    mail("<s@clinic.example>");
    rcpt("a@dane.test");
    for (int i = 0; i < 101; ++i)
        session.header("X-Surehop", "x");
    const Reply reply = end();
    EXPECT_EQ(reply.line().substr(0, 9), "550 5.6.0");
    EXPECT_TRUE(actions.done.empty());
    const auto row = rig.rows(reference_of(reply.text));
    ASSERT_EQ(row.size(), 1U);
    EXPECT_EQ(row[0].action, "reject");
    EXPECT_EQ(row[0].detail, "101 forged X-Surehop fields");
}

TEST_F(SessionTest, WithoutALedgerNothingIsAccepted) {
    rig.break_ledger();
    for (int i = 0; i < 3; ++i) {
        mail("<s@clinic.example>");
        rcpt("a@dane.test");
        EXPECT_EQ(end().line(), "451 4.3.0 This cannot be accepted now: its record cannot be "
                                "written. Try again later.");
    }
    ASSERT_EQ(told.size(), 1U); // one incident, not one per message
    EXPECT_TRUE(told[0].starts_with("recording fails: "));
    EXPECT_TRUE(told[0].ends_with("mail is deferred"));
    rig.mend_ledger();
    mail("<s@clinic.example>");
    rcpt("a@dane.test");
    EXPECT_EQ(end().code, 250);
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[1], "recording works again");
}

TEST_F(SessionTest, InAuditMailPassesWithoutALedger) {
    audit();
    rig.break_ledger();
    for (int i = 0; i < 2; ++i) {
        mail("<s@clinic.example>");
        rcpt("a@none.test");
        EXPECT_EQ(end().code, 250);
    }
    EXPECT_EQ(told.size(), 1U);
}

TEST_F(SessionTest, OneEnforcedRecipientMakesTheRecordNecessary) {
    Rule rule;
    rule.recipients.add(pattern("@dane.test"));
    rule.requirement = GateRig::requirement();
    Requirement last = GateRig::requirement();
    last.mode = PolicyMode::audit;
    rig.site_of(last, {rule});
    rig.break_ledger();
    mail("<s@clinic.example>");
    rcpt("a@none.test");
    EXPECT_EQ(end().code, 250);
    mail("<s@clinic.example>");
    rcpt("a@none.test");
    rcpt("a@dane.test");
    EXPECT_EQ(end().code, 451);
}

// ---- not over SMTP
// -------------------------------------------------------------------------------

TEST_F(SessionTest, SubmissionThatIsNotSmtpIsDecidedAtTheEnd) {
    mail("s@clinic.example");
    EXPECT_EQ(rcpt("a@dane.test", {{"{rcpt_addr}", "a@dane.test"}}).code, 250);
    EXPECT_EQ(rcpt("b@none.test", {{"{rcpt_addr}", "b@none.test"}}).code, 250);
    const Reply reply = end("CQID");
    const auto rows = rig.rows("CQID");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(reply.line(),
              "550 5.7.10 Nothing was sent. Mail to none.test must leave over an authenticated "
              "connection (rule \"default\"), but it publishes neither DANE nor MTA-STS. Ask "
              "postmaster@clinic.example for an exception. Ref " +
                  reference_of(reply.text));
    for (const LedgerRow& row : rows)
        EXPECT_EQ(row.action, "reject");
    EXPECT_EQ(rig.rows("a@dane.test").at(0).detail, "refused with the message");
}

TEST_F(SessionTest, NotOverSmtpATemporaryRefusalWins) {
    mail("s@clinic.example");
    rcpt("b@none.test", {});
    rcpt("c@bogus.test", {});
    rcpt("d@dane.test", {});
    const Reply reply = end("CQID");
    EXPECT_EQ(reply.line().substr(0, 9), "451 4.4.3");
    EXPECT_NE(reply.text.find("none.test, bogus.test"), std::string::npos);
    EXPECT_EQ(rig.rows("CQID").size(), 3U);
}

TEST_F(SessionTest, NotOverSmtpAnUnreadableAddressRefusesTheMessage) {
    mail("s@clinic.example");
    EXPECT_EQ(rcpt("\"open@none.test", {}).code, 250);
    EXPECT_EQ(rcpt("a@dane.test", {}).code, 250);
    EXPECT_EQ(end("CQID").line().substr(0, 9), "501 5.1.3");
    EXPECT_EQ(rig.rows("CQID").at(0).action, "reject");
}

TEST_F(SessionTest, NotOverSmtpAllGoodGoesOn) {
    mail("s@clinic.example");
    rcpt("a@dane.test", {});
    EXPECT_EQ(end("CQID").code, 250);
    EXPECT_EQ(rig.rows("CQID").size(), 1U);
}

TEST_F(SessionTest, AddressesWithoutBracketsOverSmtpAreRefusedAlone) {
    mail("s@clinic.example");
    EXPECT_EQ(rcpt("b@none.test", {{"{rcpt_mailer}", "smtp"}, {"{rcpt_host}", "none.test"}}).code,
              550);
}

TEST_F(SessionTest, ManyRecipientsAndDuplicates) {
    mail("<s@clinic.example>");
    for (int i = 0; i < 500; ++i)
        EXPECT_EQ(rcpt("u" + std::to_string(i % 100) + "@dane.test").code, 250);
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(rig.rows("u7@dane.test").size(), 5U);
}

// ---- rules that ask about the message ----

class LabelTest : public SessionTest {
  protected:
    // What is labelled secret needs DANE; the rest, nothing.
    LabelTest() { rules(label()); }

    static Rule label(Action falls_short = Action::reject) {
        Rule rule;
        rule.fields = {*FieldCondition::parse("X-Label", "(?i)secret")};
        rule.requirement = GateRig::requirement();
        rule.requirement.rule = "label";
        rule.requirement.minimum = Level::dane;
        rule.requirement.falls_short = falls_short;
        return rule;
    }
    void rules(Rule first, Level last_minimum = Level::none) {
        Requirement last = GateRig::requirement();
        last.minimum = last_minimum;
        rig.site_of(last, {std::move(first)});
    }
    Reply header_ends(const std::string& queue_id = "4QID") {
        const Macros macros{{"i", queue_id}};
        return session.end_of_header(given(macros));
    }
};

TEST_F(LabelTest, TheLabelDecidesWhenTheHeaderIsOver) {
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").code, 250);
    EXPECT_EQ(rcpt("b@dane.test").code, 250);
    EXPECT_EQ(rcpt("c@other.test").code, 250);
    session.header("X-Label", "Top Secret");
    const Reply reply = header_ends();
    EXPECT_EQ(reply.line().substr(0, 10), "550 5.7.10");
    EXPECT_NE(reply.text.find("none.test"), std::string::npos);
    EXPECT_NE(reply.text.find("other.test"), std::string::npos);
    EXPECT_EQ(reply.text.find("dane.test"), std::string::npos);
    // Each recipient has its row: those that fall short, and the one that could have gone alone.
    const auto rows = rig.rows("4QID");
    ASSERT_EQ(rows.size(), 3U);
    for (const LedgerRow& row : rows) {
        EXPECT_EQ(row.rule, "label");
        EXPECT_EQ(row.action, "reject");
    }
    EXPECT_EQ(promised("dane.test", rig.clock.now()), Level::none);
    EXPECT_EQ(end().code, 451); // the message is over
}

TEST_F(LabelTest, WithoutTheLabelTheLastResortDecides) {
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").code, 250);
    session.header("X-Label", "public");
    EXPECT_EQ(header_ends().code, 250);
    EXPECT_EQ(end().code, 250);
    const auto rows = rig.rows("4QID");
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].rule, "default");
    EXPECT_EQ(rows[0].outcome, "meets");
    EXPECT_EQ(rows[0].action, "accept");
}

TEST_F(LabelTest, WhatIsPromisedIsWhatTheLabelAsks) {
    mail("<s@clinic.example>");
    rcpt("a@dane.test");
    session.header("X-Label", "secret");
    EXPECT_EQ(header_ends().code, 250);
    EXPECT_EQ(promised("dane.test", rig.clock.now()), Level::none);
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(promised("dane.test", rig.clock.now()), Level::dane);
}

TEST_F(LabelTest, RcptRefusesWhatEveryRuleRefuses) {
    rules(label(), Level::authenticated);
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").line().substr(0, 10), "550 5.7.10");
    EXPECT_EQ(rcpt("b@bogus.test").code, 451);
    EXPECT_EQ(rcpt("c@dane.test").code, 250);
    // One of them holds the message: then it is the end that says.
    Rule holds = label(Action::quarantine);
    holds.requirement.unknown = Action::quarantine;
    rules(holds, Level::authenticated);
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").code, 250);
    EXPECT_EQ(header_ends().code, 550); // no label
}

TEST_F(LabelTest, TheEndDecidesWhereNobodyTellsOfTheHeadersEnd) {
    mail("<s@clinic.example>");
    rcpt("a@none.test");
    session.header("X-Label", "secret");
    EXPECT_EQ(end().code, 550);
}

TEST_F(LabelTest, HeldAndMarkedByTheLabel) {
    rules(label(Action::quarantine));
    mail("<s@clinic.example>");
    rcpt("a@none.test");
    session.header("X-Label", "secret");
    EXPECT_EQ(header_ends().code, 250);
    EXPECT_EQ(end().code, 250);
    ASSERT_EQ(actions.done.size(), 2U);
    EXPECT_TRUE(actions.done[1].starts_with("quarantine surehop: falls-short")) << actions.done[1];
}

// What was left out cannot be told, and counts as it is stricter.
TEST_F(LabelTest, AFieldThatCannotBeReadCounts) {
    const auto labelled = [&](const std::string& value) {
        mail("<s@clinic.example>");
        rcpt("a@none.test");
        session.header("X-Label", value);
        return header_ends().code;
    };
    EXPECT_EQ(labelled("=?utf-8?Q?=53ecret?="), 550);
    EXPECT_EQ(labelled("=?utf-8?Q?=50ublic?="), 250);
    EXPECT_EQ(labelled("=?x-unknown?Q?=50ublic?="), 550);
    EXPECT_EQ(labelled(std::string(65'536, 'x')), 250);
    EXPECT_EQ(labelled(std::string(65'537, 'x')), 550);

    mail("<s@clinic.example>");
    rcpt("a@none.test");
    for (int i = 0; i < 3; ++i)
        session.header("X-Label", std::string(30'000, 'x'));
    EXPECT_EQ(header_ends().code, 550);

    mail("<s@clinic.example>");
    rcpt("a@none.test");
    session.header("X-Other", std::string(100'000, 'x')); // nobody asks about it
    session.header("x-label ", "public");
    EXPECT_EQ(header_ends().code, 250);
}

TEST_F(LabelTest, TheSizeIsKnownAtTheEnd) {
    Rule big;
    big.larger_than = 1000;
    big.requirement = GateRig::requirement();
    big.requirement.rule = "big";
    rules(big);
    const auto of = [&](std::size_t octets, bool body = true) {
        mail("<s@clinic.example>");
        EXPECT_EQ(rcpt("a@none.test").code, 250);
        session.header("A", "b"); // 6 octets
        EXPECT_EQ(header_ends().code, 250);
        if (body) {
            session.body(octets / 2);
            session.body(octets - octets / 2);
        }
        return end().code;
    };
    EXPECT_EQ(of(994), 250);
    EXPECT_EQ(of(995), 550);
    EXPECT_EQ(of(0, false), 550); // a connection from before the rule
}

TEST_F(LabelTest, WhatTheMailServerDoesNotTellCounts) {
    Rule rule = label();
    rule.fields.clear();
    rule.users = {"alice"};
    rules(rule);
    const auto by = [&](const Macros& macros) {
        mail("<s@clinic.example>", macros);
        const int at_rcpt = rcpt("a@none.test").code;
        return at_rcpt == 250 ? header_ends().code : at_rcpt;
    };
    EXPECT_EQ(by({{"{daemon_name}", "submission"}, {"{auth_authen}", "alice"}}), 550);
    EXPECT_EQ(by({{"{daemon_name}", "submission"}, {"{auth_authen}", "bob"}}), 250);
    EXPECT_EQ(by({{"{daemon_name}", "submission"}}), 250);
    EXPECT_EQ(by({}), 550); // tells neither

    rule.users.clear();
    rule.clients = {*IpRange::parse("192.0.2.0/24")};
    rules(rule);
    EXPECT_EQ(by({}), 550);
    rule.clients = {*IpRange::parse("10.0.0.0/8")};
    rules(rule);
    EXPECT_EQ(by({}), 250);
}

TEST_F(LabelTest, TheFactsAreLookedUpMeanwhile) {
    rig.site.wait = Millis{50};
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@never-seen.test").code, 250); // exempt unless labelled
    session.header("X-Label", "secret");
    EXPECT_EQ(header_ends().line().substr(0, 9), "550 5.1.2"); // known by now
}

TEST_F(LabelTest, SubmissionIsDecidedAsAWholeToo) {
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test", {}).code, 250);
    session.header("X-Label", "secret");
    EXPECT_EQ(header_ends().code, 550);
}

TEST_F(LabelTest, AuditModeRecordsWhatTheLabelWouldDo) {
    Rule rule = label();
    rule.requirement.mode = PolicyMode::audit;
    rules(rule);
    mail("<s@clinic.example>");
    rcpt("a@none.test");
    session.header("X-Label", "secret");
    EXPECT_EQ(header_ends().code, 250);
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(rig.rows("4QID").at(0).would, "reject");
    EXPECT_EQ(rig.rows("4QID").at(0).rule, "label");
}

// ---- REQUIRETLS (RFC 8689) ----

TEST_F(SessionTest, RequireTlsRaisesTheMinimum) {
    Requirement asked = GateRig::requirement();
    asked.minimum = Level::none;
    rig.site_of(asked);
    EXPECT_EQ(mail("<s@clinic.example>", {}, {"SIZE=1000", "requiretls"}).code, 250);
    const Reply reply = rcpt("a@none.test");
    EXPECT_EQ(reply.line().substr(0, 10), "550 5.7.10");
    EXPECT_NE(reply.text.find("asked for by the sender, REQUIRETLS"), std::string::npos)
        << reply.text;
    EXPECT_EQ(rcpt("a@dane.test").code, 250);
    EXPECT_EQ(end().code, 250);
    EXPECT_EQ(promised("dane.test", rig.clock.now()), Level::authenticated);
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").code, 250);
}

TEST_F(SessionTest, NoExceptionLowersWhatTheSenderAsksFor) {
    Exception exception;
    exception.recipient = pattern("none.test");
    exception.reason = exception.owner = exception.created_by = "test";
    exception.from = rig.clock.now();
    exception.until = exception.from + Seconds{60};
    ASSERT_TRUE(rig.allowlist->add(exception));
    mail("<s@clinic.example>");
    EXPECT_EQ(rcpt("a@none.test").code, 250);
    mail("<s@clinic.example>", {}, {"REQUIRETLS"});
    EXPECT_EQ(rcpt("a@none.test").code, 550);
}

} // namespace
} // namespace surehop::test
