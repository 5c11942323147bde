// SPDX-License-Identifier: Apache-2.0
#include "cmd/mta_doctor.h"

#include "base/text.h"
#include "conf/load.h"
#include "mta/print.h"
#include "support/source_tree.h"
#include "unit/mta/postfix_site.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop::test {
namespace {

// The first block of TOML in README.md.
std::string readme_configuration() {
    const std::string text = read_text(source_tree() / "README.md");
    const std::string opens = "```toml\n";
    const auto begin = text.find(opens);
    const auto end = text.find("```", begin + opens.size());
    return begin == std::string::npos
               ? ""
               : text.substr(begin + opens.size(), end - begin - opens.size());
}

// ---- contrib

TEST(PrintedConfiguration, ContribHoldsWhatTheReadmesConfigurationPrints) {
    const Loaded loaded = load_text(readme_configuration(), "README.md");
    ASSERT_TRUE(loaded) << (loaded.errors.empty() ? "" : loaded.errors.front().line());
    Wiring surehop = wiring_of(*loaded.settings);
    const std::string queue = "/var/spool/postfix";
    EXPECT_EQ(print_postfix(surehop, queue), read_text(source_tree() / "contrib/postfix/main.cf"));
    EXPECT_EQ(print_second_smtpd(surehop, queue),
              read_text(source_tree() / "contrib/postfix/second-smtpd"));
    surehop.lock = Lock::postfix310;
    EXPECT_EQ(print_postfix(surehop, queue),
              read_text(source_tree() / "contrib/postfix/main-3.10.cf"));
}

TEST(PrintedConfiguration, ContribHoldsWhatSendmailIsToldWithTheSocketsInRun) {
    Wiring surehop;
    surehop.lock = Lock::sendmail;
    surehop.milter = "unix:/run/surehop/milter.sock";
    surehop.socketmap = {"unix:/run/surehop/socketmap.sock"};
    EXPECT_EQ(print_sendmail(surehop), read_text(source_tree() / "contrib/sendmail/surehop.mc"));
}

TEST(PrintedConfiguration, TheReadmeShowsNoLineOfMainCfThatDiffers) {
    const std::string printed = read_text(source_tree() / "contrib/postfix/main.cf");
    const std::string readme = read_text(source_tree() / "README.md");
    EXPECT_NE(readme.find("surehop doctor --mta postfix --print"), std::string::npos);
    int lines = 0;
    for (const std::string_view line : split(readme, '\n'))
        if ((line.starts_with("smtp") || line.starts_with("milter_") ||
             line.starts_with("non_smtpd_milters")) &&
            line.find(" = ") != std::string_view::npos) {
            EXPECT_NE(printed.find(std::string(line) + "\n"), std::string::npos) << line;
            ++lines;
        }
    EXPECT_GT(lines, 3);
}

// ---- Postfix's programs

struct Programs {
    PostfixSite site;
    std::vector<std::string> asked;
    Result<Ran> operator()(const std::vector<std::string>& words) {
        asked.push_back(join(words, " "));
        const std::string& last = words.back();
        if (last == "-x") {
            std::string text;
            for (const auto& [name, value] : site.main)
                text += fmt::format("{} = {}\n", name, value);
            return Ran{0, text, ""};
        }
        if (last == "-M")
            return Ran{0, site.services, ""};
        if (last == "-Px")
            return Ran{0, site.overrides, ""};
        if (last == "mail_version")
            return Ran{0, site.version + "\n", ""};
        if (last == "queue_directory")
            return Ran{0, "/srv/postfix\n", ""};
        return Ran{1, "", "postmap: fatal: open database:\nno such file\n"};
    }
};

Json said(const char* outcome, const char* mode = "enforce", const char* kind = "host") {
    return {{"next_hop", {{"kind", kind}}},
            {"requirement", {{"minimum", "authenticated"}, {"mode", mode}}},
            {"verdict", {{"outcome", outcome}, {"reason", "nothing-published"}}}};
}

class MtaDoctor : public ::testing::Test {
  protected:
    MtaParts parts() {
        return {[this](const auto& words) { return programs(words); }, programs.site.files,
                [this](const Json& question) -> Result<Json> {
                    questions.push_back(question);
                    return answer;
                }};
    }
    Programs programs;
    Json answer = said("meets");
    std::vector<Json> questions;
};

TEST_F(MtaDoctor, PostfixIsAskedForAllOfItsEffectiveConfiguration) {
    const auto found = doctor_postfix("/etc/pf", programs.site.surehop, parts());
    ASSERT_TRUE(found) << found.error();
    EXPECT_EQ(troubles(*found), std::set<std::string>{});
    EXPECT_EQ(programs.asked,
              (std::vector<std::string>{"postconf -c /etc/pf -x", "postconf -c /etc/pf -M",
                                        "postconf -c /etc/pf -Px",
                                        "postconf -c /etc/pf -dh mail_version"}));
}

TEST_F(MtaDoctor, ATableThatPostmapCannotListIsSaid) {
    programs.site.write("transport_maps = hash:/etc/t");
    const auto found = doctor_postfix("", programs.site.surehop, parts());
    ASSERT_TRUE(found);
    EXPECT_EQ(programs.asked.back(), "postmap -s hash:/etc/t");
    const auto finding = find(*found, "next-hops");
    ASSERT_TRUE(finding);
    EXPECT_NE(finding->text.find("open database: no such file"), std::string::npos)
        << finding->text;
}

TEST_F(MtaDoctor, APostconfThatFailsIsAnErrorThatSaysHowToNameTheFolder) {
    MtaParts broken = parts();
    broken.run = [](const auto&) -> Result<Ran> {
        return Ran{1, "", "postconf: fatal: open /x/main.cf: No such file\n"};
    };
    const auto found = doctor_postfix("/x", {}, broken);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error(),
              "postconf -c /x -x has failed: postconf: fatal: open /x/main.cf: No such file; name "
              "Postfix's configuration folder with --postfix-config, or run this where Postfix is");
    broken.run = [](const auto&) -> Result<Ran> { return Error{"the program was not found"}; };
    EXPECT_FALSE(doctor_postfix("", {}, broken));
    EXPECT_EQ(queue_directory("", broken), "/var/spool/postfix");
    EXPECT_EQ(queue_directory("", parts()), "/srv/postfix");
}

