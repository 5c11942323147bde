// SPDX-License-Identifier: Apache-2.0
#include "control/quarantine_commands.h"

#include "gate/local_time.h"
#include "support/held_world.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop::test {
namespace {

using Recipients = std::vector<std::string>;

class QuarantineTest : public ::testing::Test {
  protected:
    Json result(Json request) {
        const Json reply = held.ask(std::move(request));
        EXPECT_TRUE(reply.at("ok").get<bool>()) << print_json(reply);
        return reply.value("result", Json());
    }
    std::string error(Json request) {
        const Json reply = held.ask(std::move(request));
        EXPECT_FALSE(reply.at("ok").get<bool>()) << print_json(reply);
        return reply.value("error", std::string());
    }
    Json releasing(const Json& message, const char* step = "recheck") {
        return Json{{"do", "quarantine release"}, {"message", message}, {"step", step}};
    }
    bool released(const Json& message, const char* step = "recheck") {
        return result(releasing(message, step)).at("released").get<bool>();
    }
    Json judged(const Json& message) {
        return result({{"do", "quarantine judge"}, {"message", message}});
    }
    std::size_t settled(const std::vector<std::string>& in_queue = {}) {
        return result({{"do", "quarantine settle"}, {"held", in_queue}}).at("ended").size();
    }
    // What has been said for the recipient of a message that has one.
    std::string found(const Json& message) {
        const Json one = judged(message).at("recipients").at(0);
        return text_of(one, "outcome") + " " + text_of(one, "reason");
    }

