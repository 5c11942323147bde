// SPDX-License-Identifier: Apache-2.0
#include "control/commands.h"

#include "support/command_parts.h"
#include "support/run.h"

#include <gtest/gtest.h>

#include <string>

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
)";

class CommandsTest : public ::testing::Test {
  protected:
    CommandsTest() {
        admin.may_read = admin.may_change = true;
        reader.may_read = true;
    }
    Json ask(Json request, const Peer& peer) {
        return run(world.loop, commands.answer(std::move(request), peer));
    }
    Json result(Json request) {
        const Json reply = ask(std::move(request), admin);
        EXPECT_TRUE(reply.at("ok").get<bool>()) << print_json(reply);
        return reply.value("result", Json());
    }
    std::string error(Json request) {
        const Json reply = ask(std::move(request), admin);
        EXPECT_FALSE(reply.at("ok").get<bool>()) << print_json(reply);
        return reply.value("error", std::string());
    }
    Json exception(const std::string& recipient = "b@none.test") {
        return Json{{"do", "allow add"},    {"recipient", recipient}, {"lowest", "none"},
                    {"reason", "old host"}, {"owner", "ops"},         {"until", "+1h"}};
    }

    int reloads = 0;
    World world{zones};
    Commands commands{[this] {
        CommandParts parts = command_parts(world);
        parts.reload = [this](const Peer&) {
            ++reloads;
            return control_result(nullptr);
        };
        return parts;
    }()};
    Peer admin{0, "root"};
    Peer reader{1000, "reader"};
};

TEST_F(CommandsTest, WhoMayOnlyReadChangesNothing) {
    for (const char* what :
         {"facts refresh", "facts forget", "allow add", "allow import", "allow remove",
          "promise release", "quarantine release", "quarantine discard", "quarantine failed",
          "quarantine settle", "reload"}) {
        const Json reply = ask({{"do", what}, {"next_hop", "dane.test"}, {"id", 1}}, reader);
        EXPECT_FALSE(reply.at("ok").get<bool>()) << what;
        EXPECT_EQ(reply.at("error").get<std::string>(),
                  std::string("uid 1000 (reader) may not do '") + what +
                      "'; run it as root or join the group surehop-admin");
    }
    EXPECT_EQ(reloads, 0);
    EXPECT_TRUE(world.dns.asked.empty());
    for (const char* what : {"allow list", "facts list", "promise list", "status", "doctor"})
        EXPECT_TRUE(ask({{"do", what}}, reader).at("ok").get<bool>()) << what;
}

TEST_F(CommandsTest, RequestsThatAreNone) {
    EXPECT_EQ(error({{"do", "dance"}}), "surehopd does not know the request 'dance'");
    EXPECT_EQ(error({{"do", "\x1b[31m"}}), "surehopd does not know the request '?[31m'");
    EXPECT_EQ(error(Json::object()), "surehopd does not know the request ''");
    EXPECT_EQ(error({{"do", 3}}), "surehopd does not know the request ''");
    EXPECT_EQ(error({{"do", Json::array()}}), "surehopd does not know the request ''");
    EXPECT_FALSE(error({{"do", "explain"}}).empty());
    EXPECT_FALSE(error({{"do", "explain"}, {"address", "<>"}}).empty());
    EXPECT_FALSE(error({{"do", "explain"}, {"address", "no address"}}).empty());
    EXPECT_TRUE(
        error({{"do", "explain"}, {"address", "b@a.test"}, {"from", "@"}}).starts_with("--from: "));
    EXPECT_FALSE(error({{"do", "facts show"}}).empty());
    EXPECT_FALSE(error({{"do", "facts show"}, {"next_hop", "a.test, b.test"}}).empty());
    EXPECT_FALSE(error({{"do", "facts forget"}, {"next_hop", ""}}).empty());
    EXPECT_FALSE(error({{"do", "trace"}}).empty());
    for (const Json& id :
         {Json(7), Json("1"), Json(-1), Json(nullptr), Json(1.5), Json(18446744073709551615U)}) {
        EXPECT_FALSE(error({{"do", "allow show"}, {"id", id}}).empty());
        EXPECT_FALSE(error({{"do", "allow remove"}, {"id", id}, {"reason", "x"}}).empty());
    }
}

