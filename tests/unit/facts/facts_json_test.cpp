// SPDX-License-Identifier: Apache-2.0
#include "facts/facts_json.h"

#include "support/sample_facts.h"

#include <gtest/gtest.h>

#include <vector>

namespace surehop {
namespace {

// ---- the JSON contract: programs depend on these names and their order

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

// ---- the form in the store

std::vector<Facts> samples() {
    std::vector<Facts> all = {Facts(), test::full_facts(), test::plain_facts()};

    Facts host_only = test::full_facts();
    host_only.mx.reset();
    host_only.sts = StsFacts();
    all.push_back(host_only);

    Facts mixed = test::full_facts();
    mixed.mx_secure = false;
    mixed.implicit_mx = true;
    mixed.null_mx = true;
    Host second(test::domain("xn--bcher-kva.example"), 65535);
    second.addresses = {State::unknown, Reason::dns_timeout};
    second.tlsa = {State::unknown, Reason::dns_bogus};
    second.records = {{255, 254, 253, Bytes{1}}, {2, 0, 0, Bytes(3000, 0x30)}};
    mixed.hosts.push_back(second);
    mixed.sts.standing = {State::present, Reason::none};
    mixed.sts.refresh = {State::unknown, Reason::sts_fetch_timeout};
    mixed.sts.policy.mx.push_back({false, "mail.example.net"});
    all.push_back(mixed);

    for (const auto mode : {mtasts::Mode::none, mtasts::Mode::testing}) {
        Facts facts = test::full_facts();
        facts.sts.policy.mode = mode;
        all.push_back(facts);
    }
    for (const ReasonRow& row : all_reasons()) {
        Facts facts = test::plain_facts();
        facts.mx = Standing{State::invalid, row.reason};
        all.push_back(facts);
    }
    return all;
}

TEST(StoredFacts, come_back_complete) {
    for (const Facts& facts : samples()) {
        const std::string text = to_store(facts);
        EXPECT_EQ(text.find('\n'), std::string::npos);
        const auto back = from_store(text);
        ASSERT_TRUE(back) << back.error() << ": " << text;
        EXPECT_EQ(*back, facts) << text;
    }
}

// What is written today must be readable by tomorrow's program, or carry another version.
TEST(StoredFacts, form_of_version_1) {
    EXPECT_EQ(to_store(test::plain_facts()),
              R"({"v":1,"mx":["present",""],"mxs":null,"null":false,"impl":false,"hosts":[)"
              R"({"n":"mail.example.net","p":0,"a":["present",""],"as":null,)"
              R"("t":["absent","tlsa-none"],"r":[]}],)"
              R"("sts":{"s":["absent","sts-txt-none"],"f":["absent","sts-txt-none"],"id":"",)"
              R"("mode":"none","age":0,"mx":[],"at":0,"end":0},"at":1795255200,"end":1795255500})");
}

TEST(StoredFacts, damaged_text_is_an_error) {
    const std::string good = to_store(test::full_facts());
    ASSERT_TRUE(from_store(good));
    // Cut anywhere.
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_FALSE(from_store(std::string_view(good).substr(0, length))) << length;

    // One place changed, so that it is JSON but not what to_store writes.
    struct Row {
        std::string_view from, to;
    };
    for (const Row& row : {
             Row{R"("v":1)", R"("v":2)"},   // another version
             Row{R"("v":1)", R"("v":"1")"}, // not a number
             Row{R"("v":1)", R"("v":1.0)"}, // not whole
             Row{R"("v":1,)", ""},          // no version
             Row{R"("mx":["present",""])", R"("mx":["present"])"},
             Row{R"("mx":["present",""])", R"("mx":["gone",""])"},       // no such state
             Row{R"("mx":["present",""])", R"("mx":["present","why"])"}, // no such reason
             Row{R"("mx":["present",""])", R"("mx":{"present":""})"},
             Row{R"("mxs":true)", R"("mxs":1)"},
             Row{R"("null":false)", R"("null":null)"}, // not nullable
             Row{R"("impl":false,)", ""},              // missing
             Row{R"("hosts":[{)", R"("hosts":[null,{)"},
             Row{R"("n":"mx1.example.org")", R"("n":"MX1.example.org")"},  // not normal form
             Row{R"("n":"mx1.example.org")", R"("n":"mx1..example.org")"}, // not a name
             Row{R"("n":"mx1.example.org")", R"("n":null)"},
             Row{R"("p":10)", R"("p":65536)"},
             Row{R"("p":10)", R"("p":-1)"},
             Row{R"("p":10)", R"("p":18446744073709551615)"},
             Row{R"("p":10)", R"("p":1e9)"},
             Row{R"("r":["3 1 1)", R"("r":["3 1)"}, // a record that lost a field
             Row{R"("r":["3 1 1)", R"("r":["3 1 256)"},
             Row{R"("r":["3 1 1)", R"("r":[7,"3 1 1)"},
             Row{R"("mode":"enforce")", R"("mode":"enforcing")"},
             Row{R"("mode":"enforce",)", ""},
             Row{R"("age":604800)", R"("age":-604800)"},
             Row{R"(["*.example.org"])", R"(["*.*.example.org"])"},
             Row{R"(["*.example.org"])", R"("*.example.org")"},
             Row{R"("id":"20260101")", R"("id":20260101)"},
             Row{R"("at":1795255200,"end":1795258800)", R"("at":1795255200,"end":253402300800)"},
         }) {
        std::string text = good;
        const auto place = text.find(row.from);
        ASSERT_NE(place, std::string::npos) << row.from;
        text.replace(place, row.from.size(), row.to);
        EXPECT_FALSE(from_store(text)) << row.from << " became " << row.to;
    }
    for (const std::string_view text : {"", "null", "1", "[]", "{}", "{\"v\":1}", "\"v\"", "\xff"})
        EXPECT_FALSE(from_store(text)) << text;
    EXPECT_FALSE(from_store(std::string((1U << 20U) + 1, '[')));
    EXPECT_FALSE(from_store(std::string(1U << 20U, '['))); // deep, and no stack overflow
}

} // namespace
} // namespace surehop
