// SPDX-License-Identifier: Apache-2.0
#include "binding/tls_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace surehop {
namespace {

using enum Level;

Offer offer(Level level, std::vector<std::string> hosts = {"mx1.a.test"},
            bool most_preferred = true, bool every_host = true) {
    Offer out;
    out.level = level;
    out.hosts = std::move(hosts);
    out.most_preferred = most_preferred;
    out.preference = most_preferred ? 10 : 20;
    out.every_host = every_host;
    return out;
}

// With those offers, strongest first, and a reason for each level that is not among them.
Assessment assessment(std::vector<Offer> offers, Reason why = Reason::sts_txt_none,
                      bool unknown = false) {
    Assessment out;
    for (const Level level : {dane, authenticated, verified, encrypted}) {
        const bool offered = std::any_of(offers.begin(), offers.end(),
                                         [&](const Offer& one) { return one.level == level; });
        if (!offered)
            out.missing.push_back({level, why, unknown});
    }
    out.offers = std::move(offers);
    return out;
}

std::string said(const LockAnswer& answer) {
    switch (answer.kind) {
    case LockAnswer::Kind::policy:
        return answer.text;
    case LockAnswer::Kind::not_found:
        return "NOTFOUND";
    case LockAnswer::Kind::temporary:
        break;
    }
    return "TEMP " + std::string(token_of(answer.reason));
}

TEST(Binding, TextOfEachLevel) {
    const std::vector<std::string> two = {"mx1.a.test", "mx2.a.test"};
    struct Row {
        Level level;
        const char *postfix, *postfix310, *sendmail; // null: cannot be said
    };
    const Row table[] = {
        {none, nullptr, nullptr, nullptr},
        {encrypted, "encrypt protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1",
         "encrypt protocols=>=TLSv1.2", nullptr},
        {verified, "verify match=hostname protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1",
         "verify match=hostname protocols=>=TLSv1.2", nullptr},
        {authenticated,
         "secure match=mx1.a.test:mx2.a.test servername=hostname "
         "protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1",
         "secure match=mx1.a.test:mx2.a.test servername=hostname protocols=>=TLSv1.2",
         "secure match=mx1.a.test:mx2.a.test servername=hostname"},
        {dane, "dane-only", "dane-only", nullptr},
    };
    const auto expect = [](const Offer& made, Lock lock, const char* text) {
        const auto found = policy_text(made, lock);
        EXPECT_EQ(found.value_or("(none)"), text == nullptr ? "(none)" : text)
            << name_of(made.level) << " " << name_of(lock);
    };
    for (const Row& row : table) {
        const Offer made = offer(row.level, two);
        expect(made, Lock::postfix, row.postfix);
        expect(made, Lock::postfix310, row.postfix310);
        expect(made, Lock::sendmail, row.sendmail);
        expect(made, Lock::none, nullptr);
    }
}

TEST(Binding, Postfix310IsToldWhosePolicyItIs) {
    mtasts::Policy policy;
    policy.mode = mtasts::Mode::enforce;
    policy.max_age = Seconds{86400};
    policy.mx = {{false, "mx1.a.test"}, {true, "b.test"}};
    const StsOrigin origin{"a.test", &policy};
    const Offer made = offer(authenticated, {"mx1.a.test", "m.b.test"});
    EXPECT_EQ(policy_text(made, Lock::postfix310, TlsVersion::v1_2, origin),
              "secure match=mx1.a.test:m.b.test servername=hostname protocols=>=TLSv1.2 "
              "policy_type=sts policy_domain=a.test mx_host_pattern=mx1.a.test "
              "mx_host_pattern=m.b.test { policy_string = version: STSv1 } "
              "{ policy_string = mode: enforce } { policy_string = mx: mx1.a.test } "
              "{ policy_string = mx: *.b.test } { policy_string = max_age: 86400 }");
    // An older Postfix takes none of it for a policy, and neither does Sendmail.
    for (const Lock lock : {Lock::postfix, Lock::sendmail})
        EXPECT_EQ(policy_text(made, lock, TlsVersion::v1_2, origin), policy_text(made, lock));
    for (const Level level : {encrypted, verified, dane})
        EXPECT_EQ(policy_text(offer(level), Lock::postfix310, TlsVersion::v1_2, origin),
                  policy_text(offer(level), Lock::postfix310))
            << name_of(level);

    policy.mx.assign(mtasts::most_mx, {false, "host-with-a-long-name.a.test"});
    const std::string bounded = *policy_text(made, Lock::postfix310, TlsVersion::v1_2, origin);
    EXPECT_TRUE(bounded.ends_with("mx_host_pattern=m.b.test")) << bounded;
}

// Sendmail runs out of room beyond some 1100 octets, and then checks nothing at all.
TEST(Binding, SendmailIsToldNoMoreThanItCanHold) {
    std::vector<std::string> many;
    for (int i = 0; i < 20; ++i)
        many.push_back(std::string(58, 'a') + std::to_string(10 + i) + ".flood.test");
    const auto text = policy_text(offer(authenticated, many), Lock::sendmail);
    ASSERT_TRUE(text);
    EXPECT_LT(text->size(), 700U);
    EXPECT_TRUE(text->starts_with("secure match=" + many[0] + ":" + many[1] + ":")) << *text;
    EXPECT_TRUE(text->ends_with(" servername=hostname")) << *text;
    EXPECT_GT(policy_text(offer(authenticated, many), Lock::postfix)->size(), 1400U);

    // A name that does not fit alone is none that can be said.
    const std::string deep = [] {
        std::string name;
        for (int i = 0; i < 120; ++i)
            name += "a.";
        return name + "test";
    }();
    EXPECT_TRUE(policy_text(offer(authenticated, {deep}), Lock::sendmail));
    EXPECT_EQ(policy_text(offer(authenticated, {std::string(601, 'a')}), Lock::sendmail),
              std::nullopt);
}

TEST(Binding, NeverAnEmptyMatch) {
    for (const Lock lock : {Lock::postfix, Lock::postfix310, Lock::sendmail})
        EXPECT_EQ(policy_text(offer(authenticated, {}), lock), std::nullopt);
}

TEST(Binding, LockNames) {
    for (const std::string_view name : lock_names)
        EXPECT_EQ(name_of(*lock_of(name)), name);
    EXPECT_EQ(lock_of("Postfix"), std::nullopt);
    EXPECT_EQ(lock_of(""), std::nullopt);
}

TEST(Binding, WhatCountsWithEachLock) {
    const auto levels = [](const Assessment& counted) {
        std::string out;
        for (const Offer& one : counted.offers)
            out += std::string(out.empty() ? "" : " ") + std::string(name_of(one.level));
        return out;
    };
    const Assessment all =
        assessment({offer(dane), offer(authenticated, {"mx2.a.test"}, true, false), offer(verified),
                    offer(encrypted)});
    EXPECT_EQ(levels(bindable(all, Lock::postfix)), "dane authenticated verified encrypted");
    EXPECT_EQ(levels(bindable(all, Lock::postfix310)), "dane authenticated verified encrypted");
    EXPECT_EQ(levels(bindable(all, Lock::sendmail)), "authenticated");
    // Nobody keeps the MTA from using the other hosts, nor TLS alone from being left out.
    EXPECT_EQ(levels(bindable(all, Lock::none)), "dane");

    const Missing why = bindable(all, Lock::sendmail).why_not(dane);
    EXPECT_EQ(why.reason, Reason::lock_cannot_say);
    EXPECT_FALSE(why.unknown);
    EXPECT_EQ(bindable(all, Lock::none).why_not(authenticated).reason, Reason::lock_cannot_say);
}

TEST(Binding, PublishedPoliciesComeFirst) {
    const Offer d = offer(dane), late = offer(dane, {"mx2.a.test"}, false, false);
    const Offer a = offer(authenticated), v = offer(verified), e = offer(encrypted);
    const std::string secure = "secure match=mx1.a.test servername=hostname protocols=>=TLSv1.2";
    struct Row {
        const char* what;
        std::vector<Offer> offers;
        Level floor;
        std::string answer;
    };
    const Row table[] = {
        {"DANE, nothing demanded", {d, v, e}, none, "dane-only"},
        {"DANE, encrypted demanded", {d, v, e}, encrypted, "dane-only"},
        {"DANE demanded", {d, v, e}, dane, "dane-only"},
        {"MTA-STS, nothing demanded", {a, v, e}, none, secure},
        {"MTA-STS, encrypted demanded", {a, v, e}, encrypted, secure},
        {"MTA-STS, DANE demanded", {a, v, e}, dane, "TEMP sts-txt-none"},
        {"both, DANE on a best host", {d, a, v, e}, none, "dane-only"},
        {"both, DANE on a worse host", {late, a, v, e}, none, secure},
        {"both, DANE on a worse host, and demanded", {late, a, v, e}, dane, "dane-only"},
        // DANE-08: where nobody asks for it, it keeps no mail from the preferred host.
        {"DANE on a worse host alone", {late, v, e}, none, "NOTFOUND"},
        {"DANE on a worse host alone, encrypted demanded", {late, v, e}, encrypted, "dane-only"},
        // What is demanded and not published holds because it is bound, and no stronger than asked.
        {"nothing, nothing demanded", {v, e}, none, "NOTFOUND"},
        {"nothing, encrypted demanded", {v, e}, encrypted, "encrypt protocols=>=TLSv1.2"},
        {"nothing, verified demanded",
         {v, e},
         verified,
         "verify match=hostname protocols=>=TLSv1.2"},
        {"nothing, authenticated demanded", {v, e}, authenticated, "TEMP sts-txt-none"},
        {"address, verified demanded", {e}, verified, "TEMP sts-txt-none"},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.what);
        const LockAnswer answer = lock_answer(assessment(row.offers), row.floor, Lock::postfix310);
        EXPECT_EQ(said(answer), row.answer);
        if (answer.kind == LockAnswer::Kind::policy) {
            EXPECT_GE(answer.level, row.floor) << "never below what is demanded";
            EXPECT_FALSE(answer.text.empty()) << "never OK without data";
        }
    }
}