    HeldWorld held;
    World& world = held.world;
    const Time end = world.clock.now() + std::chrono::days{6} + Seconds{3600};
};

TEST_F(QuarantineTest, WhichAreOursAndWhy) {
    ASSERT_TRUE(held.send("4OURS", {"bob@late.test", "amy@dane.test"}));
    const Json listed =
        result({{"do", "quarantine list"},
                {"messages", Json::array({held.message("4OURS", {"bob@late.test", "amy@dane.test"}),
                                          held.message("4OTHER", {"bob@late.test"})})}});
    const Json& ours = listed.at("messages").at(0);
    EXPECT_TRUE(ours.at("ours").get<bool>());
    ASSERT_EQ(ours.at("held_for").size(), 1U) << "who meets is no cause";
    const Json& cause = ours.at("held_for").at(0);
    EXPECT_EQ(cause.at("recipient"), "bob@late.test");
    EXPECT_EQ(cause.at("rule"), "patient data");
    EXPECT_EQ(cause.at("minimum"), "dane");
    EXPECT_EQ(cause.at("reason"), "tlsa-none");
    EXPECT_EQ(cause.at("found"), "its mail host publishes no TLSA record");
    EXPECT_EQ(cause.at("reference").get<std::string>().size(), 10U);
    EXPECT_EQ(ours.at("recipients").at(1),
              (Json{{"address", "amy@dane.test"}, {"next_hops", Json::array({"dane.test"})}}));
    EXPECT_FALSE(listed.at("messages").at(1).at("ours").get<bool>());
    EXPECT_TRUE(listed.at("fields").empty());

    Json later = held.message("4OURS", {"bob@late.test"});
    later["arrival"] = format_time(held.arrival + std::chrono::days{3});
    EXPECT_FALSE(result({{"do", "quarantine list"}, {"messages", Json::array({later})}})
                     .at("messages")
                     .at(0)
                     .at("ours")
                     .get<bool>())
        << "the queue id is used again";
}

TEST_F(QuarantineTest, RequestsThatAreNone) {
    Json bare = held.message("4OURS", {"bob@late.test"});
    EXPECT_EQ(error(releasing(bare)), "the ledger does not say that surehop had 4OURS held");
    EXPECT_FALSE(error({{"do", "quarantine release"}, {"step", "recheck"}}).empty());
    EXPECT_FALSE(error({{"do", "quarantine judge"}}).empty());
    EXPECT_FALSE(error({{"do", "quarantine dance"}}).empty());
    ASSERT_TRUE(held.send("4OURS", {"bob@late.test"}));
    EXPECT_FALSE(error(releasing(bare, "dance")).empty());
    for (const char* missing : {"queue_id", "arrival", "recipients"}) {
        Json less = bare;
        less.erase(missing);
        EXPECT_FALSE(error(releasing(less)).empty()) << missing;
    }
    bare["recipients"] = Json::array({1});
    EXPECT_FALSE(error(releasing(bare)).empty());
    bare["recipients"] = Json::array();
    EXPECT_FALSE(released(bare)) << "nobody passes where nobody is";
    EXPECT_FALSE(error({{"do", "quarantine discard"}, {"message", bare}, {"reason", "x"}}).empty());
    EXPECT_FALSE(error({{"do", "quarantine settle"}, {"oldest", "long ago"}}).empty());
}

TEST_F(QuarantineTest, WithSendmailTheErrorSaysWhatToDoByHand) {
    Site site = *world.site();
    site.lock = Lock::sendmail;
    world.set(site);
    EXPECT_NE(error({{"do", "quarantine list"}}).find("sendmail -Q -qIid"), std::string::npos);
}

TEST_F(QuarantineTest, WhatStillFallsShortIsKeptAndToldOnce) {
    ASSERT_TRUE(held.send("4OURS", {"bob@late.test", "amy@dane.test"}));
    const Json message = held.message("4OURS", {"bob@late.test", "amy@dane.test"});
    const Json said = result(releasing(message));
    EXPECT_FALSE(said.at("released").get<bool>());
    const Json& bob = said.at("recipients").at(0);
    EXPECT_FALSE(bob.at("passes").get<bool>());
    EXPECT_EQ(bob.at("outcome"), "falls-short");
    EXPECT_EQ(bob.at("offered"), "verified") << "which holds only if it is bound";
    EXPECT_EQ(bob.at("lowest"), "encrypted");
    EXPECT_EQ(bob.at("rule"), "patient data");
    EXPECT_TRUE(said.at("recipients").at(1).at("passes").get<bool>());
    EXPECT_TRUE(held.rows("4OURS", "quarantine-release").empty());
    EXPECT_TRUE(held.rows("4OURS", "quarantine-kept").empty())
        << "a recheck every hour fills no ledger with what it says already";

    EXPECT_FALSE(released(message, "release"));
    const auto asked = held.rows("4OURS", "quarantine-kept");
    ASSERT_EQ(asked.size(), 1U) << "but whoever asked for it is told of";
    EXPECT_EQ(asked[0].recipient, "bob@late.test");
    EXPECT_EQ(asked[0].detail, "by uid 0 (root); release");

    world.clock.advance(std::chrono::hours{2});
    world.dns.add("mx.late.test A fails servfail");
    (void)result({{"do", "facts refresh"}, {"next_hop", "late.test"}});
    EXPECT_FALSE(released(message));
    EXPECT_FALSE(released(message));
    EXPECT_EQ(held.rows("4OURS", "quarantine-kept").size(), 2U) << "something else was found, once";
}

TEST_F(QuarantineTest, WhatMeetsNowIsBoundAndRecordedBeforeItMayLeave) {
    ASSERT_TRUE(held.send("4OURS", {"bob@late.test", "amy@dane.test"}));
    const Json message = held.message("4OURS", {"bob@late.test", "amy@dane.test"});
    EXPECT_EQ(held.promise("late.test"), "");
    EXPECT_EQ(held.promise("dane.test"), "dane released");
    held.publish_dane("late.test");
    (void)result({{"do", "facts refresh"}, {"next_hop", "late.test"}});
    EXPECT_TRUE(judged(message).at("passes").get<bool>());
    EXPECT_TRUE(held.rows("4OURS", "quarantine-release").empty()) << "asking changes nothing";
    EXPECT_EQ(held.promise("late.test"), "");

    Json request = releasing(message, "release");
    request["reason"] = "they publish DANE";
    EXPECT_TRUE(result(request).at("released").get<bool>());
    EXPECT_EQ(held.promise("late.test"), "dane " + format_time(end))
        << "the lock holds at delivery what the rule asks of this sender alone";
    const auto rows = held.rows("4OURS", "quarantine-release");
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].recipient, "bob@late.test");
    EXPECT_EQ(rows[0].sender, "ward@clinic.example");
    EXPECT_EQ(rows[0].detail, "by uid 0 (root); release: they publish DANE");
    EXPECT_EQ(rows[0].outcome, "meets");
    EXPECT_EQ(rows[0].offer, "dane mx.late.test");
    EXPECT_EQ(rows[0].reference, held.rows("4OURS", "decision")[0].reference)
        << "trace finds it by the reference that the header has";
}

