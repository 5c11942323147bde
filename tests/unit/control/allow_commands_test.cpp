// SPDX-License-Identifier: Apache-2.0
#include "control/allow_commands.h"

#include "allow/exception_list.h"
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

const std::string header = "recipient,sender,lowest,reason,owner,ticket,from,until\n";

// The clock stands at 2027-01-15T08:00:00Z.
class AllowCommandsTest : public ::testing::Test {
  protected:
    AllowCommandsTest() { admin.may_read = admin.may_change = true; }

    Json ask(Json request) { return run(world.loop, commands.answer(std::move(request), admin)); }
    Json result(Json request) {
        const Json reply = ask(std::move(request));
        EXPECT_TRUE(reply.at("ok").get<bool>()) << print_json(reply);
        return reply.value("result", Json());
    }
    std::string error(Json request) {
        const Json reply = ask(std::move(request));
        EXPECT_FALSE(reply.at("ok").get<bool>()) << print_json(reply);
        return reply.value("error", std::string());
    }
    static Json adding(const std::string& recipient, const std::string& until = "+1h") {
        return Json{{"do", "allow add"},    {"recipient", recipient}, {"lowest", "none"},
                    {"reason", "old host"}, {"owner", "ops"},         {"until", until}};
    }
    std::vector<std::string> notes(Json request) {
        return result(std::move(request)).at("notes").get<std::vector<std::string>>();
    }
    static Json importing(const std::string& lines) {
        return Json{{"do", "allow import"},
                    {"file", "partners.csv"},
                    {"format", "csv"},
                    {"text", header + lines}};
    }
    std::size_t count(const char* show = "all") {
        return result({{"do", "allow list"}, {"show", show}}).at("exceptions").size();
    }
    bool passes(const std::string& to) {
        return world.mail("a@clinic.example", to).verdict.action == Action::accept;
    }

    World world{zones};
    AllowTerms terms;
    Commands commands{[this] {
        CommandParts parts = command_parts(world);
        parts.allow = [this] { return terms; };
        return parts;
    }()};
    Peer admin{0, "root"};
};

TEST_F(AllowCommandsTest, AnEndThatIsTooFarAwayIsRefusedAndTheSettingNamed) {
    EXPECT_EQ(error(adding("none.test", "+367d")),
              "2028-01-17T08:00:00Z is further away than [allow] longest = \"366d\" lets an "
              "exception end; write 2027-03-31 or 2027-03-31T12:00:00Z");
    (void)result(adding("none.test", "+366d"));
    terms.longest = std::chrono::hours{1};
    EXPECT_NE(error(adding("none.test", "+2h")).find("longest = \"1h\""), std::string::npos);
    (void)result(adding("none.test", "+1h"));
}

TEST_F(AllowCommandsTest, OneMayBeginLater) {
    Json request = adding("none.test", "+2h");
    request["from"] = "+1h";
    const Json added = result(request);
    EXPECT_EQ(added.at("state"), "to-come");
    EXPECT_FALSE(passes("b@none.test"));
    EXPECT_TRUE(world.lock("none.test").starts_with("TEMP"));
    world.clock.advance(Seconds{3599});
    EXPECT_FALSE(passes("b@none.test"));
    EXPECT_TRUE(world.lock("none.test").starts_with("TEMP"));
    world.clock.advance(Seconds{1});
    EXPECT_TRUE(passes("b@none.test"));
    EXPECT_TRUE(world.lock("none.test").starts_with("NOTFOUND"));
    world.clock.advance(Seconds{3599}); // and ends to the second, at gate and lock
    EXPECT_TRUE(passes("b@none.test"));
    EXPECT_TRUE(world.lock("none.test").starts_with("NOTFOUND"));
    world.clock.advance(Seconds{1});
    EXPECT_FALSE(passes("b@none.test"));
    EXPECT_TRUE(world.lock("none.test").starts_with("TEMP"));
    request["from"] = "late";
    EXPECT_TRUE(error(request).starts_with("--begin: 'late' is not a time; write "));
}

TEST_F(AllowCommandsTest, WhetherItIsNeededIsSaidAsFarAsItIsKnown) {
    EXPECT_EQ(notes(adding("never.test")).size(), 1U) << "nothing is known of it yet";
    (void)world.mail("a@clinic.example", "b@dane.test");
    (void)world.mail("a@clinic.example", "b@none.test");
    (void)world.mail("a@clinic.example", "b@bogus.test");
    const auto has = [&](const std::string& recipient, const std::string& words) {
        for (const std::string& note : notes(adding(recipient)))
            if (note.find(words) != std::string::npos)
                return true;
        return false;
    };
    EXPECT_TRUE(has("dane.test", "meets the minimum authenticated (rule \"default\") without"));
    EXPECT_TRUE(has("b@dane.test", "mail to b@dane.test meets the minimum authenticated"));
    world.clock.advance(std::chrono::hours{48});
    EXPECT_TRUE(has("dane.test", "when it was last looked up, at 2027-01-15T08:00:00Z"));
    EXPECT_FALSE(has("none.test", "meets the minimum"));
    EXPECT_FALSE(has("bogus.test", "meets the minimum")) << "unknown does not meet";
    EXPECT_FALSE(has(".dane.test", "meets the minimum")) << "many next hops";
}

