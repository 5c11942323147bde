// SPDX-License-Identifier: Apache-2.0
#include "milter/reply.h"

#include "base/text.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace surehop {
namespace {

Path path(std::string_view text) { return *Path::parse(text); }

Decision decision(OutcomeKind outcome, Reason reason, Action action) {
    Decision d;
    d.recipient = path("bob@example.org");
    d.next_hop = NextHop::of_domain(*Domain::parse("example.org"));
    d.requirement.rule = "default";
    d.requirement.minimum = Level::authenticated;
    d.requirement.help = "postmaster@clinic.example";
    d.verdict = {outcome, Level::none, reason, action, action};
    d.reference = "7KQ2MX3P00";
    return d;
}

using enum OutcomeKind;
using enum Action;

struct Golden {
    OutcomeKind outcome;
    Reason reason;
    Action action;
    const char* line;
};

// What senders read. A line here changes only on purpose.
constexpr std::array golden = {
    Golden{falls_short, Reason::nothing_published, reject,
           "550 5.7.10 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but it publishes neither DANE nor MTA-STS. Ask postmaster@clinic.example "
           "for an exception. Ref 7KQ2MX3P00"},
    Golden{falls_short, Reason::sts_mode_testing, reject,
           "550 5.7.10 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but its MTA-STS policy is in testing mode. Ask postmaster@clinic.example "
           "for an exception. Ref 7KQ2MX3P00"},
    Golden{falls_short, Reason::nothing_published, defer,
           "451 4.7.5 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but it publishes neither DANE nor MTA-STS. Try again later, or ask "
           "postmaster@clinic.example for an exception. Ref 7KQ2MX3P00"},
    Golden{falls_short, Reason::next_hop_hidden, reject,
           "550 5.7.1 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but where its mail really goes cannot be seen here. Ask "
           "postmaster@clinic.example for an exception. Ref 7KQ2MX3P00"},
    Golden{falls_short, Reason::next_hop_hidden, defer,
           "451 4.7.1 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but where its mail really goes cannot be seen here. Try again later, or "
           "ask postmaster@clinic.example for an exception. Ref 7KQ2MX3P00"},
    Golden{unknown, Reason::dns_bogus, defer,
           "451 4.4.3 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but whether it can is not known now: its DNSSEC signatures are not "
           "valid. Try again later. Ref 7KQ2MX3P00"},
    Golden{unknown, Reason::look_up_running, defer,
           "451 4.4.3 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but whether it can is not known now: its protection is still being "
           "looked up. Try again later. Ref 7KQ2MX3P00"},
    Golden{unknown, Reason::sts_fetch_tls, defer,
           "451 4.7.5 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but whether it can is not known now: the certificate of its MTA-STS "
           "policy host is not valid. Try again later. Ref 7KQ2MX3P00"},
    Golden{unknown, Reason::look_up_refused, defer,
           "451 4.7.5 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but whether it can is not known now: too many look-ups are waiting. Try "
           "again later. Ref 7KQ2MX3P00"},
    Golden{unknown, Reason::internal, defer,
           "451 4.3.0 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but whether it can is not known now: surehop had an internal error. Try "
           "again later. Ref 7KQ2MX3P00"},
    Golden{unknown, Reason::dns_timeout, reject,
           "550 5.7.10 Mail to example.org must leave over an authenticated connection (rule "
           "\"default\"), but whether it can is not known now: a DNS look-up got no answer in "
           "time. Ask postmaster@clinic.example for an exception. Ref 7KQ2MX3P00"},
    Golden{no_mail, Reason::null_mx, reject,
           "556 5.1.10 Mail to example.org cannot be delivered: this domain accepts no mail. Check "
           "the address. Ref 7KQ2MX3P00"},
    Golden{no_mail, Reason::no_such_domain, reject,
           "550 5.1.2 Mail to example.org cannot be delivered: this domain does not exist. Check "
           "the address. Ref 7KQ2MX3P00"},
    Golden{no_mail, Reason::null_mx, defer,
           "451 4.1.10 Mail to example.org cannot be delivered: this domain accepts no mail. Check "
           "the address. Ref 7KQ2MX3P00"},
    Golden{no_mail, Reason::no_such_domain, defer,
           "451 4.1.2 Mail to example.org cannot be delivered: this domain does not exist. Check "
           "the address. Ref 7KQ2MX3P00"},
};

TEST(Reply, WhatSendersRead) {
    for (const Golden& g : golden)
        EXPECT_EQ(rcpt_reply(decision(g.outcome, g.reason, g.action)).line(), g.line);
}

ExceptionPtr exception(std::int64_t id, Level lowest) {
    Exception made;
    made.id = id;
    made.lowest = lowest;
    return std::make_shared<const Exception>(std::move(made));
}

// Classes agree, ASCII, one line, short enough: Postfix fails the whole session on a mismatch.
void expect_well_formed(const Reply& reply, Action action, const std::string& about) {
    const std::string line = reply.line();
    ASSERT_GE(line.size(), 10U) << about;
    EXPECT_LE(line.size(), 400U) << about << ": " << line;
    EXPECT_TRUE(is_ascii(line)) << about;
    EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos) << about;
    const char digit = action == reject ? '5' : '4';
    EXPECT_EQ(line[0], digit) << about;
    EXPECT_EQ(line[4], digit) << about;
    EXPECT_EQ(reply.permanent(), action == reject) << about;
}