// What the ledger does not hold, does not leave.
TEST_F(QuarantineTest, WithoutItsRowsNothingIsReleasedNorDiscarded) {
    ASSERT_TRUE(held.send("4OURS", {"amy@dane.test", "bob@late.test"}));
    held.publish_dane("late.test");
    (void)result({{"do", "facts refresh"}, {"next_hop", "late.test"}});
    const Json message = held.message("4OURS", {"amy@dane.test", "bob@late.test"});
    const auto change = [&](std::string sql) {
        must(world.process().store.writer.submit_and_wait(
            [sql](Database& d) { return d.execute(sql); }));
    };
    change("ALTER TABLE promise RENAME TO gone");
    EXPECT_NE(error(releasing(message)).find("promise"), std::string::npos);
    change("ALTER TABLE gone RENAME TO promise");
    change("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT raise(ABORT, 'full'); END");
    EXPECT_NE(error(releasing(message)).find("full"), std::string::npos);
    EXPECT_FALSE(
        error({{"do", "quarantine discard"}, {"message", message}, {"reason", "x"}}).empty());
    EXPECT_FALSE(error({{"do", "quarantine failed"}, {"message", message}}).empty());
    EXPECT_TRUE(held.rows("4OURS", "quarantine-release").empty());
    change("DROP TRIGGER full");
    EXPECT_TRUE(released(message));
}

TEST_F(QuarantineTest, ThreeOutcomesThatAreNotMeeting) {
    ASSERT_TRUE(held.send("4A", {"bob@bogus.test"}));
    EXPECT_EQ(found(held.message("4A", {"bob@bogus.test"})), "unknown dns-bogus");
    const Json odd = judged(held.message("4A", {"no address at all"}));
    EXPECT_FALSE(odd.at("passes").get<bool>());
    EXPECT_EQ(odd.at("recipients").at(0).at("outcome"), "unknown") << "never low";
    EXPECT_FALSE(released(held.message("4A", {"no address at all"}), "release"));
    EXPECT_EQ(held.rows("4A", "quarantine-kept").at(0).outcome, "unknown");
}

TEST_F(QuarantineTest, TheRulesOfTodayDecideAboutTheMessageAsItCame) {
    ASSERT_TRUE(held.send("4A", {"bob@late.test"}));
    world.configure(R"(
[mta]
lock = "postfix"
[policy]
minimum = "none"
mode = "enforce"
[[rule]]
name = "label"
sender = ["ward@clinic.example"]
header = { "X-Label" = "secret" }
minimum = "dane"
falls_short = "quarantine"
[[rule]]
name = "users"
user = ["*"]
minimum = "dane"
[[rule]]
name = "big"
larger_than = 5000
minimum = "dane"
[[rule]]
name = "there"
client = ["10.0.0.0/8"]
minimum = "dane"
)");
    const auto fields = result({{"do", "quarantine list"}}).at("fields");
    EXPECT_EQ(fields, Json::array({"x-label"})) << "so that no other is sent";
    const auto passes = [&](const Json& more) {
        Json message = held.message("4A", {"bob@late.test"});
        message.update({{"user", ""}, {"client", "192.0.2.1"}});
        message.update(more);
        return judged(message).at("passes").get<bool>();
    };
    EXPECT_TRUE(passes(Json::object()));
    EXPECT_FALSE(passes({{"header", Json::array({"X-Label: top secret"})}}));
    EXPECT_FALSE(passes({{"header", Json::array({"x-label:\n =?utf-8?B?c2VjcmV0?="})}}))
        << "as the gate reads";
    EXPECT_FALSE(passes({{"header_all", false}})) << "it may be in what is left out";
    EXPECT_FALSE(passes({{"user", "ward"}}));
    EXPECT_FALSE(passes({{"user", nullptr}})) << "not said is not nobody";
    EXPECT_FALSE(passes({{"size", "6000"}}));
    EXPECT_FALSE(passes({{"client", "10.1.1.1"}}));
    EXPECT_FALSE(passes({{"client", nullptr}}));
    EXPECT_FALSE(passes({{"client", "odd"}}));
    Json bare = held.message("4A", {"bob@late.test"});
    bare.erase("header");
    bare.erase("size");
    EXPECT_FALSE(judged(bare).at("passes").get<bool>()) << "nothing is told: the stricter counts";
}