TEST_F(CommandsTest, ExplainSaysEachStage) {
    const Json told = result({{"do", "explain"}, {"address", "B@Dane.test"}, {"from", "a@b.test"}});
    EXPECT_EQ(told.at("recipient"), "B@dane.test");
    EXPECT_EQ(told.at("next_hop"), (Json{{"kind", "domain"},
                                         {"name", "dane.test"},
                                         {"port", 25},
                                         {"source", "recipient-domain"}}));
    EXPECT_EQ(told.at("requirement").at("minimum"), "authenticated");
    EXPECT_EQ(told.at("exception"), nullptr);
    EXPECT_EQ(told.at("promise"), nullptr);
    EXPECT_EQ(told.at("facts").at("mx").at("hosts").at(0).at("tlsa").at("usable"), 1);
    EXPECT_EQ(told.at("offers").at(0).at("level"), "dane");
    EXPECT_EQ(told.at("offers").at(0).at("binding").at("postfix"), "dane-only");
    EXPECT_EQ(told.at("offers").at(0).at("binding").at("sendmail"), nullptr);
    EXPECT_EQ(told.at("verdict").at("outcome"), "meets");
    EXPECT_EQ(told.at("verdict").at("action"), "accept");
    EXPECT_EQ(told.at("verdict").at("reply"), "");
    const Json short_of = result({{"do", "explain"}, {"address", "b@none.test"}});
    EXPECT_EQ(short_of.at("verdict").at("outcome"), "falls-short");
    EXPECT_TRUE(short_of.at("verdict").at("reply").get<std::string>().starts_with("550 5.7.10 "));
}

// Without header and size as at RCPT; with them as at the end of the message.
TEST_F(CommandsTest, ExplainKnowsAsMuchOfTheMessageAsItIsTold) {
    world.configure(R"(
[mta]
lock = "postfix"
[policy]
minimum = "none"
mode = "enforce"
[[rule]]
name = "secret"
header = { "X-Label" = "secret" }
minimum = "dane"
[[rule]]
name = "big"
larger_than = 1000
user = ["alice"]
client = ["10.0.0.0/8"]
listener = ["submission"]
minimum = "verified"
)");
    const auto asked = [&](Json more) {
        Json ask{{"do", "explain"}, {"address", "b@none.test"}};
        ask.update(more);
        const Json told = result(ask);
        return told.at("requirement").at("rule").get<std::string>() + " " +
               print_json(told.at("open"));
    };
    EXPECT_EQ(asked(Json::object()), R"(default ["secret","big","default"])");
    const Json nobody{{"user", ""}, {"client", "10.1.1.1"}, {"listener", "submission"}};
    EXPECT_EQ(asked(nobody), R"(default ["secret","default"])");
    EXPECT_EQ(asked({{"header", {"X-LABEL: top secret", "A: b"}}, {"user", ""}}), "secret []");
    EXPECT_EQ(asked({{"header", {"X-Label: public"}}, {"user", ""}}), "default []");
    EXPECT_EQ(asked({{"size", "1001"}, {"user", "alice"}}), "big []");
    EXPECT_EQ(asked({{"size", "1000"}, {"user", "alice"}}), "default []");
    const Json raised = result({{"do", "explain"},
                                {"address", "b@none.test"},
                                {"user", ""},
                                {"header", {"A: b"}},
                                {"requiretls", true}});
    EXPECT_EQ(raised.at("requirement").at("minimum"), "authenticated");

    const auto refused = [&](Json more) {
        Json ask{{"do", "explain"}, {"address", "b@none.test"}};
        ask.update(more);
        return error(ask);
    };
    EXPECT_EQ(refused({{"client", "nowhere"}}), "--client: 'nowhere' is no address");
    EXPECT_EQ(refused({{"size", "10MB"}}), "--size: '10MB' is no number of octets");
    EXPECT_EQ(refused({{"header", {"X-Label"}}}),
              "--header: 'X-Label' is no header field; write --header 'X-Label: secret'");
    EXPECT_FALSE(refused({{"header", {7}}}).empty());
}

TEST_F(CommandsTest, ExplainIsTheGateOfTheMilter) {
    for (const char* to : {"b@dane.test", "b@none.test", "b@gone.test", "b@[192.0.2.1]"}) {
        const Decision decided = world.mail("a@b.test", to);
        const Json told = result({{"do", "explain"}, {"address", to}, {"from", "a@b.test"}});
        EXPECT_EQ(told.at("verdict").at("outcome"), name_of(decided.verdict.outcome)) << to;
        EXPECT_EQ(told.at("verdict").at("reason"), token_of(decided.verdict.reason)) << to;
    }
}