TEST(Reply, EveryOutcomeReasonAndActionIsWellFormed) {
    const std::string label(63, 'x');
    const std::string longest = label + "." + label + "." + label + "." + std::string(50, 'y');
    int seen = 0;
    for (const OutcomeKind outcome : {falls_short, unknown, no_mail})
        for (const ReasonRow& reason : all_reasons())
            for (const Action action : {reject, defer})
                for (const bool large : {false, true}) {
                    Decision d = decision(outcome, reason.reason, action);
                    if (large) {
                        d.recipient = path("bob@" + longest);
                        d.next_hop = *NextHop::parse("[relay." + longest.substr(40) + "]:65535");
                        d.requirement.minimum = Level::dane;
                        d.requirement.rule = std::string(100, 'r');
                        d.requirement.help = std::string(200, 'h');
                        d.exception = exception(9'223'372'036'854'775'807, Level::verified);
                    }
                    const std::string about(reason.token);
                    const Reply reply = rcpt_reply(d);
                    expect_well_formed(reply, action, about);
                    EXPECT_NE(reply.code, 421) << about;
                    EXPECT_EQ(reply.code == 556, outcome == no_mail && action == reject &&
                                                     reason.reason == Reason::null_mx)
                        << about;
                    EXPECT_TRUE(reply.text.ends_with("Ref 7KQ2MX3P00")) << about;
                    EXPECT_NE(reply.text.find(reason.sentence), std::string::npos) << about;
                    EXPECT_NE(reply.text.find(large ? "yyyyyyyy" : "example.org"),
                              std::string::npos);
                    const std::vector<Decision> several(6, d);
                    expect_well_formed(message_reply(several), action, about);
                    expect_well_formed(message_reply(std::span(several).first(1)), action, about);
                    ++seen;
                }
    EXPECT_EQ(seen, 3 * 2 * 2 * static_cast<int>(all_reasons().size()));
}

TEST(Reply, WhatGoesOnIsNotRefused) {
    for (const Action action : {accept, tag, quarantine}) {
        const Reply reply = rcpt_reply(decision(falls_short, Reason::nothing_published, action));
        EXPECT_EQ(reply.code, 250);
        EXPECT_FALSE(reply.refuses());
        EXPECT_EQ(reply.line(), "");
    }
}

TEST(Reply, LevelsInPlainWords) {
    const std::array<std::pair<Level, const char*>, 4> words = {{
        {Level::encrypted, "an encrypted connection"},
        {Level::verified, "a connection with a verified certificate"},
        {Level::authenticated, "an authenticated connection"},
        {Level::dane, "a connection authenticated by DANE"},
    }};
    for (const auto& [level, text] : words) {
        Decision d = decision(falls_short, Reason::nothing_published, reject);
        d.requirement.minimum = level;
        EXPECT_NE(rcpt_reply(d).text.find(std::string("must leave over ") + text + " (rule"),
                  std::string::npos);
    }
}

TEST(Reply, ALiveExceptionIsWhatWasRequired) {
    Decision d = decision(falls_short, Reason::host_no_address, reject);
    d.exception = exception(7, Level::encrypted);
    EXPECT_EQ(rcpt_reply(d).text,
              "Mail to example.org must leave over an encrypted connection (rule \"default\", "
              "exception 7), but its mail host has no address. Ask postmaster@clinic.example for "
              "an exception. Ref 7KQ2MX3P00");
    d.exception = exception(7, Level::dane); // never raises what a rule asks
    EXPECT_NE(rcpt_reply(d).text.find("an authenticated connection (rule \"default\"), but"),
              std::string::npos);
}

TEST(Reply, TheWayIsNamedWhereItIsNotTheDomainItself) {
    Decision d = decision(falls_short, Reason::nothing_published, reject);
    d.next_hop = *NextHop::parse("[relay.example]:2525");
    EXPECT_TRUE(rcpt_reply(d).text.starts_with(
        "Mail to example.org goes by way of [relay.example]:2525 and must leave over "));
    d.recipient = path("bob@[192.0.2.1]");
    d.next_hop = *NextHop::parse("[192.0.2.1]");
    EXPECT_TRUE(rcpt_reply(d).text.starts_with("Mail to [192.0.2.1] must leave over "));
    d.next_hop = *NextHop::parse("[192.0.2.9]"); // sent elsewhere than the address says
    EXPECT_TRUE(rcpt_reply(d).text.starts_with(
        "Mail to [192.0.2.1] goes by way of [192.0.2.9] and must leave over "));
    d.recipient = path("<postmaster>");
    EXPECT_TRUE(rcpt_reply(d).text.starts_with("Mail to postmaster "));
}