TEST_F(QuarantineTest, TheHourIsThatOfTheMessage) {
    ASSERT_TRUE(held.send("4A", {"bob@late.test"}));
    const auto at = local_time(held.arrival);
    ASSERT_TRUE(at);
    const auto clock = [](int minute) {
        return fmt::format("{:02}:{:02}", minute / 60 % 24, minute % 60);
    };
    world.configure(fmt::format(R"(
[mta]
lock = "postfix"
[policy]
minimum = "none"
mode = "enforce"
[[rule]]
name = "then"
hours = ["{}-{}"]
minimum = "dane"
)",
                                clock(at->minute + 1440 - 30), clock(at->minute + 30)));
    const Json message = held.message("4A", {"bob@late.test"});
    EXPECT_FALSE(judged(message).at("passes").get<bool>());
    world.clock.advance(std::chrono::hours{2});
    EXPECT_FALSE(judged(message).at("passes").get<bool>())
        << "a rule of the night is not waited out";
}

TEST_F(QuarantineTest, TheSenderWhoAskedForTlsStillDoes) {
    ASSERT_TRUE(held.send("4A", {"bob@late.test"}, {"REQUIRETLS"}));
    Json exception{{"do", "allow add"}, {"recipient", "bob@late.test"},
                   {"lowest", "none"},  {"reason", "old host"},
                   {"owner", "ops"},    {"until", "+1h"}};
    (void)result(exception);
    EXPECT_FALSE(released(held.message("4A", {"bob@late.test"})))
        << "an exception is for what rules ask";
}

TEST_F(QuarantineTest, TheWayIsThatOfTheMailServer) {
    // By a relay that has DANE, and then by one that has not.
    ASSERT_TRUE(held.send("4A", {"bob@dane.test"}, {}, "late.test"));
    const Json message = held.message("4A", {"bob@dane.test"});
    EXPECT_FALSE(released(message)) << "not by the domain of the address";
    const Json listed = result({{"do", "quarantine list"}, {"messages", Json::array({message})}});
    EXPECT_EQ(listed.at("messages").at(0).at("recipients").at(0).at("next_hops"),
              Json::array({"late.test"}));

    // Any of a list may be used, and the weakest may be another one by now.
    ASSERT_TRUE(held.send("4B", {"bob@dane.test"}, {}, "two.test, late.test"));
    world.dns.remove("_25._tcp.mx.two.test", "TLSA");
    held.publish_dane("late.test");
    for (const char* one : {"two.test", "late.test"})
        (void)result({{"do", "facts refresh"}, {"next_hop", one}});
    EXPECT_TRUE(released(message));
    EXPECT_FALSE(released(held.message("4B", {"bob@dane.test"})));

    // An alias has led to it since: nobody knows the way, and its domain decides.
    EXPECT_TRUE(judged(held.message("4B", {"x@dane.test"})).at("passes").get<bool>());
}

TEST_F(QuarantineTest, WhatCouldNotBeSeenThenCannotBeSeenNow) {
    LedgerRow row;
    row.time = held.arrival;
    row.kind = "decision";
    row.queue_id = "4A";
    row.sender = "ward@clinic.example";
    row.recipient = "list@dane.test";
    row.next_hop = "hidden dane.test";
    row.action = "quarantine";
    must(world.process().ledger.append({row}));
    const Json one = judged(held.message("4A", {"list@dane.test"})).at("recipients").at(0);
    EXPECT_EQ(one.at("reason"), "next-hop-hidden");
    EXPECT_FALSE(one.at("passes").get<bool>());
}

TEST_F(QuarantineTest, AnExceptionReleasesAndIsTheNewPromise) {
    ASSERT_TRUE(held.send("4A", {"bob@late.test"}));
    const Json message = held.message("4A", {"bob@late.test"});
    EXPECT_TRUE(world.lock("late.test").starts_with("TEMP"));
    Json exception{
        {"do", "allow add"}, {"recipient", "bob@late.test"}, {"sender", "ward@clinic.example"},
        {"lowest", "none"},  {"reason", "by phone"},         {"owner", "ops"},
        {"until", "+1h"}};
    (void)result(exception);
    EXPECT_TRUE(released(message, "release"));
    EXPECT_EQ(held.rows("4A", "quarantine-release").at(0).exception, 1);
    EXPECT_TRUE(world.lock("late.test").starts_with("NOTFOUND"))
        << "though it is for one sender: the lock sees none";
}