TEST_F(CommandsTest, FactsShownRefreshedListedForgotten) {
    const Json shown = result({{"do", "facts show"}, {"next_hop", "DANE.test"}});
    EXPECT_EQ(shown.at("next_hop").at("name"), "dane.test");
    EXPECT_EQ(shown.at("offers").at(0).at("level"), "dane");
    const std::size_t asked = world.dns.asked.size();
    (void)result({{"do", "facts show"}, {"next_hop", "dane.test"}});
    EXPECT_EQ(world.dns.asked.size(), asked) << "known";
    (void)result({{"do", "facts refresh"}, {"next_hop", "dane.test"}});
    EXPECT_EQ(world.dns.asked.size(), 2 * asked);
    const Json listed = result({{"do", "facts list"}});
    ASSERT_EQ(listed.at("facts").size(), 1U);
    EXPECT_EQ(listed.at("facts").at(0).at("next_hop"), "dane.test");
    EXPECT_EQ(listed.at("facts").at(0).at("level"), "dane");
    EXPECT_EQ(listed.at("more"), false);
    EXPECT_EQ(listed.at("facts").at(0).at("state"), "current");
    EXPECT_EQ(listed.at("facts").at(0).at("unknown"), nullptr);
    EXPECT_TRUE(result({{"do", "facts forget"}, {"next_hop", "dane.test"}}).at("forgotten"));
    EXPECT_FALSE(result({{"do", "facts forget"}, {"next_hop", "dane.test"}}).at("forgotten"));
    EXPECT_EQ(result({{"do", "facts list"}}).at("facts").size(), 0U);
}

TEST_F(CommandsTest, AnAnswerThatDoesNotHoldAllSaysSo) {
    const auto trace = [&](std::size_t count) {
        LedgerRow row;
        row.kind = "decision";
        row.recipient = "bob@none.test";
        must(world.process().ledger.append(std::vector<LedgerRow>(count, row)));
        return result({{"do", "trace"}, {"what", "bob@none.test"}});
    };
    EXPECT_EQ(trace(100).at("more"), false);
    const Json more = trace(1);
    EXPECT_EQ(more.at("more"), true);
    EXPECT_EQ(more.at("rows").size(), 100U);

    const auto list = [&](int from, int to) {
        for (int i = from; i < to; ++i)
            world.process().facts.put("d" + std::to_string(i) + ".test",
                                      std::make_shared<const Facts>());
        return result({{"do", "facts list"}});
    };
    EXPECT_EQ(list(0, 1000).at("more"), false);
    const Json most = list(1000, 1001);
    EXPECT_EQ(most.at("more"), true);
    EXPECT_EQ(most.at("facts").size(), 1000U);
}

TEST_F(CommandsTest, WhatIsUnknownOrExpiredIsNotListedAsNone) {
    (void)result({{"do", "facts show"}, {"next_hop", "bogus.test"}});
    const Json unknown = result({{"do", "facts list"}}).at("facts").at(0);
    EXPECT_EQ(unknown.at("level"), nullptr);
    EXPECT_EQ(unknown.at("unknown"), "dane");
    (void)result({{"do", "facts forget"}, {"next_hop", "bogus.test"}});

    (void)result({{"do", "facts show"}, {"next_hop", "dane.test"}});
    world.clock.advance(std::chrono::hours{48});
    const Json expired = result({{"do", "facts list"}}).at("facts").at(0);
    EXPECT_EQ(expired.at("state"), "expired");
    EXPECT_EQ(expired.at("level"), nullptr);
}

TEST_F(CommandsTest, ExceptionsComeAndGo) {
    const Json added = result(exception());
    const auto id = added.at("id").get<std::int64_t>();
    EXPECT_EQ(added.at("created_by"), "uid 0 (root)");
    ASSERT_EQ(added.at("notes").size(), 1U) << "the whole next hop is open at delivery";
    EXPECT_EQ(result({{"do", "explain"}, {"address", "b@none.test"}}).at("verdict").at("outcome"),
              "meets");
    EXPECT_TRUE(result({{"do", "allow show"}, {"id", id}}).at("live").get<bool>());
    EXPECT_EQ(result({{"do", "allow list"}}).at("exceptions").size(), 1U);
    EXPECT_FALSE(error({{"do", "allow remove"}, {"id", id}}).empty()) << "for what reason?";
    (void)result({{"do", "allow remove"}, {"id", id}, {"reason", "moved"}});
    EXPECT_FALSE(error({{"do", "allow remove"}, {"id", id}, {"reason", "moved"}}).empty());
    EXPECT_EQ(result({{"do", "explain"}, {"address", "b@none.test"}}).at("verdict").at("outcome"),
              "falls-short");
    EXPECT_FALSE(result({{"do", "allow show"}, {"id", id}}).at("live").get<bool>());
}