TEST_F(MtaDoctor, SendmailsFileIsReadAndNamedWhereItIsNone) {
    const auto missing = doctor_sendmail("/etc/mail/sendmail.cf", {}, parts());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error(), "/etc/mail/sendmail.cf cannot be read; name it with --sendmail-cf");
    programs.site.files.texts["/x.cf"] = "nonsense";
    EXPECT_FALSE(doctor_sendmail("/x.cf", {}, parts()));
    programs.site.files.texts["/x.cf"] = "V10\nDS[relay.test]\n";
    const auto found = doctor_sendmail("/x.cf", {}, parts());
    ASSERT_TRUE(found) << found.error();
    EXPECT_TRUE(troubles(*found).contains("failed sts-map"));
    ASSERT_EQ(questions.size(), 1U);
    EXPECT_EQ(questions.front().at("host"), "[relay.test]");
}

// ---- next hops

TEST_F(MtaDoctor, ANextHopIsJudgedAsMailThatTheMtaSendsThere) {
    programs.site.write("relayhost = [relay.test]:587");
    ASSERT_TRUE(doctor_postfix("", programs.site.surehop, parts()));
    ASSERT_EQ(questions.size(), 1U);
    EXPECT_EQ(
        print_json(questions.front()),
        R"({"do":"explain","address":"postmaster@any-domain.invalid","from":"","mailer":"smtp",)"
        R"("host":"[relay.test]:587"})");
}

TEST(NextHops, WhatFallsShortFailsAndWhatIsUnknownWarns) {
    struct Row {
        Json said;
        std::set<std::string> expected;
    };
    const NamedHop hop{"[x.test]", "relayhost", "", ""};
    for (const Row& row : std::vector<Row>{
             {said("meets"), {}},
             {said("falls-short", "enforce", "internal"), {}},
             {said("falls-short"), {"failed next-hops"}},
             {said("no-mail"), {"failed next-hops"}},
             {said("falls-short", "audit"), {"warning next-hops"}},
             {said("unknown"), {"warning next-hops"}},
         })
        EXPECT_EQ(troubles(judge_next_hops({hop}, [&](const Json&) { return row.said; })),
                  row.expected)
            << print_json(row.said);
    EXPECT_EQ(troubles(judge_next_hops({hop}, [](const Json&) { return Error{"no answer"}; })),
              std::set<std::string>{"warning next-hops"});
}

TEST(NextHops, EachIsAskedOnceAndTooManyAreSaid) {
    int asked = 0;
    const auto ask = [&](const Json&) {
        ++asked;
        return said("meets");
    };
    const NamedHop hop{"[x.test]", "relayhost", "", ""};
    EXPECT_EQ(troubles(judge_next_hops({hop, hop, hop}, ask)), std::set<std::string>{});
    EXPECT_EQ(asked, 1);
    std::vector<NamedHop> many;
    for (int i = 0; i < 1001; ++i)
        many.push_back({fmt::format("[h{}.test]", i), "transport_maps", "", ""});
    EXPECT_EQ(troubles(judge_next_hops(many, ask)), std::set<std::string>{"warning next-hops"});
    EXPECT_EQ(asked, 1001);
}

TEST(Finding, HasARemedyOnlyWhereThereIsOne) {
    EXPECT_EQ(print_json(to_json(Finding{"lock", FindingState::failed, "bad", "write this"})),
              R"({"name":"lock","state":"failed","text":"bad","remedy":"write this"})");
    EXPECT_EQ(print_json(to_json(Finding{"lock", FindingState::ok, "good", ""})),
              R"({"name":"lock","state":"ok","text":"good"})");
}

} // namespace
} // namespace surehop::test
