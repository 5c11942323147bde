// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix_config.h"

#include "mta/postfix_socket.h"
#include "unit/mta/postfix_site.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace surehop::test {
namespace {

constexpr const char* least = "queue_directory = /q\nsmtp_tls_policy_maps =\n";

TEST(PostfixConfig, VersionsAreComparedAsNumbers) {
    EXPECT_EQ(parse_postfix_version("3.10.5\n"), (PostfixVersion{3, 10, 5}));
    EXPECT_EQ(parse_postfix_version("3.11-20260101"), (PostfixVersion{3, 11, 0}));
    EXPECT_GT(*parse_postfix_version("3.10.0"), *parse_postfix_version("3.9.9"));
    for (const char* bad : {"", "3", "three.ten", "3.", "3.1.2.3", "3.-1", "99999999999.1"})
        EXPECT_FALSE(parse_postfix_version(bad)) << bad;
}

TEST(PostfixConfig, FoldedLinesAreOne) {
    const auto read = PostfixConfig::parse(
        std::string(least) + "relayhost =\n    [a.test]\n\t:25\n", "", "", "3.7.1");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->value("relayhost"), "[a.test] :25");
    EXPECT_EQ(read->value("nothing"), "");
    EXPECT_TRUE(read->knows("relayhost"));
    EXPECT_FALSE(read->knows("nothing"));
}

TEST(PostfixConfig, ServicesKnowTheirProgramTheirChrootAndTheirOwnLines) {
    const auto read =
        PostfixConfig::parse(least,
                             "smtp inet n - y - - smtpd -o a=b\n"
                             "relay unix - - n - - /usr/lib/postfix/sbin/smtp\n"
                             "/var/run/x.sock unix - - - - - smtp\n",
                             "smtp/inet/a = b=c d\n/var/run/x.sock/unix/a =\n", "3.7.1");
    ASSERT_TRUE(read) << read.error();
    ASSERT_EQ(read->services().size(), 3U);
    EXPECT_EQ(read->services()[0].program, "smtpd");
    EXPECT_TRUE(read->services()[0].chrooted);
    EXPECT_EQ(read->services()[0].overrides.at("a"), "b=c d");
    EXPECT_EQ(read->services()[1].program, "smtp");
    EXPECT_FALSE(read->services()[1].chrooted);
    EXPECT_EQ(read->services()[2].overrides.at("a"), "");
}

TEST(PostfixConfig, WhatIsNotSaidOfTheChrootDependsOnTheCompatibilityLevel) {
    for (const auto& [level, chrooted] : std::vector<std::pair<std::string, bool>>{
             {"0", true}, {"1", false}, {"2", false}, {"3.6", false}, {"", true}}) {
        const auto read =
            PostfixConfig::parse(fmt::format("{}compatibility_level = {}\n", least, level),
                                 "smtp unix - - - - - smtp", "", "3.7.1");
        ASSERT_TRUE(read);
        EXPECT_EQ(read->services().front().chrooted, chrooted) << level;
    }
}

TEST(PostfixConfig, WhatPostconfDoesNotPrintIsAnError) {
    struct Row {
        const char *main, *services, *overrides, *version, *error;
    };
    for (const Row& row : {
             Row{"", "", "", "3.7.1", "postconf has printed no parameters of Postfix"},
             Row{"postconf: fatal: no\n", "", "", "3.7.1", "cannot be read"},
             Row{"= x\n", "", "", "3.7.1", "cannot be read"},
             Row{"two words = x\n", "", "", "3.7.1", "cannot be read"},
             Row{least, "smtp inet n\n", "", "3.7.1", "postconf -M has printed"},
             Row{least, "", "smtp/inet = x\n", "3.7.1", "postconf -P has printed"},
             Row{least, "", "no assignment\n", "3.7.1", "postconf -P has printed"},
             Row{least, "", "", "\x01\xff", "postconf calls its version '"},
         }) {
        const auto read = PostfixConfig::parse(row.main, row.services, row.overrides, row.version);
        ASSERT_FALSE(read) << row.error;
        EXPECT_NE(read.error().find(row.error), std::string::npos) << read.error();
    }
}

TEST(PostfixConfig, OddBytesInValuesAreKeptAndDoNoHarm) {
    const std::string odd = std::string(least) + "relayhost = \xff\x01{{{ }\r\n" +
                            "transport_maps = }}}{{{\n" + std::string(100'000, 'x') + " = y\n";
    const auto read = PostfixConfig::parse(odd, "", "", "3.7.1");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->value("relayhost"), "\xff\x01{{{ }");
}

TEST(PostfixList, BracesStayWholeAndBlanksAndCommasSeparate) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(postfix_list("a, b\tc"), (Words{"a", "b", "c"}));
    EXPECT_EQ(postfix_list("{ unix:a, default_action=x }, inet:b:1"),
              (Words{"{ unix:a, default_action=x }", "inet:b:1"}));
    EXPECT_EQ(postfix_list("inline:{ {a = b}, c=d } x"), (Words{"inline:{ {a = b}, c=d }", "x"}));
    EXPECT_EQ(postfix_list(""), Words{});
    EXPECT_EQ(postfix_list("} a {"), (Words{"}", "a", "{"}));
}

TEST(PostfixTime, UnitsAreThoseOfPostfix) {
    EXPECT_EQ(postfix_time("5d", 'd'), std::chrono::days{5});
    EXPECT_EQ(postfix_time("5", 'd'), std::chrono::days{5});
    EXPECT_EQ(postfix_time("90s", 'd'), Seconds{90});
    EXPECT_EQ(postfix_time("2w", 's'), std::chrono::days{14});
    for (const char* bad : {"", "d", "-1d", "5y", "5 d x", "99999999999d"})
        EXPECT_FALSE(postfix_time(bad, 'd')) << bad;
}

TEST(PostfixMilters, AreReadWithAndWithoutBraces) {
    const auto all =
        postfix_milters("unix:a/b, { inet:h:1, connect_timeout=3s, default_action=accept}"
                        " inet:[::1]:8 {} nonsense");
    ASSERT_EQ(all.size(), 5U);
    EXPECT_EQ(all[0].socket->path, "a/b");
    EXPECT_EQ(all[1].socket->host, "h");
    EXPECT_EQ(all[1].default_action, "accept");
    EXPECT_EQ(all[2].socket->host, "::1");
    EXPECT_EQ(all[2].socket->port, "8");
    EXPECT_FALSE(all[3].socket);
    EXPECT_FALSE(all[4].socket);
    EXPECT_EQ(postfix_milters("{").size(), 1U);
}

TEST(PostfixSocketmap, NamesASocketAndAMap) {
    const auto map = postfix_socketmap("proxy:socketmap:unix:/a:b/c:postfix");
    ASSERT_TRUE(map);
    EXPECT_TRUE(map->proxied);
    EXPECT_EQ(map->socket.path, "/a:b/c");
    EXPECT_EQ(map->name, "postfix");
    for (const char* bad : {"hash:/etc/x", "socketmap:", "socketmap:unix:", "socketmap:x", "",
                            "socketmap:inet:nohost"})
        EXPECT_FALSE(postfix_socketmap(bad)) << bad;
}

TEST(QuotedForShell, NothingGetsOut) {
    EXPECT_EQ(quoted_for_shell("a = $(b) `c`"), "'a = $(b) `c`'");
    EXPECT_EQ(quoted_for_shell("it's"), "'it'\\''s'");
}

} // namespace
} // namespace surehop::test