TEST_F(CommandsTest, ExceptionsThatAreNone) {
    const auto without = [&](const char* name, Json value = nullptr) {
        Json request = exception();
        request[name] = std::move(value);
        return error(std::move(request));
    };
    EXPECT_FALSE(without("recipient").empty());
    EXPECT_FALSE(without("recipient", "*").empty()) << "for everybody is no exception";
    EXPECT_FALSE(without("recipient", "b@*.test").empty());
    EXPECT_TRUE(without("sender", "a@*.test").starts_with("--from: "));
    EXPECT_FALSE(without("lowest").empty());
    EXPECT_FALSE(without("lowest", "low").empty());
    EXPECT_FALSE(without("reason").empty());
    EXPECT_FALSE(without("owner").empty());
    EXPECT_FALSE(without("until").empty());
    EXPECT_FALSE(without("until", "soon").empty());
    EXPECT_FALSE(without("until", "2020-01-01").empty()) << "it is over before it begins";
    EXPECT_EQ(result({{"do", "allow list"}}).at("exceptions").size(), 0U);
}

TEST_F(CommandsTest, ExceptionUnderALivePromiseSaysSo) {
    world.keep_promise(world.mail("a@clinic.example", "b@dane.test"));
    const Json promises = result({{"do", "promise list"}});
    ASSERT_EQ(promises.at("promises").size(), 1U);
    EXPECT_EQ(promises.at("promises").at(0).at("next_hop"), "dane.test");
    EXPECT_EQ(promises.at("promises").at(0).at("level"), "authenticated");
    EXPECT_EQ(promises.at("promises").at(0).at("until").get<std::string>().size(), 20U);
    const Json notes = result(exception("dane.test")).at("notes");
    ASSERT_EQ(notes.size(), 3U);
    EXPECT_EQ(notes.at(0), "mail to @dane.test meets the minimum authenticated (rule \"default\") "
                           "without this exception: dane.test offered dane when it was last looked "
                           "up, at 2027-01-15T08:00:00Z");
    EXPECT_NE(notes.at(1).get<std::string>().find("'surehop promise release dane.test'"),
              std::string::npos);
    EXPECT_EQ(result({{"do", "explain"}, {"address", "b@dane.test"}}).at("promise").at("level"),
              "authenticated");
}

// The whole next hop is open, and yet mail would be accepted and wait: whoever adds it is told.
TEST_F(CommandsTest, ExceptionAgainstAPublishedPolicySaysSo) {
    world.dns.add("_mta-sts.none.test TXT v=STSv1; id=1;");
    world.dns.add("mta-sts.none.test A 192.0.2.5");
    world.https.serve("none.test",
                      "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: other.none.test\n");
    EXPECT_EQ(world.mail("a@clinic.example", "b@none.test").verdict.reason,
              Reason::sts_mx_mismatch);
    const Json notes = result(exception("none.test")).at("notes");
    ASSERT_EQ(notes.size(), 1U) << print_json(notes);
    EXPECT_EQ(notes.at(0), "at delivery, mail to none.test is still held back: mail must wait: its "
                           "MTA-STS policy allows none of its MX hosts");
}

TEST_F(CommandsTest, ExceptionForADomainThatIsRoutedSaysSo) {
    world.configure("[mta]\nlock = \"postfix\"\n[policy]\nminimum = \"authenticated\"\nmode = "
                    "\"enforce\"\n[[route]]\ndomain = [\"far.test\"]\nnext_hop = \"none.test\"\n");
    (void)world.mail("a@clinic.example", "b@far.test");
    const Json notes = result(exception("far.test")).at("notes");
    ASSERT_EQ(notes.size(), 2U) << print_json(notes);
    EXPECT_EQ(notes.at(0), "mail to far.test goes by way of none.test, for which the exception "
                           "changes nothing");
    EXPECT_EQ(notes.at(1), "at delivery, mail to none.test is still held back: authenticated is "
                           "required, but it publishes neither DANE nor MTA-STS");
}

TEST_F(CommandsTest, PromisesOfHeldMailAreReleasedByHand) {
    must(world.process().promises->keep({{"none.test", Level::dane}}, world.clock.now(),
                                        Promises::until_released));
    EXPECT_EQ(result({{"do", "promise list"}}).at("promises").at(0).at("until"), nullptr);
    EXPECT_FALSE(error({{"do", "promise release"}, {"next_hop", "none.test"}}).empty()) << "why?";
    EXPECT_FALSE(error({{"do", "promise release"}, {"reason", "x"}}).empty()) << "for whom?";
    const Json released =
        result({{"do", "promise release"}, {"next_hop", "NONE.test"}, {"reason", "delivered"}});
    ASSERT_EQ(released.at("released").size(), 1U);
    EXPECT_EQ(released.at("released").at(0).at("level"), "dane");
    EXPECT_TRUE(result({{"do", "promise list"}}).at("promises").empty());
}

TEST_F(CommandsTest, ReloadIsHandedOn) {
    (void)result({{"do", "reload"}});
    EXPECT_EQ(reloads, 1);
}

} // namespace
} // namespace surehop::test