TEST(Binding, UnknownUnderAFloorIsTemporary) {
    const Assessment unknown =
        assessment({offer(verified), offer(encrypted)}, Reason::sts_fetch_timeout, true);
    EXPECT_EQ(said(lock_answer(unknown, authenticated, Lock::postfix)), "TEMP sts-fetch-timeout");
    EXPECT_EQ(said(lock_answer(unknown, none, Lock::postfix)), "NOTFOUND")
        << "STS-33: as if not implemented";
    EXPECT_EQ(lock_answer(unknown, none, Lock::postfix).reason, Reason::sts_fetch_timeout);
}

// An exception stands in place of what is published: no more than it asks for is insisted on.
TEST(Binding, PublishedPoliciesThatAreOverridden) {
    const Offer d = offer(dane), v = offer(verified), e = offer(encrypted);
    const auto answer = [&](std::vector<Offer> offers, Level floor) {
        return said(lock_answer(assessment(std::move(offers)), floor, Lock::postfix310,
                                TlsVersion::v1_2, Published::overridden));
    };
    EXPECT_EQ(answer({d, v, e}, none), "NOTFOUND");
    EXPECT_EQ(answer({d, v, e}, encrypted), "encrypt protocols=>=TLSv1.2");
    EXPECT_EQ(answer({d, v, e}, verified), "verify match=hostname protocols=>=TLSv1.2");
    EXPECT_EQ(answer({d}, encrypted), "dane-only") << "there is nothing weaker that can be bound";
    Assessment stuck = assessment({}, Reason::tlsa_none, true);
    stuck.wait = Reason::tlsa_none;
    EXPECT_EQ(
        said(lock_answer(stuck, encrypted, Lock::postfix, TlsVersion::v1_2, Published::overridden)),
        "TEMP tlsa-none");
    EXPECT_EQ(
        said(lock_answer(stuck, none, Lock::postfix, TlsVersion::v1_2, Published::overridden)),
        "NOTFOUND");
}