TEST_F(AllowCommandsTest, TheHighestMinimumThatMayBeAskedForCounts) {
    world.configure(R"(
[mta]
lock = "postfix"
[policy]
minimum = "none"
mode = "enforce"
[[rule]]
name = "records"
sender = ["records@clinic.example"]
minimum = "dane"
)");
    (void)world.mail("records@clinic.example", "b@dane.test");
    const auto first = notes(adding("dane.test"));
    ASSERT_FALSE(first.empty());
    EXPECT_NE(first[0].find("meets the minimum dane (rule \"records\")"), std::string::npos);
    Json of_another = adding("dane.test");
    of_another["sender"] = "anna@clinic.example";
    const auto second = notes(of_another);
    ASSERT_FALSE(second.empty());
    EXPECT_EQ(second[0], "rule \"default\" requires none of mail to @dane.test, which is no more "
                         "than this exception does: it changes nothing at RCPT");
}

TEST_F(AllowCommandsTest, ASuffixNamesThePromisesBelowIt) {
    must(world.process().promises->keep({{"a.none.test", Level::dane},
                                         {"a.none.test", Level::verified},
                                         {"none.test", Level::dane}},
                                        world.clock.now(), world.clock.now() + Seconds{600}));
    const auto told = notes(adding(".none.test"));
    ASSERT_EQ(told.size(), 2U);
    EXPECT_TRUE(told[0].starts_with("mail accepted earlier still holds a promise of dane for "
                                    "a.none.test until "))
        << told[0];
    EXPECT_TRUE(told[1].starts_with("at delivery, every next hop below none.test is open down to "
                                    "none"))
        << told[1];
}

TEST_F(AllowCommandsTest, ListsWhatIsAskedFor) {
    (void)result(adding("none.test", "+1h"));
    (void)result(adding("b@dane.test", "+30d"));
    Json other = adding("other.test", "+20d");
    other["owner"] = "Anna";
    other["ticket"] = "SEC-1";
    (void)result(other);
    world.clock.advance(std::chrono::hours{2});
    const auto ids = [&](Json request) {
        request["do"] = "allow list";
        std::vector<int> out;
        const Json listed = result(request);
        for (const Json& one : listed.at("exceptions"))
            out.push_back(one.at("id").get<int>());
        return out;
    };
    using Ids = std::vector<int>;
    EXPECT_EQ(ids(Json::object()), (Ids{3, 2}));
    EXPECT_EQ(result({{"do", "allow list"}}).at("ended_not_shown"), 1);
    EXPECT_EQ(ids({{"show", "ended"}}), (Ids{1}));
    EXPECT_EQ(ids({{"show", "all"}}), (Ids{3, 2, 1}));
    EXPECT_EQ(ids({{"ending", "25d"}}), (Ids{3}));
    EXPECT_EQ(ids({{"owner", "anna"}}), (Ids{3}));
    EXPECT_EQ(ids({{"ticket", "sec-1"}}), (Ids{3}));
    EXPECT_EQ(ids({{"recipient", "x@other.test"}}), (Ids{3}));
    EXPECT_EQ(ids({{"domain", "dane.test"}}), (Ids{2}));
    EXPECT_EQ(error({{"do", "allow list"}, {"show", "some"}}),
              "cannot show 'some'; write current, live, ended or all");
    EXPECT_TRUE(error({{"do", "allow list"}, {"ending", "soon"}}).starts_with("--ending: "));
    EXPECT_TRUE(error({{"do", "allow list"}, {"recipient", "@"}}).starts_with("--recipient: "));
    EXPECT_TRUE(error({{"do", "allow list"}, {"domain", "a b"}}).starts_with("--domain: "));
}

TEST_F(AllowCommandsTest, ADryRunSaysWhatTheRealOneDoes) {
    Json request = importing("none.test,,none,x,Anna,,,2027-02-28\n"
                             "dane.test,a@clinic.example,encrypted,y,Anna,T,2027-02-01,2027-02-28\n"
                             "gone.test,,none,x,Anna,,,2026-12-31\n");
    request["dry_run"] = true;
    Json dry = result(request);
    EXPECT_EQ(dry.at("add").size(), 2U);
    EXPECT_EQ(dry.at("add").at(0).at("id"), nullptr);
    EXPECT_EQ(dry.at("over"), 1);
    EXPECT_TRUE(dry.at("problems").empty());
    EXPECT_EQ(count(), 0U);
    EXPECT_FALSE(passes("b@none.test"));

    request["dry_run"] = false;
    Json real = result(request);
    EXPECT_EQ(real.at("add").at(0).at("id"), 1);
    EXPECT_EQ(real.at("add").at(1).at("id"), 2);
    EXPECT_EQ(real.at("add").at(0).at("created_by"), "uid 0 (root)");
    for (Json* one : {&dry, &real})
        for (Json& row : one->at("add")) {
            row.erase("id");
            row.erase("notes"); // what is known has changed meanwhile
        }
    dry["dry_run"] = false;
    EXPECT_EQ(dry, real);
    EXPECT_TRUE(passes("b@none.test")) << "at once";
    EXPECT_EQ(count("live"), 1U);
    const Json again = result(request);
    EXPECT_EQ(again.at("unchanged"), 2);
    EXPECT_TRUE(again.at("add").empty());
    EXPECT_EQ(count(), 2U);
}

