// SPDX-License-Identifier: Apache-2.0
#include "facts/facts_json.h"

#include "support/sample_facts.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

// The JSON contract: programs depend on these names and their order

TEST(FactsJson, everything_published) {
    EXPECT_EQ(print_json(to_json(test::full_facts()), 1), R"({
 "mx": {
  "state": "present",
  "reason": "",
  "secure": true,
  "null_mx": false,
  "hosts": [
   {
    "name": "mx1.example.org",
    "preference": 10,
    "addresses": {
     "state": "present",
     "reason": "",
     "secure": true
    },
    "tlsa": {
     "state": "present",
     "reason": "",
     "usable": 1,
     "unusable": 1
    }
   }
  ]
 },
 "mta_sts": {
  "state": "present",
  "reason": "",
  "id": "20260101",
  "mode": "enforce",
  "max_age": 604800,
  "mx": [
   "*.example.org"
  ],
  "fetched": "2026-11-21T10:00:00Z",
  "expires": "2026-11-28T10:00:00Z"
 }
})");
}

TEST(FactsJson, nothing_published_and_a_resolver_that_does_not_validate) {
    EXPECT_EQ(print_json(to_json(test::plain_facts())),
              R"({"mx":{"state":"present","reason":"","secure":null,"null_mx":false,"hosts":[)"
              R"({"name":"mail.example.net","preference":0,)"
              R"("addresses":{"state":"present","reason":"","secure":null},)"
              R"("tlsa":{"state":"absent","reason":"tlsa-none","usable":0,"unusable":0}}]},)"
              R"("mta_sts":{"state":"absent","reason":"sts-txt-none"}})");
}

TEST(FactsJson, implicit_mx) {
    Facts facts = test::plain_facts();
    facts.mx = Standing{State::absent, Reason::mx_implicit};
    facts.implicit_mx = true;
    const Json mx = to_json(facts)["mx"];
    EXPECT_EQ(mx["state"], "absent");
    EXPECT_EQ(mx["implicit"], true);
    EXPECT_EQ(mx["hosts"].size(), 1U);
    facts.implicit_mx = false;
    EXPECT_FALSE(to_json(facts)["mx"].contains("implicit"));
}

TEST(FactsJson, null_mx_and_no_such_domain) {
    Facts facts;
    facts.mx = Standing{State::present, Reason::null_mx};
    facts.null_mx = true;
    EXPECT_EQ(to_json(facts)["mx"]["null_mx"], true);
    EXPECT_EQ(to_json(facts)["mx"]["hosts"], Json::array());

    facts = Facts();
    facts.mx = Standing{State::absent, Reason::no_such_domain};
    EXPECT_EQ(to_json(facts)["mx"]["reason"], "no-such-domain");
    EXPECT_EQ(to_json(facts)["mx"]["hosts"], Json::array());
}

// A bracketed host or an address: no MX look-up, no preference, no MTA-STS.
TEST(FactsJson, no_mx_look_up) {
    Facts facts = test::full_facts();
    facts.mx.reset();
    facts.sts = StsFacts();
    const Json json = to_json(facts);
    EXPECT_TRUE(json["mx"].is_null());
    EXPECT_TRUE(json["mta_sts"].is_null());
    ASSERT_EQ(json["hosts"].size(), 1U);
    EXPECT_EQ(json["hosts"][0]["name"], "mx1.example.org");
    EXPECT_FALSE(json["hosts"][0].contains("preference"));
}

// A cached policy that stays in force although it could not be fetched again (invariant 4).
TEST(FactsJson, a_failed_refresh_is_reported_beside_the_policy) {
    Facts facts = test::full_facts();
    facts.sts.refresh = {State::unknown, Reason::sts_fetch_tls};
    const Json sts = to_json(facts)["mta_sts"];
    EXPECT_EQ(sts["state"], "present");
    EXPECT_EQ(sts["mode"], "enforce");
    EXPECT_EQ(sts["refresh"]["state"], "unknown");
    EXPECT_EQ(sts["refresh"]["reason"], "sts-fetch-tls");
    EXPECT_FALSE(to_json(test::full_facts())["mta_sts"].contains("refresh"));
}

} // namespace
} // namespace surehop
