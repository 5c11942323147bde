// SPDX-License-Identifier: Apache-2.0
#include "assess/assessment.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace surehop {
namespace {

constexpr Time now{Seconds{1'800'000'000}};
constexpr Time later = now + Seconds{3600};

Domain domain(std::string_view name) { return *Domain::parse(name); }

// What is known of one MX host, in a word.
enum class Kind {
    tlsa,         // usable TLSA
    plain,        // none
    unusable,     // TLSA, none of which serves SMTP
    tlsa_fails,   // could not be looked up
    no_address,   // has none
    address_fails // could not be looked up
};

Host host(std::string_view name, std::uint16_t preference, Kind kind) {
    Host out(domain(name), preference);
    out.addresses = {State::present, Reason::none};
    out.addresses_secure = true;
    switch (kind) {
    case Kind::tlsa:
        out.tlsa = {State::present, Reason::none};
        out.records = {{3, 1, 1, Bytes(32, 0xab)}, {1, 1, 1, Bytes(32, 0xab)}};
        break;
    case Kind::plain:
        out.tlsa = {State::absent, Reason::tlsa_none};
        break;
    case Kind::unusable:
        out.tlsa = {State::present, Reason::tlsa_unusable};
        out.records = {{1, 1, 1, Bytes(32, 0xab)}};
        break;
    case Kind::tlsa_fails:
        out.tlsa = {State::unknown, Reason::dns_servfail};
        break;
    case Kind::no_address:
        out.addresses = out.tlsa = {State::absent, Reason::host_no_address};
        break;
    case Kind::address_fails:
        out.addresses = out.tlsa = {State::unknown, Reason::dns_timeout};
        break;
    }
    return out;
}

Facts facts_of(std::vector<Host> hosts) {
    Facts facts;
    facts.mx = Standing{State::present, Reason::none};
    facts.mx_secure = true;
    facts.hosts = std::move(hosts);
    facts.sts.standing = {State::absent, Reason::sts_txt_none};
    facts.learnt = now;
    facts.until = later;
    return facts;
}

// With a policy that names "mx*.a.test" hosts as given.
Facts with_policy(Facts facts, mtasts::Mode mode, const std::vector<std::string>& mx) {
    facts.sts.standing = {State::present, Reason::none};
    facts.sts.policy.mode = mode;
    for (const std::string& name : mx)
        facts.sts.policy.mx.push_back({false, name});
    return facts;
}

Assessment assess(const Facts& facts) {
    return surehop::assess(NextHop::of_domain(domain("a.test")), facts, now);
}

// "dane[mx1] encrypted[mx1 mx2]": levels offered, strongest first, with the first labels of hosts.
std::string offers(const Assessment& assessment) {
    std::string out;
    for (const Offer& offer : assessment.offers) {
        out += (out.empty() ? "" : " ") + std::string(name_of(offer.level)) + "[";
        for (const std::string& name : offer.hosts)
            out += (out.ends_with('[') ? "" : " ") + name.substr(0, name.find('.'));
        out += "]";
    }
    return out;
}

// Of the missing row for this level.
std::string why(const Assessment& assessment, Level level) {
    for (const Missing& row : assessment.missing)
        if (row.level == level)
            return (row.unknown ? "? " : "") + std::string(token_of(row.reason));
    return "offered";
}

using enum Kind;
using enum Level;
using mtasts::Mode;

TEST(Assessment, OffersByHosts) {
    const Host d1 = host("mx1.a.test", 10, tlsa), d2 = host("mx2.a.test", 20, tlsa);
    const Host p1 = host("mx1.a.test", 10, plain), p2 = host("mx2.a.test", 20, plain);
    const Host u1 = host("mx1.a.test", 10, unusable);
    const Host f1 = host("mx1.a.test", 10, tlsa_fails), f2 = host("mx2.a.test", 20, tlsa_fails);
    const Host n1 = host("mx1.a.test", 10, no_address);
    const Host a1 = host("mx1.a.test", 10, address_fails);
    const auto enforce = [](std::vector<Host> hosts, const std::vector<std::string>& mx) {
        return with_policy(facts_of(std::move(hosts)), Mode::enforce, mx);
    };
    struct Row {
        const char* what;
        Facts facts;
        std::string offers;
        std::string no_dane, no_authenticated;
        std::string_view wait;
    };
    const Row table[] = {
        {"nothing published", facts_of({p1, p2}), "verified[mx1 mx2] encrypted[mx1 mx2]",
         "tlsa-none", "sts-txt-none", ""},
        {"DANE everywhere", facts_of({d1, d2}),
         "dane[mx1 mx2] verified[mx1 mx2] encrypted[mx1 mx2]", "offered", "sts-txt-none", ""},
        // Per-MX discipline: the weak host is left out of the binding.
        {"DANE on one host", facts_of({d1, p2}), "dane[mx1] verified[mx1 mx2] encrypted[mx1 mx2]",
         "offered", "sts-txt-none", ""},
        {"DANE on one host, the other has a policy",
         enforce({d1, p2}, {"mx1.a.test", "mx2.a.test"}),
         "dane[mx1] authenticated[mx2] verified[mx1 mx2] encrypted[mx1 mx2]", "offered", "offered",
         ""},
        {"policy for all", enforce({p1, p2}, {"mx1.a.test", "mx2.a.test"}),
         "authenticated[mx1 mx2] verified[mx1 mx2] encrypted[mx1 mx2]", "tlsa-none", "offered", ""},
        {"STS-71: policy for one", enforce({p1, p2}, {"mx2.a.test"}),
         "authenticated[mx2] verified[mx1 mx2] encrypted[mx1 mx2]", "tlsa-none", "offered", ""},
        // Invariant 2: PKIX-only TLSA never displaces an enforce policy.
        {"DANE-21: unusable TLSA", facts_of({u1}), "verified[mx1] encrypted[mx1]", "tlsa-unusable",
         "sts-txt-none", ""},
        {"unusable TLSA and a policy", enforce({u1}, {"mx1.a.test"}),
         "authenticated[mx1] verified[mx1] encrypted[mx1]", "tlsa-unusable", "offered", ""},
        // STS-70: whom DANE decides, MTA-STS does not.
        {"DANE and a policy on one host", enforce({d1}, {"mx1.a.test"}),
         "dane[mx1] verified[mx1] encrypted[mx1]", "offered", "sts-mx-dane-fails", ""},
        // DANE-05: a host whose TLSA look-up failed is not used, not on weaker terms either.
        {"TLSA fails", facts_of({f1}), "", "? dns-servfail", "sts-txt-none", "dns-servfail"},
        {"TLSA fails; the policy does not rescue that host", enforce({f1}, {"mx1.a.test"}), "",
         "? dns-servfail", "? dns-servfail", "dns-servfail"},
        {"TLSA fails on one host, the other has DANE", facts_of({d1, f2}), "dane[mx1]", "offered",
         "sts-txt-none", ""},
        {"TLSA fails on one host, the other has a policy",
         enforce({f1, p2}, {"mx1.a.test", "mx2.a.test"}), "authenticated[mx2]", "? dns-servfail",
         "offered", ""},
        {"TLSA fails on one host, the other has nothing: the MTA may go on by itself",
         facts_of({f1, p2}), "", "? dns-servfail", "sts-txt-none", ""},
        // STS-64: no delivery to hosts that the policy does not name.
        {"policy for none of the hosts", enforce({p1}, {"other.test"}), "", "tlsa-none",
         "sts-mx-mismatch", "sts-mx-mismatch"},
        {"policy for a host without address", enforce({n1, p2}, {"mx1.a.test"}), "", "tlsa-none",
         "host-no-address", "host-no-address"},
        {"policy for a host whose address fails", enforce({a1, p2}, {"mx1.a.test"}), "",
         "? dns-timeout", "? dns-timeout", "dns-timeout"},
        // Hosts that cannot be reached.
        {"one host has no address, which is not why the other offers nothing", facts_of({n1, p2}),
         "verified[mx2] encrypted[mx2]", "tlsa-none", "sts-txt-none", ""},
        {"no host has an address", facts_of({n1}), "", "host-no-address", "host-no-address", ""},
        {"no host has an address, under a policy", enforce({n1}, {"mx1.a.test"}), "",
         "host-no-address", "host-no-address", "host-no-address"},
        {"addresses cannot be looked up", facts_of({n1, host("mx2.a.test", 20, address_fails)}), "",
         "? dns-timeout", "? dns-timeout", "dns-timeout"},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.what);
        const Assessment found = assess(row.facts);
        EXPECT_EQ(offers(found), row.offers);
        EXPECT_EQ(why(found, Level::dane), row.no_dane);
        EXPECT_EQ(why(found, authenticated), row.no_authenticated);
        EXPECT_EQ(found.wait ? token_of(*found.wait) : "", row.wait);
        EXPECT_EQ(found.no_mail, std::nullopt);
        EXPECT_EQ(found.offers.size() + found.missing.size(), 4U) << "each level once";
        EXPECT_TRUE(std::ranges::is_sorted(found.missing, std::greater(), &Missing::level));
    }
}

TEST(Assessment, TheMissingStandStrongestFirstInWhateverOrderTheyAreFound) {
    Assessment found;
    for (const Level level : {Level::verified, Level::dane, Level::encrypted, authenticated})
        found.miss({level, Reason::internal, false});
    found.miss({authenticated, Reason::look_up_running, true}); // after its equal
    std::string order;
    for (const Missing& row : found.missing)
        order += fmt::format("{}{} ", name_of(row.level), row.unknown ? "?" : "");
    EXPECT_EQ(order, "dane authenticated authenticated? verified encrypted ");
}

TEST(Assessment, STS_65_and_66_other_modes_guarantee_nothing) {
    const Facts facts = facts_of({host("mx1.a.test", 10, plain)});
    const Assessment testing = assess(with_policy(facts, Mode::testing, {"mx1.a.test"}));
    EXPECT_EQ(offers(testing), "verified[mx1] encrypted[mx1]");
    EXPECT_EQ(why(testing, authenticated), "sts-mode-testing");
    EXPECT_EQ(testing.wait, std::nullopt);
    EXPECT_EQ(assess(with_policy(facts, Mode::testing, {"other.test"})).wait, std::nullopt);
    EXPECT_EQ(why(assess(with_policy(facts, Mode::none, {})), authenticated), "sts-mode-none");
}

TEST(Assessment, STS_60_wildcards_stand_for_one_label) {
    Facts facts = with_policy(facts_of({host("mx1.a.test", 10, plain), host("a.test", 20, plain),
                                        host("x.mx2.a.test", 30, plain)}),
                              Mode::enforce, {});
    facts.sts.policy.mx = {{true, "a.test"}};
    EXPECT_EQ(assess(facts).offers.at(0).hosts, std::vector<std::string>{"mx1.a.test"});
}

// DANE-06: records of hosts under an unsigned MX set prove nothing about the domain.
TEST(Assessment, DANE_06_insecure_mx) {
    Facts facts = facts_of({host("mx1.a.test", 10, tlsa)});
    for (const std::optional<bool> secure : {std::optional<bool>(false), std::optional<bool>()}) {
        facts.mx_secure = secure;
        EXPECT_EQ(offers(assess(facts)), "verified[mx1] encrypted[mx1]");
    }
}

TEST(Assessment, NullMxAndNoSuchDomain) {
    Facts facts = facts_of({});
    facts.null_mx = true;
    EXPECT_EQ(assess(facts).no_mail, Reason::null_mx);
    EXPECT_TRUE(assess(facts).offers.empty());
    EXPECT_EQ(assess(facts).wait, std::nullopt);
    // Invariant 4: a DNS answer does not lift a policy that is in force.
    EXPECT_EQ(assess(with_policy(facts, Mode::enforce, {"mx1.a.test"})).wait, Reason::null_mx);
    facts.null_mx = false;
    facts.mx = Standing{State::absent, Reason::no_such_domain};
    EXPECT_EQ(assess(facts).no_mail, Reason::no_such_domain);
}

TEST(Assessment, DANE_04_unknown_mx_makes_everything_unknown) {
    Facts facts = facts_of({});
    facts.mx = Standing{State::unknown, Reason::dns_bogus};
    const Assessment found = assess(facts);
    EXPECT_TRUE(found.offers.empty());
    EXPECT_EQ(found.wait, Reason::dns_bogus);
    for (const Level level : {Level::dane, authenticated, verified, encrypted})
        EXPECT_EQ(why(found, level), "? dns-bogus");
}

TEST(Assessment, MxThatNamesNoUsableHost) {
    Facts facts = facts_of({});
    facts.mx = Standing{State::invalid, Reason::mx_unusable};
    EXPECT_EQ(why(assess(facts), authenticated), "mx-unusable") << "known, and not enough";
    EXPECT_EQ(assess(facts).wait, std::nullopt);
}

TEST(Assessment, STS_14_address) {
    Facts facts;
    facts.sts.standing = {State::absent, Reason::sts_txt_none};
    facts.until = later;
    const Assessment found = surehop::assess(NextHop::of_address("192.0.2.1"), facts, now);
    ASSERT_EQ(found.offers.size(), 1U);
    EXPECT_EQ(found.offers[0].level, encrypted);
    EXPECT_EQ(found.offers[0].hosts, std::vector<std::string>{"192.0.2.1"});
    EXPECT_EQ(why(found, verified), "next-hop-address");
}

TEST(Assessment, BracketedHostNeedsNoMx) {
    Facts facts = facts_of({host("mx1.a.test", 0, tlsa)});
    facts.mx.reset();
    facts.mx_secure.reset();
    EXPECT_EQ(offers(surehop::assess(*NextHop::parse("[mx1.a.test]"), facts, now)),
              "dane[mx1] verified[mx1] encrypted[mx1]");
}

TEST(Assessment, MostPreferredAndEveryHost) {
    struct Row {
        const char* what;
        std::vector<Host> hosts;
        bool most_preferred, every_host;
    };
    const Row table[] = {
        {"the best", {host("mx1.a.test", 10, tlsa), host("mx2.a.test", 20, plain)}, true, false},
        {"the second", {host("mx1.a.test", 10, plain), host("mx2.a.test", 20, tlsa)}, false, false},
        {"one of two equals",
         {host("mx1.a.test", 10, plain), host("mx2.a.test", 10, tlsa)},
         true,
         false},
        {"all", {host("mx1.a.test", 10, tlsa), host("mx2.a.test", 20, tlsa)}, true, true},
        {"the best that has an address, which is all that anybody can use",
         {host("mx1.a.test", 10, no_address), host("mx2.a.test", 20, tlsa)},
         true,
         true},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.what);
        const Assessment found = assess(facts_of(row.hosts));
        EXPECT_EQ(found.offers.at(0).level, Level::dane);
        EXPECT_EQ(found.offers.at(0).most_preferred, row.most_preferred);
        EXPECT_EQ(found.offers.at(0).every_host, row.every_host);
    }
}

// Whether all hosts would do cannot be told only where those left out could not be looked up.
TEST(Assessment, UnsureWhetherEveryHostWouldDo) {
    const Host good = host("mx1.a.test", 10, tlsa), bare = host("mx3.a.test", 30, plain);
    const Host fails = host("mx2.a.test", 20, tlsa_fails);
    EXPECT_EQ(assess(facts_of({good})).offers.at(0).unsure, std::nullopt);
    EXPECT_EQ(assess(facts_of({good, fails})).offers.at(0).unsure, Reason::dns_servfail);
    EXPECT_EQ(assess(facts_of({good, fails, bare})).offers.at(0).unsure, std::nullopt);
    EXPECT_EQ(assess(facts_of({good, bare})).offers.at(0).unsure, std::nullopt);
}

TEST(Assessment, WhatMtaStsOffersToWhoKnowsNoDane) {
    const Host d1 = host("mx1.a.test", 10, tlsa), p2 = host("mx2.a.test", 20, plain);
    const Host f3 = host("mx3.a.test", 30, tlsa_fails);
    const Assessment found = assess(with_policy(facts_of({d1, p2, f3}), Mode::enforce,
                                                {"mx1.a.test", "mx2.a.test", "mx3.a.test"}));
    ASSERT_TRUE(found.sts_alone);
    EXPECT_EQ(found.sts_alone->hosts, (std::vector<std::string>{"mx1.a.test", "mx2.a.test"}));
    EXPECT_TRUE(found.enforced);
    EXPECT_FALSE(assess(facts_of({d1})).sts_alone);
    EXPECT_FALSE(assess(with_policy(facts_of({d1}), Mode::testing, {"mx1.a.test"})).sts_alone);
}

TEST(Assessment, NothingIsOfferedBeyondItsTime) {
    const Facts facts = facts_of({host("mx1.a.test", 10, tlsa)});
    const NextHop hop = NextHop::of_domain(domain("a.test"));
    EXPECT_EQ(surehop::assess(hop, facts, later - Seconds{1}).offers.size(), 3U);
    const Assessment over = surehop::assess(hop, facts, later);
    EXPECT_TRUE(over.offers.empty());
    EXPECT_EQ(why(over, Level::dane), "? look-up-running");
}

TEST(Assessment, AtLeast) {
    const Assessment found = assess(facts_of({host("mx1.a.test", 10, tlsa)}));
    for (const Level minimum : {encrypted, verified, authenticated, Level::dane})
        ASSERT_NE(found.at_least(minimum), nullptr);
    EXPECT_EQ(found.at_least(encrypted)->level, Level::dane) << "the strongest";
    EXPECT_EQ(assess(facts_of({host("mx1.a.test", 10, plain)})).at_least(authenticated), nullptr);
    EXPECT_EQ(Assessment().at_least(Level::none), nullptr);
}

// What is told to the refused sender.
TEST(Assessment, WhyNot) {
    const auto why_not = [](const Facts& facts, Level minimum) {
        const Missing row = assess(facts).why_not(minimum);
        return (row.unknown ? "? " : "") + std::string(token_of(row.reason));
    };
    const Facts bare = facts_of({host("mx1.a.test", 10, plain)});
    EXPECT_EQ(why_not(bare, authenticated), "nothing-published");
    EXPECT_EQ(why_not(bare, Level::dane), "tlsa-none");
    // Where nobody here can look, it may well publish DANE.
    Facts unchecked = bare;
    unchecked.mx_secure = unchecked.hosts[0].addresses_secure = std::nullopt;
    unchecked.hosts[0].tlsa = {State::absent, Reason::resolver_not_validating};
    EXPECT_EQ(why_not(unchecked, authenticated), "no-sts-dane-unchecked");
    EXPECT_EQ(why_not(unchecked, Level::dane), "resolver-not-validating");
    EXPECT_EQ(why_not(facts_of({host("mx1.a.test", 10, unusable)}), authenticated),
              "tlsa-unusable");
    EXPECT_EQ(why_not(with_policy(bare, Mode::testing, {}), authenticated), "sts-mode-testing");
    EXPECT_EQ(why_not(with_policy(bare, Mode::enforce, {"other.test"}), authenticated),
              "sts-mx-mismatch");
    EXPECT_EQ(why_not(with_policy(bare, Mode::enforce, {"other.test"}), encrypted),
              "sts-mx-mismatch");
    // Invariant 1: what may well hold is unknown, whatever else is known not to.
    EXPECT_EQ(why_not(facts_of({host("mx1.a.test", 10, tlsa_fails)}), authenticated),
              "? dns-servfail");
    EXPECT_EQ(why_not(facts_of({host("mx1.a.test", 10, tlsa_fails)}), Level::dane),
              "? dns-servfail");
    Facts no_policy = bare;
    no_policy.sts.standing = {State::unknown, Reason::sts_fetch_timeout};
    EXPECT_EQ(why_not(no_policy, authenticated), "? sts-fetch-timeout");
    EXPECT_EQ(why_not(no_policy, Level::dane), "tlsa-none") << "a policy would not help here";
    EXPECT_TRUE(Assessment().why_not(authenticated).unknown) << "no reason is not a reason";
}

} // namespace
} // namespace surehop
