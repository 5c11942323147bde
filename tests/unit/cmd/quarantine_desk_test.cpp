// SPDX-License-Identifier: Apache-2.0
#include "cmd/quarantine_desk.h"

#include "support/held_world.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace surehop::test {
namespace {

// The mail server's hold queue, and what was done to it.
class FakeQueue final : public MailQueue {
  public:
    Result<HoldQueue> held() override {
        if (!broken.empty())
            return Error{broken};
        return HoldQueue{messages, unreadable};
    }
    Result<QueueFile> read(const std::string& id) override {
        if (!cannot_read.empty())
            return Error{cannot_read};
        return files[id];
    }
    Status release(const std::string& id) override { return take("released " + id, id); }
    Status discard(const std::string& id) override { return take("discarded " + id, id); }

    std::vector<QueuedMessage> messages;
    std::map<std::string, QueueFile> files;
    std::vector<std::string> done;
    std::size_t unreadable = 0;
    std::string broken, cannot_read, cannot_change;

  private:
    Status take(const std::string& what, const std::string& id) {
        if (!cannot_change.empty())
            return Error{cannot_change};
        done.push_back(what);
        std::erase_if(messages, [&](const QueuedMessage& one) { return one.queue_id == id; });
        return Done{};
    }
};

class DeskTest : public ::testing::Test {
  protected:
    void hold(const std::string& id, const std::vector<std::string>& recipients) {
        ASSERT_TRUE(held.send(id, recipients));
        in_queue(id, recipients);
    }
    void in_queue(const std::string& id, const std::vector<std::string>& recipients) {
        queue.messages.push_back({id, held.arrival, 1000, "ward@clinic.example", recipients});
    }
    std::string result(const Json& out, std::size_t place = 0) {
        return text_of(out.at("messages").at(place), "result");
    }
    std::size_t asked(const std::string& what) {
        return static_cast<std::size_t>(std::ranges::count(requests, what));
    }
    Json promises() { return held.ask({{"do", "promise list"}}).at("result").at("promises"); }

