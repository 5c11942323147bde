// SPDX-License-Identifier: Apache-2.0
#include "gate/route.h"

#include "support/world.h"

#include <gtest/gtest.h>

namespace surehop::test {
namespace {

Site site() {
    Site out;
    out.final_domains = {domain_of("local.test"), domain_of("lists.local.test")};
    const auto next_hop = [](std::string_view text) { return *NextHop::parse(text); };
    Route scanner, relay, intranet;
    scanner.next_hop = next_hop("[10.1.1.1]:10025");
    scanner.internal = true;
    relay.domains = {pattern_of("partner.test"), pattern_of("*.partner.test")};
    relay.next_hop = next_hop("[relay.test]:2525");
    intranet.domains = {pattern_of("intra.test")};
    intranet.internal = true;
    out.routes = {scanner, relay, intranet};
    return out;
}

struct Row {
    const char *to, *mailer, *host; // as the MTA says
    HopKind kind;
    const char* key; // of the next hop
    HopSource source;
    Reason reason;
};

void expect(const Row& row, const Site& site = test::site()) {
    SCOPED_TRACE(std::string(row.to) + " " + row.mailer + " " + row.host);
    Context context;
    context.recipient = path_of(row.to);
    context.mailer = row.mailer;
    context.host = row.host;
    const Way way = find_way(context, site);
    ASSERT_EQ(way.next_hops.size(), 1U);
    EXPECT_EQ(way.next_hops.front().kind(), row.kind);
    EXPECT_EQ(way.next_hops.front().key(), row.key);
    EXPECT_EQ(way.source, row.source);
    EXPECT_EQ(way.reason, row.reason);
}

TEST(Route, WhatTheMtaSaysCounts) {
    using enum HopKind;
    constexpr auto said = HopSource::rcpt_host;
    constexpr auto seen = Reason::none, unseen = Reason::next_hop_hidden;
    for (const Row& row : {
             Row{"a@dest.test", "smtp", "dest.test", domain, "dest.test", said, seen},
             Row{"a@dest.test", "smtp", "DEST.test.", domain, "dest.test", said, seen},
             Row{"a@dest.test", "ESMTP", "[mx.dest.test]", host, "[mx.dest.test]", said, seen},
             Row{"a@dest.test", "smtp", "[smart.test]:587", host, "[smart.test]:587", said, seen},
             Row{"a@dest.test", "relay", "[192.0.2.1]", address, "[192.0.2.1]", said, seen},
             // A route of the recipient's domain is for MTAs that say nothing.
             Row{"a@partner.test", "smtp", "partner.test", domain, "partner.test", said, seen},
             // Internal only where configuration says so; loopback always.
             Row{"a@dest.test", "smtp", "[10.1.1.1]:10025", internal, "internal [10.1.1.1]:10025",
                 said, seen},
             Row{"a@dest.test", "smtp", "[10.1.1.1]", address, "[10.1.1.1]", said, seen},
             Row{"a@dest.test", "smtp", "[127.0.0.1]:10025", internal, "internal [127.0.0.1]:10025",
                 said, seen},
             Row{"a@dest.test", "smtp", "[IPv6:::1]", internal, "internal [ipv6:::1]", said, seen},
             Row{"a@dest.test", "smtp", "[12.7.0.1]", address, "[12.7.0.1]", said, seen},
             Row{"a@dest.test", "smtp", "127.test", domain, "127.test", said, seen},
             // Local delivery is not transport, in the declared domains.
             Row{"a@local.test", "local", "local.test", internal, "internal local.test", said,
                 seen},
             Row{"a@local.test", "virtual", "local.test", internal, "internal local.test", said,
                 seen},
             Row{"a@LOCAL.test", "lmtp", "unix:/run/lmtp", internal, "internal local.test", said,
                 seen},
             Row{"postmaster", "local", "", internal, "internal ", said, seen},
             // Elsewhere it may expand to anywhere.
             Row{"a@dest.test", "local", "dest.test", hidden, "hidden dest.test", said, unseen},
             Row{"a@sub.local.test", "virtual", "sub.local.test", hidden, "hidden sub.local.test",
                 said, unseen},
             Row{"a@va.test", "error", "5.1.1 User unknown in virtual alias table", hidden,
                 "hidden va.test", said, unseen},
             Row{"a@local.test", "error", "5.1.1 User unknown", hidden, "hidden local.test", said,
                 unseen},
             Row{"a@dest.test", "smtp", "", hidden, "hidden dest.test", said, unseen},
             // A declared domain that the MTA relays on is transport all the same.
             Row{"a@local.test", "smtp", "mailstore.test", domain, "mailstore.test", said, seen},
             // What cannot be read must not be taken for something else.
             Row{"a@dest.test", "smtp", " , ", hidden, "hidden dest.test", said,
                 Reason::next_hop_invalid},
             Row{"a@dest.test", "smtp", "[dest.test]:own-service", hidden, "hidden dest.test", said,
                 Reason::next_hop_invalid},
             Row{"a@dest.test", "smtp", "[dest.test]:0", hidden, "hidden dest.test", said,
                 Reason::next_hop_invalid},
         })
        expect(row);
}

// relayhost = [a], [b]: Postfix uses any of them, and asks the lock for each by itself.
TEST(Route, EachNextHopOfAList) {
    const auto keys = [](const std::string& host) {
        Context context;
        context.recipient = path_of("a@dest.test");
        context.mailer = "smtp";
        context.host = host;
        std::string out;
        const Way way = find_way(context, site());
        for (const NextHop& next_hop : way.next_hops)
            out += next_hop.key() + "; ";
        return out + std::string(token_of(way.reason));
    };
    EXPECT_EQ(keys("[A.test], [b.test]:587"), "[a.test]; [b.test]:587; ");
    EXPECT_EQ(keys("a.test,b.test"), "a.test; b.test; ");
    EXPECT_EQ(keys("a.test\tb.test "), "a.test; b.test; ");
    EXPECT_EQ(keys("[10.1.1.1]:10025 b.test"), "internal [10.1.1.1]:10025; b.test; ");
    EXPECT_EQ(keys("a.test, [b.test]:0"), "a.test; hidden dest.test; next-hop-invalid");
    std::string many;
    for (int i = 0; i < 17; ++i)
        many += "a.test,";
    EXPECT_EQ(keys(many), "hidden dest.test; next-hop-invalid");
}

// Sendmail delivers to where its mailertable says, and asks its lock by the recipient's domain.
TEST(Route, SendmailIsBoundByTheRecipientsDomainAlone) {
    using enum HopKind;
    constexpr auto said = HopSource::rcpt_host;
    constexpr auto seen = Reason::none, unsaid = Reason::lock_cannot_say;
    Site sendmail = site();
    sendmail.lock = Lock::sendmail;
    for (const Row& row : {
             Row{"a@dest.test", "esmtp", "dest.test.", domain, "dest.test", said, seen},
             Row{"a@dest.test", "esmtp", "[mx.dest.test]", hidden, "hidden dest.test", said,
                 unsaid},
             Row{"a@dest.test", "relay", "smart.test", hidden, "hidden dest.test", said, unsaid},
             Row{"a@dest.test", "esmtp", "dest.test smart.test", hidden, "hidden dest.test", said,
                 unsaid},
             // A route of the next hop is nothing to Sendmail's lock; one of the domain is.
             Row{"a@dest.test", "esmtp", "[10.1.1.1]:10025", hidden, "hidden dest.test", said,
                 unsaid},
             Row{"a@dest.test", "esmtp", "[127.0.0.1]", hidden, "hidden dest.test", said, unsaid},
             Row{"a@intra.test", "esmtp", "[10.9.9.9]", internal, "internal intra.test", said,
                 seen},
             Row{"a@intra.test", "esmtp", "intra.test.", internal, "internal intra.test", said,
                 seen},
             Row{"a@[192.0.2.1]", "esmtp", "[192.0.2.1]", address, "[192.0.2.1]", said, seen},
             Row{"a@local.test", "local", "local.test", internal, "internal local.test", said,
                 seen},
             Row{"a@local.test", "esmtp", "mailstore.test", hidden, "hidden local.test", said,
                 unsaid},
             Row{"a@partner.test", "", "", hidden, "hidden partner.test", HopSource::route, unsaid},
         })
        expect(row, sendmail);
    // The same at the lock, and with another lock it is only said by the MTA.
    EXPECT_EQ(judged(*NextHop::parse("intra.test"), sendmail).kind(), internal);
    EXPECT_EQ(judged(*NextHop::parse("intra.test"), site()).kind(), domain);
}

TEST(Route, WithoutAWordFromTheMta) {
    using enum HopKind;
    constexpr auto own = HopSource::recipient_domain, routed = HopSource::route;
    constexpr auto seen = Reason::none;
    for (const Row& row : {
             Row{"a@Dest.test", "", "", domain, "dest.test", own, seen},
             Row{"a@partner.test", "", "", host, "[relay.test]:2525", routed, seen},
             Row{"a@x.partner.test", "", "", host, "[relay.test]:2525", routed, seen},
             Row{"a@intra.test", "", "", internal, "internal intra.test", routed, seen},
             Row{"a@x.intra.test", "", "", domain, "x.intra.test", own, seen},
             Row{"a@local.test", "", "", internal, "internal local.test", own, seen},
             Row{"a@lists.local.test", "", "", internal, "internal lists.local.test", own, seen},
             Row{"root", "", "", internal, "internal ", own, seen},
             Row{"a@[192.0.2.1]", "", "", address, "[192.0.2.1]", own, seen},
             Row{"a@[IPv6:2001:DB8::1]", "", "", address, "[ipv6:2001:db8::1]", own, seen},
             Row{"a@[127.0.0.1]", "", "", internal, "internal [127.0.0.1]", own, seen},
             // {rcpt_host} without {rcpt_mailer} is nothing to rely on.
             Row{"a@dest.test", "", "evil.test", domain, "dest.test", own, seen},
         })
        expect(row);
}

TEST(Route, LiteralOfAnotherKindIsHidden) {
    Context context;
    context.recipient = path_of("a@[tag:something]");
    const Way way = find_way(context, site());
    ASSERT_EQ(way.next_hops.size(), 1U);
    EXPECT_EQ(way.next_hops.front().kind(), HopKind::hidden);
    EXPECT_EQ(way.reason, Reason::next_hop_invalid);
}

} // namespace
} // namespace surehop::test
