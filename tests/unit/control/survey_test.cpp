// SPDX-License-Identifier: Apache-2.0
#include "control/survey.h"

#include "support/command_parts.h"
#include "support/run.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace surehop::test {
namespace {

constexpr std::string_view zones = R"(
    zone dane.test signed
    dane.test               MX    10 mx.dane.test
    mx.dane.test            A     192.0.2.1
    _25._tcp.mx.dane.test   TLSA  3 1 1 key-a
    zone none.test signed
    none.test               MX    10 mx.none.test
    mx.none.test            A     192.0.2.4
    zone bogus.test bogus
    bogus.test              MX    10 mx.bogus.test
    zone null.test signed
    null.test               MX    0 .
)";

class SurveyTest : public ::testing::Test {
  protected:
    SurveyTest() { reader.may_read = true; }
    Json reply(Json request) {
        request["do"] = "survey";
        return run(world.loop, commands.answer(std::move(request), reader));
    }
    using Asks = std::vector<std::pair<const char*, const char*>>; // recipient, sender or null
    Json answers(const Asks& pairs, const std::string& lock = "") {
        Json asks = Json::array();
        for (const auto& [recipient, sender] : pairs)
            asks.push_back(Json::array({recipient, sender ? Json(sender) : Json(nullptr)}));
        const Json got = reply({{"ask", asks}, {"wait_ms", 1000}, {"lock", lock}});
        EXPECT_TRUE(got.at("ok").get<bool>()) << print_json(got);
        return got.at("result").at("answers");
    }
    std::string error(Json request) {
        const Json got = reply(std::move(request));
        EXPECT_FALSE(got.at("ok").get<bool>()) << print_json(got);
        return got.value("error", std::string());
    }
    static Json outcome(const Json& answer, const char* minimum) {
        return answer.at("minimums").at(minimum).at("outcome");
    }

    World world{zones};
    Commands commands{command_parts(world)};
    Peer reader{1000, "reader"};
};

TEST_F(SurveyTest, what_each_minimum_would_do) {
    const Json all = answers({{"b@dane.test", nullptr},
                              {"b@none.test", nullptr},
                              {"b@bogus.test", nullptr},
                              {"@null.test", nullptr}});
    EXPECT_EQ(all[0].at("offer"), "dane");
    EXPECT_EQ(outcome(all[0], "dane"), "meets");
    EXPECT_EQ(all[1].at("offer"), "verified");
    EXPECT_EQ(outcome(all[1], "encrypted"), "meets");
    EXPECT_EQ(outcome(all[1], "authenticated"), "falls-short");
    EXPECT_EQ(all[1].at("minimums").at("authenticated").at("reason"), "nothing-published");
    EXPECT_TRUE(all[2].at("offer").is_null()) << "nobody can tell";
    EXPECT_EQ(outcome(all[2], "encrypted"), "unknown");
    EXPECT_EQ(all[2].at("minimums").at("encrypted").at("reason"), "dns-bogus");
    EXPECT_EQ(outcome(all[3], "encrypted"), "no-mail");
    EXPECT_EQ(all[3].at("offer"), "none");
    EXPECT_EQ(all[3].at("recipient"), "postmaster@null.test");
    EXPECT_EQ(all[1].at("verdict"), (Json{{"rule", "default"},
                                          {"open", Json::array()},
                                          {"outcome", "falls-short"},
                                          {"reason", "nothing-published"},
                                          {"would", "reject"}}));
}