TEST_F(AllowCommandsTest, WithoutReplaceNothingEnds) {
    (void)result(adding("none.test"));
    (void)result(adding("dane.test"));
    Json request = importing("none.test,,encrypted,better,Anna,,,2027-02-28\n");
    const Json added = result(request);
    EXPECT_EQ(added.at("add").at(0).at("beside"), Json({1}));
    EXPECT_EQ(count("live"), 3U);
    request["replace"] = true;
    const Json replaced = result(request);
    EXPECT_EQ(replaced.at("unchanged"), 1);
    EXPECT_EQ(replaced.at("end").size(), 2U);
    EXPECT_EQ(count("live"), 1U);
    EXPECT_EQ(count("all"), 3U) << "and nothing is erased";
    const Json changed = [&] {
        Json other = importing("none.test,,encrypted,other,Anna,,,2027-02-28\n");
        other["replace"] = true;
        return result(other);
    }();
    EXPECT_EQ(changed.at("change").at(0).at("end").at("id"), 3);
    EXPECT_EQ(changed.at("change").at(0).at("add").at("id"), 4);
    EXPECT_EQ(result({{"do", "allow show"}, {"id", 3}}).at("removed_reason"),
              "partners.csv says otherwise now");
    EXPECT_EQ(result({{"do", "allow show"}, {"id", 1}}).at("removed_reason"),
              "no longer in partners.csv");
}

TEST_F(AllowCommandsTest, OneBadLineImportsNothing) {
    const Json refused = result(importing("none.test,,none,x,Anna,,,2027-02-28\n"
                                          "dane.test,,low,x,Anna,,,2027-02-28\n"));
    ASSERT_EQ(refused.at("problems").size(), 1U);
    const Json& problem = refused.at("problems").at(0);
    EXPECT_EQ(problem.at("line"), 3);
    EXPECT_EQ(problem.at("column"), "lowest");
    EXPECT_EQ(problem.at("told"), "partners.csv:3: lowest: 'low' is not a level; write none, "
                                  "encrypted, verified, authenticated or dane");
    EXPECT_EQ(count(), 0U);
    terms.longest = std::chrono::days{7};
    EXPECT_EQ(result(importing("none.test,,none,x,Anna,,,2027-02-28\n")).at("problems").size(), 1U);
    EXPECT_FALSE(error({{"do", "allow import"}, {"text", header}}).empty()) << "which format?";
}

TEST_F(AllowCommandsTest, WhatCameFromAFileOfTheConfigurationIsChangedThere) {
    Exception of_file;
    of_file.recipient = pattern_of("none.test");
    of_file.reason = "x";
    of_file.owner = "Anna";
    of_file.created_by = author_of_file("/etc/partners.csv");
    of_file.from = world.clock.now();
    of_file.until = world.clock.now() + std::chrono::days{3};
    const auto id = value(world.process().allowlist->add(of_file));
    terms.files = {"/etc/partners.csv"};
    EXPECT_EQ(error({{"do", "allow remove"}, {"id", id}, {"reason", "x"}}),
              "exception 1 comes from /etc/partners.csv, and would come again; take it out of "
              "there");
    Json request = importing("");
    request["replace"] = true;
    EXPECT_TRUE(result(request).at("end").empty());
    terms.files.clear(); // nobody will bring it back
    (void)result({{"do", "allow remove"}, {"id", id}, {"reason", "x"}});
}

TEST_F(AllowCommandsTest, TenThousandLines) {
    std::string lines;
    for (int i = 0; i < 10'000; ++i)
        lines += "u" + std::to_string(i) + ".test,,none,x,Anna,,,2027-02-28\n";
    EXPECT_LT(print_json(importing(lines)).size(), longest_control_change);
    const Json imported = result(importing(lines));
    EXPECT_EQ(imported.at("add").size(), 10'000U);
    EXPECT_TRUE(imported.at("add").at(99).contains("notes"));
    EXPECT_FALSE(imported.at("add").at(100).contains("notes"));
    EXPECT_EQ(count(), 10'000U);
}

} // namespace
} // namespace surehop::test