// ---- promises ----

TEST_F(QuarantineTest, WhatWasPromisedOfHeldMailEndsWhenItIsOutOfTheQueue) {
    ASSERT_TRUE(held.send("4A", {"bob@late.test", "amy@dane.test"}));
    EXPECT_EQ(settled(), 0U) << "the ledger says that it is held, whatever the queue says";
    held.publish_dane("late.test");
    (void)result({{"do", "facts refresh"}, {"next_hop", "late.test"}});
    EXPECT_TRUE(released(held.message("4A", {"bob@late.test", "amy@dane.test"})));
    EXPECT_EQ(settled({"4A"}), 0U) << "the queue says that it is held, whatever the ledger says";
    EXPECT_EQ(held.promise("dane.test"), "dane released");
    EXPECT_EQ(settled({"4OTHER"}), 1U);
    EXPECT_EQ(held.promise("dane.test"), "dane " + format_time(end));
    EXPECT_EQ(settled(), 0U);
}

TEST_F(QuarantineTest, AMessageThatRestsOnTheSamePromiseKeepsIt) {
    ASSERT_TRUE(held.send("4A", {"bob@late.test", "amy@dane.test", "x@two.test"}));
    ASSERT_TRUE(held.send("4B", {"bob@late.test", "eve@dane.test"}));
    const auto discard = [&](const char* id) {
        (void)result({{"do", "quarantine discard"},
                      {"message", held.message(id, {"bob@late.test"})},
                      {"reason", "spam"}});
    };
    discard("4A");
    EXPECT_EQ(settled({"4B"}), 1U);
    EXPECT_EQ(held.promise("dane.test"), "dane released");
    EXPECT_EQ(held.promise("two.test"), "dane " + format_time(end));
    discard("4B");
    EXPECT_EQ(settled(), 1U);
    EXPECT_EQ(held.promise("dane.test"), "dane " + format_time(end))
        << "not at once: other mail may have been accepted under it meanwhile";
}

TEST_F(QuarantineTest, AStepThatTheMailServerDidNotDoEndsNoPromise) {
    ASSERT_TRUE(held.send("4A", {"bob@late.test", "amy@dane.test"}));
    const Json message = held.message("4A", {"bob@late.test", "amy@dane.test"});
    (void)result({{"do", "quarantine discard"}, {"message", message}, {"reason", "spam"}});
    (void)result({{"do", "quarantine failed"},
                  {"message", message},
                  {"step", "discard"},
                  {"error", "postsuper: \x1b[31mno"}});
    const auto rows = held.rows("4A", "quarantine-failed");
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].detail, "by uid 0 (root); discard: postsuper: ?[31mno");
    EXPECT_EQ(settled(), 0U);
    EXPECT_EQ(held.promise("dane.test"), "dane released");
}

TEST_F(QuarantineTest, WhatTheLedgerDoesNotReachBackToStaysAsItIs) {
    ASSERT_TRUE(held.send("4A", {"bob@late.test", "amy@dane.test"}));
    const Json message = held.message("4A", {"bob@late.test"});
    (void)result({{"do", "quarantine discard"}, {"message", message}, {"reason", "spam"}});
    LedgerRow cut;
    cut.time = held.arrival;
    cut.kind = "retention";
    must(world.process().ledger.append({cut}));
    const auto ended = [&](Time oldest) {
        return result({{"do", "quarantine settle"},
                       {"held", Json::array({"4OLD"})},
                       {"oldest", format_time(oldest)}})
            .at("ended")
            .size();
    };
    EXPECT_EQ(ended(held.arrival - Seconds{1}), 0U) << "what was promised of it is gone";
    EXPECT_EQ(ended(held.arrival + Seconds{1}), 1U);
}

TEST_F(QuarantineTest, OnWhatCannotBeReadNothingEnds) {
    ASSERT_TRUE(held.send("4A", {"bob@late.test", "amy@dane.test"}));
    LedgerRow odd;
    odd.kind = "quarantine-hold";
    odd.queue_id = "4ODD";
    odd.detail = "who knows";
    must(world.process().ledger.append({odd}));
    EXPECT_FALSE(error({{"do", "quarantine settle"}}).empty());
    EXPECT_EQ(held.promise("dane.test"), "dane released");
}

} // namespace
} // namespace surehop::test