TEST(Reply, WithoutHelpThePostmasterIsAsked) {
    Decision d = decision(falls_short, Reason::nothing_published, reject);
    d.requirement.help.clear();
    EXPECT_NE(rcpt_reply(d).text.find(" Ask your postmaster for an exception. "),
              std::string::npos);
}

TEST(Reply, LongDomainsKeepBothEnds) {
    Decision d = decision(falls_short, Reason::nothing_published, reject);
    d.recipient = path("bob@" + std::string(60, 'a') + "." + std::string(60, 'b') + ".example.org");
    d.next_hop = NextHop::of_domain(*d.recipient.domain());
    EXPECT_TRUE(rcpt_reply(d).text.starts_with(
        "Mail to aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...bbbbbbbbbbbbbbbbbb.example.org must"))
        << rcpt_reply(d).text;
}

TEST(Reply, ForeignOctetsAreNotPassedOn) {
    Decision d = decision(falls_short, Reason::nothing_published, reject);
    d.requirement.rule = "r\xc3\xbcl\r\ne";
    d.requirement.help = "h\ntml";
    const std::string text = rcpt_reply(d).text;
    EXPECT_TRUE(is_ascii(text));
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_NE(text.find("(rule \"r??l??e\")"), std::string::npos);
}

TEST(Reply, PathsThatCannotBeRead) {
    EXPECT_EQ(path_reply({Path::Fault::syntax, "a quote is not closed"}, PathOf::recipient, "7KQ2")
                  .line(),
              "501 5.1.3 The recipient's address cannot be read: a quote is not closed. Ref 7KQ2");
    EXPECT_EQ(path_reply({Path::Fault::invalid_idn, "bad"}, PathOf::recipient, "7KQ2").line(),
              "553 5.1.3 The recipient's address cannot be read: bad. Ref 7KQ2");
    EXPECT_EQ(path_reply({Path::Fault::syntax, "bad"}, PathOf::sender, "").line(),
              "501 5.1.7 The sender's address cannot be read: bad.");
    expect_well_formed(
        path_reply({Path::Fault::syntax, std::string(600, '\xc3')}, PathOf::recipient, "7KQ2"),
        reject, "long");
}

TEST(Reply, LocalTroubleIsTemporary) {
    EXPECT_EQ(trouble_reply("it cannot be held").line(),
              "451 4.3.0 This cannot be accepted now: it cannot be held. Try again later.");
}

TEST(Reply, AWholeMessage) {
    const auto to = [](const char* recipient, OutcomeKind outcome, Reason reason, Action action) {
        Decision d = decision(outcome, reason, action);
        d.recipient = path(recipient);
        d.next_hop = NextHop::of_domain(*d.recipient.domain());
        return d;
    };
    std::vector<Decision> refused = {
        to("a@a.test", falls_short, Reason::nothing_published, reject)};
    EXPECT_EQ(message_reply(refused).line(),
              "550 5.7.10 Nothing was sent. Mail to a.test must leave over an authenticated "
              "connection (rule \"default\"), but it publishes neither DANE nor MTA-STS. Ask "
              "postmaster@clinic.example for an exception. Ref 7KQ2MX3P00");
    refused.push_back(to("b@b.test", no_mail, Reason::null_mx, reject));
    refused.push_back(to("c@a.test", falls_short, Reason::nothing_published, reject));
    EXPECT_EQ(message_reply(refused).line(),
              "550 5.7.10 Nothing was sent, since mail to a.test, b.test is refused; a.test: it "
              "publishes neither DANE nor MTA-STS. Ask postmaster@clinic.example for an exception. "
              "Ref 7KQ2MX3P00");
    // One that may work later keeps the whole message from being refused for good.
    refused.push_back(to("d@d.test", unknown, Reason::dns_timeout, defer));
    refused.push_back(to("e@e.test", unknown, Reason::dns_timeout, defer));
    refused.push_back(to("f@f.test", unknown, Reason::dns_timeout, defer));
    EXPECT_EQ(message_reply(refused).line(),
              "451 4.4.3 Nothing was sent, since mail to a.test, b.test, d.test, e.test and 1 more "
              "is not accepted now; d.test: a DNS look-up got no answer in time. Try again later. "
              "Ref 7KQ2MX3P00");
}

TEST(Reply, ForgedFields) {
    const Reply reply = forged_reply("X-Surehop", 101, "7KQ2");
    EXPECT_EQ(reply.line(), "550 5.6.0 This message holds 101 fields named X-Surehop, which only "
                            "this site may add. Remove them. Ref 7KQ2");
}

} // namespace
} // namespace surehop