// STS-64, DANE-04, DANE-05: where nothing is demanded, too.
TEST(Binding, WhatMustWaitWaits) {
    Assessment stuck = assessment({}, Reason::sts_mx_mismatch);
    stuck.wait = Reason::sts_mx_mismatch;
    for (const Lock lock : {Lock::postfix, Lock::postfix310, Lock::sendmail})
        for (const Level floor : {none, encrypted, authenticated, dane})
            EXPECT_EQ(said(lock_answer(stuck, floor, lock)), "TEMP sts-mx-mismatch");
}

TEST(Binding, NoMail) {
    Assessment null_mx;
    null_mx.no_mail = Reason::null_mx;
    EXPECT_EQ(said(lock_answer(null_mx, none, Lock::postfix)), "NOTFOUND");
    EXPECT_EQ(said(lock_answer(null_mx, encrypted, Lock::postfix)), "dane-only")
        << "the MTA bounces by itself; should its DNS say otherwise, nothing leaves in clear";
    EXPECT_EQ(said(lock_answer(null_mx, encrypted, Lock::sendmail)), "TEMP null-mx");
    null_mx.wait = Reason::null_mx; // an enforce policy is in force
    EXPECT_EQ(said(lock_answer(null_mx, none, Lock::postfix)), "dane-only");
}