    HeldWorld held;
    FakeQueue queue;
    std::vector<std::string> requests; // in order
    std::string refused;               // a request that the daemon does not answer
    QuarantineDesk desk{{queue, [this](const Json& ask) -> Result<Json> {
                             const std::string what = text_of(ask, "do");
                             requests.push_back(what);
                             if (what == refused)
                                 return Error{"the daemon says no"};
                             const Json reply = held.ask(ask);
                             if (!flag_of(reply, "ok"))
                                 return Error{text_of(reply, "error")};
                             return reply.at("result");
                         }}};
    const ExceptionTerms terms{"+1h", "by phone", "ops", "T-1", ""};
};

TEST_F(DeskTest, ListsOursWithTheirReasonsAndCountsTheRest) {
    EXPECT_TRUE(value(desk.list()).at("messages").empty());
    hold("4AAAA", {"bob@late.test", "amy@dane.test"});
    for (int i = 0; i < 250; ++i)
        in_queue("4X" + std::to_string(10'000 + i), {"x@y.test"});
    queue.unreadable = 2;
    requests.clear();
    const Json out = value(desk.list());
    ASSERT_EQ(out.at("messages").size(), 1U);
    const Json& one = out.at("messages").at(0);
    EXPECT_EQ(one.at("queue_id"), "4AAAA");
    EXPECT_EQ(one.at("since"), format_time(held.arrival));
    EXPECT_EQ(one.at("sender"), "ward@clinic.example");
    EXPECT_EQ(one.at("size"), 1000);
    EXPECT_EQ(one.at("recipients"), Json::array({"bob@late.test", "amy@dane.test"}));
    EXPECT_EQ(one.at("held_for").at(0).at("reason"), "tlsa-none");
    EXPECT_EQ(out.at("others"), 250);
    EXPECT_EQ(out.at("unreadable"), 2);
    EXPECT_EQ(asked("quarantine list"), 3U) << "no request grows without end";
    EXPECT_EQ(quarantine_status(out), EX_OK);
}

TEST_F(DeskTest, RecheckReleasesWhatNowMeetsAndNothingElse) {
    hold("4AAAA", {"bob@late.test"});
    hold("4BBBB", {"eve@none.test", "amy@late.test"});
    in_queue("4OTHER", {"bob@late.test"});
    held.publish_dane("late.test");
    requests.clear();
    const Json out = value(desk.recheck({}, false));
    EXPECT_EQ(result(out, 0), "released");
    EXPECT_EQ(result(out, 1), "kept");
    EXPECT_EQ(queue.done, (std::vector<std::string>{"released 4AAAA"}));
    EXPECT_EQ(quarantine_status(out), 1);
    EXPECT_EQ(asked("facts refresh"), 2U) << "each next hop once, and not those of others";
    EXPECT_EQ(held.rows("4AAAA", "quarantine-release").size(), 1U);
    EXPECT_EQ(asked("quarantine settle"), 1U);
    const auto record = std::ranges::find(requests, "quarantine release");
    EXPECT_LT(record, std::ranges::find(requests, "quarantine settle"));
}

TEST_F(DeskTest, ADryRunOnlySays) {
    hold("4AAAA", {"bob@late.test"});
    held.publish_dane("late.test");
    const Json out = value(desk.recheck({"4AAAA"}, true));
    EXPECT_EQ(result(out), "would-be-released");
    EXPECT_EQ(quarantine_status(out), EX_OK);
    EXPECT_TRUE(queue.done.empty());
    EXPECT_TRUE(held.rows("4AAAA", "quarantine-release").empty());
    EXPECT_EQ(asked("quarantine settle"), 0U);
}

TEST_F(DeskTest, UnknownIsNeitherMetNorFallenShort) {
    hold("4AAAA", {"bob@bogus.test"});
    const Json out = value(desk.recheck({}, false));
    EXPECT_EQ(result(out), "unknown");
    EXPECT_EQ(quarantine_status(out), 2);
    EXPECT_TRUE(queue.done.empty());
    hold("4BBBB", {"bob@bogus.test", "eve@none.test"});
    EXPECT_EQ(quarantine_status(value(desk.recheck({}, false))), 1) << "the worse of two";
}

TEST_F(DeskTest, OfTheHeaderWhatRulesAskAboutAndNoMore) {
    hold("4AAAA", {"bob@late.test"});
    held.world.configure(R"(
[mta]
lock = "postfix"
[policy]
minimum = "none"
mode = "enforce"
[[rule]]
name = "label"
header = { "X-Label" = "secret" }
minimum = "dane"
)");
    const auto passes = [&](const std::vector<std::string>& header) {
        queue.files["4AAAA"] = {"", "192.0.2.1", header};
        return result(value(desk.recheck({}, true))) == "would-be-released";
    };
    EXPECT_TRUE(passes({"Subject: secret \xff", "From nobody"}));
    EXPECT_FALSE(passes({"x-LABEL : top secret"}));
    EXPECT_TRUE(passes({"X-Label: public"}));
    EXPECT_FALSE(passes({"X-Label: \xff public"})) << "it cannot be carried, so it may be the one";
    EXPECT_FALSE(passes({"X-Label: " + std::string(70'000, 'x')}));
}

TEST_F(DeskTest, AMessageThatIsNotOursIsNotTouched) {
    in_queue("4OTHER", {"bob@dane.test"});
    const std::string told = "there is no message 4OTHER that surehop has had held; 'surehop "
                             "quarantine list' names them";
    EXPECT_EQ(desk.recheck({"4OTHER"}, false).error(), told);
    EXPECT_EQ(desk.release("4OTHER", "", terms).error(), told);
    EXPECT_EQ(desk.discard("4OTHER", "spam").error(), told);
    EXPECT_FALSE(desk.discard("ALL", "spam"));
    EXPECT_TRUE(queue.done.empty());
}

TEST_F(DeskTest, ReleaseOfWhatFallsShortNeedsAnException) {
    hold("4AAAA", {"bob@late.test", "eve@none.test", "amy@dane.test"});
    Json out = value(desk.release("4AAAA", "", {}));
    EXPECT_EQ(result(out), "kept");
    EXPECT_EQ(quarantine_status(out), 1);
    EXPECT_TRUE(queue.done.empty());
    EXPECT_FALSE(out.at("messages").at(0).contains("exceptions"));
    EXPECT_EQ(held.rows("4AAAA", "quarantine-kept").size(), 2U);

    held.publish_dane("late.test");
    out = value(desk.release("4AAAA", "by phone", terms));
    EXPECT_EQ(result(out), "released");
    EXPECT_EQ(quarantine_status(out), EX_OK);
    EXPECT_EQ(queue.done, (std::vector<std::string>{"released 4AAAA"}));
    const Json& made = out.at("messages").at(0).at("exceptions");
    ASSERT_EQ(made.size(), 1U) << "for who falls short, and not for who meets by now";
    EXPECT_EQ(made.at(0).at("recipient"), "eve@none.test");
    EXPECT_EQ(made.at(0).at("sender"), "ward@clinic.example");
    EXPECT_EQ(made.at(0).at("lowest"), "encrypted") << "in clear only if somebody says so";
    EXPECT_EQ(made.at(0).at("ticket"), "T-1");
    EXPECT_FALSE(made.at(0).at("notes").empty()) << "what it opens at the lock";
    EXPECT_TRUE(held.world.lock("none.test").starts_with("OK encrypt")) << "and it does";
    EXPECT_EQ(held.rows("4AAAA", "quarantine-release").size(), 3U);
    // Nothing held rests on it any more, and what is on its way is still bound.
    ASSERT_EQ(out.at("promises_ended").size(), 1U);
    EXPECT_EQ(out.at("promises_ended").at(0).at("next_hop"), "dane.test");
    for (const Json& one : promises())
        EXPECT_FALSE(one.at("until").is_null()) << print_json(one);
}

TEST_F(DeskTest, InClearWhereSomebodySaysSo) {
    hold("4AAAA", {"eve@none.test"});
    hold("4BBBB", {"eve@bogus.test"});
    ExceptionTerms clear = terms;
    clear.lowest = "none";
    EXPECT_EQ(result(value(desk.release("4AAAA", "by phone", clear))), "released");
    EXPECT_TRUE(held.world.lock("none.test").starts_with("NOTFOUND"));
    const Json out = value(desk.release("4BBBB", "by phone", terms));
    EXPECT_EQ(out.at("messages").at(0).at("exceptions").at(0).at("lowest"), "none")
        << "nothing can be told, so nothing can be asked";
    EXPECT_EQ(result(out), "released");
    EXPECT_TRUE(held.world.lock("bogus.test").starts_with("TEMP")) << "it waits all the same";
}

TEST_F(DeskTest, AnExceptionThatIsNotEnoughReleasesNothingAndIsNamed) {
    hold("4AAAA", {"eve@none.test"});
    must(held.world.process().promises->keep({{"none.test", Level::dane}}, held.world.clock.now(),
                                             held.world.clock.now() + Seconds{600}));
    const Json out = value(desk.release("4AAAA", "by phone", terms));
    EXPECT_EQ(result(out), "kept") << "a live promise wins";
    EXPECT_TRUE(queue.done.empty());
    const Json& one = out.at("messages").at(0);
    EXPECT_EQ(one.at("recipients").at(0).at("demanded"), "dane");
    ASSERT_EQ(one.at("exceptions").size(), 1U);
    EXPECT_NE(print_json(one.at("exceptions").at(0).at("notes")).find("promise"),
              std::string::npos);

    ExceptionTerms late = terms;
    late.until = "+999d";
    const auto refused_by_terms = desk.release("4AAAA", "by phone", late);
    ASSERT_FALSE(refused_by_terms);
    EXPECT_NE(refused_by_terms.error().find("longest"), std::string::npos);
    EXPECT_TRUE(queue.done.empty());
}

TEST_F(DeskTest, DiscardHasItsReasonOnDiskFirst) {
    hold("4AAAA", {"bob@late.test", "amy@dane.test"});
    EXPECT_FALSE(desk.discard("4AAAA", ""));
    EXPECT_TRUE(queue.done.empty());
    refused = "quarantine discard";
    EXPECT_FALSE(desk.discard("4AAAA", "spam"));
    EXPECT_TRUE(queue.done.empty()) << "what the ledger does not hold is not done";
    refused.clear();
    const Json out = value(desk.discard("4AAAA", "spam"));
    EXPECT_EQ(result(out), "discarded");
    EXPECT_EQ(queue.done, (std::vector<std::string>{"discarded 4AAAA"}));
    EXPECT_EQ(held.rows("4AAAA", "quarantine-discard").at(0).detail, "by uid 0 (root); spam");
    EXPECT_EQ(out.at("promises_ended").size(), 1U);
}

TEST_F(DeskTest, WhatTheMailServerDoesNotDoIsToldAndRecorded) {
    hold("4AAAA", {"amy@late.test"});
    hold("4BBBB", {"eve@none.test", "amy@dane.test"});
    held.publish_dane("late.test");
    queue.cannot_change = "postsuper: fatal: no";
    const Json out = value(desk.recheck({}, false));
    EXPECT_EQ(result(out), "failed");
    EXPECT_EQ(out.at("messages").at(0).at("error"), "postsuper: fatal: no");
    EXPECT_EQ(quarantine_status(out), EX_UNAVAILABLE);
    EXPECT_EQ(held.rows("4AAAA", "quarantine-failed").at(0).detail,
              "by uid 0 (root); recheck: postsuper: fatal: no");
    EXPECT_TRUE(out.at("promises_ended").empty());
    EXPECT_EQ(result(value(desk.discard("4BBBB", "spam"))), "failed");
    EXPECT_EQ(held.promise("dane.test"), "dane released") << "it is held as before";

    refused = "quarantine failed";
    const Json silent = value(desk.recheck({"4AAAA"}, false));
    EXPECT_EQ(silent.at("notes").size(), 1U);
}

TEST_F(DeskTest, OneThatCannotBeReadStopsNoOther) {
    hold("4AAAA", {"bob@late.test"});
    queue.cannot_read = "postcat: fatal: gone";
    const Json out = value(desk.recheck({}, false));
    EXPECT_EQ(result(out), "failed");
    EXPECT_EQ(quarantine_status(out), EX_UNAVAILABLE);
    EXPECT_TRUE(queue.done.empty());
    queue.broken = "postqueue: no";
    EXPECT_EQ(desk.list().error(), "postqueue: no");
    EXPECT_EQ(desk.recheck({}, false).error(), "postqueue: no");
}

TEST_F(DeskTest, TheDaemonsRefusals) {
    hold("4AAAA", {"bob@late.test"});
    refused = "quarantine list";
    EXPECT_EQ(desk.recheck({}, false).error(), "the daemon says no");
    refused = "quarantine release";
    EXPECT_EQ(result(value(desk.recheck({}, false))), "failed");
    refused = "facts refresh";
    EXPECT_EQ(result(value(desk.recheck({}, false))), "kept") << "judged by what is known";
    refused = "quarantine settle";
    const Json out = value(desk.recheck({}, false));
    EXPECT_EQ(out.at("notes").at(0), "what was promised of held mail stands as it was: the daemon "
                                     "says no");
}

} // namespace
} // namespace surehop::test