TEST_F(SurveyTest, the_configuration_decides_with_the_sender_that_is_known) {
    world.configure(R"(
[mta]
lock = "postfix"
[policy]
mode = "enforce"
minimum = "encrypted"
[[rule]]
name = "ward"
sender = ["ward@x.test"]
minimum = "dane"
[[rule]]
name = "secret"
header = { "X-Label" = "secret" }
minimum = "dane"
[[route]]
domain = ["near.test"]
next_hop = "[10.1.1.1]"
scope = "internal"
)");
    const Json all = answers(
        {{"b@none.test", "ward@x.test"}, {"b@none.test", "a@x.test"}, {"b@near.test", nullptr}});
    EXPECT_EQ(all[0].at("verdict").at("rule"), "ward");
    EXPECT_EQ(all[0].at("verdict").at("would"), "reject");
    EXPECT_EQ(all[1].at("verdict").at("open"), Json::array({"secret", "default"}));
    EXPECT_TRUE(all[2].at("minimums").is_null());
    EXPECT_TRUE(all[2].at("offer").is_null());
    EXPECT_EQ(all[2].at("verdict").at("would"), "accept");
}

// As mail would have it, whoever the others at that domain are.
TEST_F(SurveyTest, exceptions_count_for_those_they_cover) {
    Exception made;
    made.recipient = pattern_of("b@none.test");
    made.lowest = Level::encrypted;
    made.reason = made.owner = made.created_by = "x";
    made.from = world.clock.now();
    made.until = made.from + Seconds{60};
    (void)value(world.process().allowlist->add(made));
    const Json all = answers({{"b@none.test", nullptr}, {"c@none.test", nullptr}});
    EXPECT_EQ(outcome(all[0], "dane"), "meets");
    EXPECT_EQ(outcome(all[1], "dane"), "falls-short");
    EXPECT_EQ(all[0].at("offer"), "verified");
}

TEST_F(SurveyTest, as_if_there_were_another_lock) {
    EXPECT_EQ(outcome(answers({{"b@none.test", nullptr}}, "none")[0], "encrypted"), "falls-short")
        << "nothing would bind it";
    EXPECT_EQ(outcome(answers({{"b@none.test", nullptr}})[0], "encrypted"), "meets");
    EXPECT_EQ(error({{"ask", Json::array()}, {"lock", "qmail"}}),
              "--lock: 'qmail' is none of postfix, postfix310, sendmail and none");
}

TEST_F(SurveyTest, each_is_looked_up_once_and_not_kept_in_use) {
    (void)answers({{"a@dane.test", nullptr}, {"b@dane.test", nullptr}});
    const std::size_t asked = world.dns.asked.size();
    EXPECT_GT(asked, 0U);
    (void)answers({{"c@dane.test", "x@y.test"}, {"b@dane.test", nullptr}});
    EXPECT_EQ(world.dns.asked.size(), asked);
    EXPECT_TRUE(world.process().facts.came_into_use().empty());
    (void)world.mail("a@x.test", "b@dane.test");
    (void)world.mail("a@x.test", "b@dane.test");
    EXPECT_EQ(world.process().facts.came_into_use(), (std::vector<std::string>{"dane.test"}));
}

TEST_F(SurveyTest, questions_that_are_none) {
    EXPECT_EQ(error(Json::object()), "ask for up to 500 recipients");
    EXPECT_EQ(error({{"ask", "b@dane.test"}}), "ask for up to 500 recipients");
    EXPECT_EQ(error({{"ask", Json(501, Json::array({"b@dane.test", nullptr}))}}),
              "ask for up to 500 recipients");
    for (const Json& ask :
         {Json("b@dane.test"), Json::array({"b@dane.test"}), Json::array({"b@dane.test", 3}),
          Json::array({nullptr, nullptr}), Json::array({"a", "b", "c"})})
        EXPECT_EQ(error({{"ask", Json::array({ask})}}),
                  "a question is a recipient and a sender or null");
    EXPECT_EQ(error({{"ask", Json::array({Json::array({"b@", nullptr})})}}),
              "'b@' is no recipient");
    EXPECT_EQ(error({{"ask", Json::array({Json::array({"<>", nullptr})})}}),
              "'<>' is no recipient");
    EXPECT_EQ(error({{"ask", Json::array({Json::array({"b@dane.test", "\x1b@"})})}}),
              "'?@' is no sender");
    EXPECT_TRUE(world.dns.asked.empty());
}

} // namespace
} // namespace surehop::test