TEST(Binding, SendmailSaysWhatItCan) {
    EXPECT_EQ(said(lock_answer(assessment({offer(authenticated), offer(verified)}), authenticated,
                               Lock::sendmail)),
              "secure match=mx1.a.test servername=hostname");
    EXPECT_EQ(said(lock_answer(assessment({offer(verified), offer(encrypted)}), encrypted,
                               Lock::sendmail)),
              "TEMP lock-cannot-say");
    EXPECT_EQ(
        said(lock_answer(assessment({offer(verified), offer(encrypted)}), none, Lock::sendmail)),
        "NOTFOUND");
}

// least_tls: with whatever binds TLS, in the words of each Postfix.
TEST(TlsPolicy, a_newer_tls_where_it_is_asked) {
    Offer offer;
    offer.hosts = {"mx.a.test"};
    struct Row {
        Level level;
        const char *postfix, *postfix310;
    };
    const Row table[] = {
        {Level::dane, "dane-only protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.2",
         "dane-only protocols=>=TLSv1.3"},
        {Level::verified, "verify match=hostname protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.2",
         "verify match=hostname protocols=>=TLSv1.3"},
        {Level::encrypted, "encrypt protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.2",
         "encrypt protocols=>=TLSv1.3"},
    };
    for (const Row& row : table) {
        offer.level = row.level;
        EXPECT_EQ(policy_text(offer, Lock::postfix, TlsVersion::v1_3), row.postfix);
        EXPECT_EQ(policy_text(offer, Lock::postfix310, TlsVersion::v1_3), row.postfix310);
    }
    offer.level = Level::authenticated;
    EXPECT_EQ(policy_text(offer, Lock::postfix310, TlsVersion::v1_3)->substr(0, 50),
              "secure match=mx.a.test servername=hostname protoco");
    EXPECT_TRUE(policy_text(offer, Lock::postfix310, TlsVersion::v1_3)->ends_with(">=TLSv1.3"));
}

} // namespace
} // namespace surehop
