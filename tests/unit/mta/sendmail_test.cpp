// SPDX-License-Identifier: Apache-2.0
#include "mta/sendmail_checks.h"

#include "unit/mta/postfix_site.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace surehop::test {
namespace {

using Troubles = std::set<std::string>;

constexpr const char* sts_line =
    "FEATURE(`sts', `socket -d5 -T<TMPF> local:/run/surehop/socketmap.sock')dnl";
constexpr const char* milter_line =
    "INPUT_MAIL_FILTER(`surehop', `S=local:/run/surehop/milter.sock, F=T, T=S:30s;R:30s;E:5m')dnl";

// A Sendmail whose wiring is whole.
struct SendmailSite {
    std::string text = "# level 10 config file format\n"
                       "V10/Berkeley\n"
                       "DZ8.17.1.9/Debian-2\n"
                       "Kaccess hash -T<TMPF> /etc/mail/access\n"
                       "O StrictTransportSecurity=true\n"
                       "O SetCertAltnames=true\n"
                       "Ksts socket -d5 -T<TMPF> local:/run/surehop/socketmap.sock\n"
                       "O DaemonPortOptions=Name=MTA\n"
                       "O Timeout.queuereturn=5d\n"
                       "#O Timeout.queuereturn.normal=9d\n"
                       "O InputMailFilters=surehop\n"
                       "O Milter.macros.envfrom=i, {auth_type}, {auth_authen}\n"
                       "O Milter.macros.envrcpt={rcpt_mailer}, {rcpt_host}, {rcpt_addr}\n"
                       "O CACertFile=/etc/ssl/certs/ca-certificates.crt\n"
                       "O CACertPath=/etc/ssl/certs\n"
                       "O ConnectionCacheSize=0\n"
                       "SLocal_tls_rcpt\n"
                       "R$+ $| $*\t\t$: $(sts $1 $: none $) $| $2\n"
                       "R$* secure $* $| $*\t$@ $>\"TLS_connection\" $&{verify} $| <TEMP+VERIFY>\n"
                       "Sclt_features\n"
                       "R$*\t\t$: $>D <$&{client_name}> <?> <! \"Clt_Features\"> <>\n"
                       "Xsurehop, S=local:/run/surehop/milter.sock, F=T, T=S:30s;R:30s;E:5m\n";
    Wiring surehop{Lock::sendmail,
                   std::chrono::days{5},
                   true,
                   "unix:/run/surehop/milter.sock",
                   {"unix:/run/surehop/socketmap.sock"},
                   {},
                   {}};
    Files files;
    SendmailSite() {
        files.texts["/etc/mail/access"] = "# nothing\n";
        files.folders.insert("/etc/ssl/certs");
    }

    SendmailSite& replace(const std::string& old, const std::string& by) {
        const auto at = text.find(old);
        EXPECT_NE(at, std::string::npos) << old;
        text.replace(at, old.size(), by);
        return *this;
    }
    Findings examine() const {
        const auto sendmail = SendmailConfig::parse(text);
        if (!sendmail) {
            Findings out;
            out.failed("config", sendmail.error());
            return out;
        }
        return examine_sendmail({*sendmail, surehop, files});
    }
    NamedHops hops() const {
        const auto sendmail = SendmailConfig::parse(text);
        return named_hops({*sendmail, surehop, files});
    }
};

TEST(SendmailChecks, ASocketOfTcpMayBeCalledLocalhost) {
    SendmailSite site;
    site.surehop.milter = "inet:8460@127.0.0.1";
    site.replace("S=local:/run/surehop/milter.sock", "S=inet:8460@localhost");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
    site.replace("S=inet:8460@localhost", "S=inet:8461@localhost");
    EXPECT_TRUE(troubles(site.examine()).contains("failed milter"));
}

TEST(SendmailChecks, AWholeConfigurationHasNoFinding) {
    const Findings found = SendmailSite().examine();
    EXPECT_EQ(troubles(found), Troubles{});
    for (const Finding& one : found.all())
        EXPECT_FALSE(one.text.empty()) << one.check;
}

struct Broken {
    std::string old, by, trouble, remedy;
};

TEST(SendmailChecks, EachLineThatUndoesTheGuaranteeIsFoundWithItsRemedy) {
    const std::vector<Broken> all = {
        {"Xsurehop, S=local:/run/surehop", "Xsurehop, S=local:/run/other", "failed milter",
         milter_line},
        {"InputMailFilters=surehop", "InputMailFilters=clamav", "failed milter", milter_line},
        {"Name=MTA\n", "Name=MTA, InputMailFilters=clamav;spam\n", "failed milter",
         "DAEMON_OPTIONS(`Name=..., InputMailFilters=surehop')dnl"},
        {", F=T,", ", F=,", "failed milter-default", milter_line},
        {", F=T,", ",", "failed milter-default", milter_line},
        {"R:30s", "R:3s", "failed milter-timeout", milter_line},
        {"InputMailFilters=surehop", "InputMailFilters=surehop, clamav", "warning milter-order",
         "define(`confINPUT_MAIL_FILTERS', `clamav,surehop')dnl"},
        {", {rcpt_host}", "", "warning milter-macros",
         "define(`confMILTER_MACROS_ENVRCPT', confMILTER_MACROS_ENVRCPT``, {rcpt_host}'')dnl"},
        {", {auth_authen}", "", "warning milter-macros",
         "define(`confMILTER_MACROS_ENVFROM', confMILTER_MACROS_ENVFROM``, {auth_authen}'')dnl"},
        {"Ksts socket", "Kother socket", "failed sts-map", sts_line},
        {"socketmap.sock", "other.sock", "failed sts-map", sts_line},
        {"socketmap.sock", "socketmap.sock@sendmail", "failed sts-map", sts_line},
        {"Ksts socket -d5 -T<TMPF>", "Ksts socket -d5", "failed sts-map", sts_line},
        {"O ConnectionCacheSize=0", "O ConnectionCacheSize=2", "failed sts-recipients",
         "define(`confMCI_CACHE_SIZE', `0')dnl"},
        {"SLocal_tls_rcpt", "SLocal_check_rcpt", "failed sts-recipients",
         "the lines after MAILER() that 'surehop doctor --mta sendmail --print' prints"},
        {"$>\"TLS_connection\"", "$>\"Other\"", "failed sts-recipients",
         "the lines after MAILER() that 'surehop doctor --mta sendmail --print' prints"},
        {"O StrictTransportSecurity=true", "#O StrictTransportSecurity=true", "failed sts",
         sts_line},
        {"O CACertFile=", "#O CACertFile=", "failed certificates",
         "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl"},
        {"O CACertFile=/etc/ssl", "O CACertFile=/nowhere", "failed certificates",
         "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl"},
        {"O CACertPath=", "#O CACertPath=", "failed certificates",
         "define(`confCACERT_PATH', `/etc/ssl/certs')dnl"},
        {"O CACertPath=/etc/ssl", "O CACertPath=/nowhere", "failed certificates",
         "define(`confCACERT_PATH', `/etc/ssl/certs')dnl"},
        {"queuereturn=5d", "queuereturn=6d", "failed queue-lifetime",
         "define(`confTO_QUEUERETURN', `5d')dnl"},
        {"#O Timeout.queuereturn.normal=9d", "O Timeout.queuereturn.normal=9d",
         "failed queue-lifetime", "define(`confTO_QUEUERETURN_NORMAL', `5d')dnl"},
        {"O DaemonPortOptions", "O ClientPortOptions=Family=inet, M=S\nO DaemonPortOptions",
         "failed client-options", "CLIENT_OPTIONS without that letter after M="},
        {"O DaemonPortOptions", "O ClientPortOptions=Family=inet, Modifier=M\nO DaemonPortOptions",
         "failed client-options", "CLIENT_OPTIONS without that letter after M="},
        {"DZ8.17.1.9/Debian-2", "DZ8.18.1", "warning dane", "define(`confDANE', `true')dnl"},
    };
    for (const Broken& one : all) {
        const Findings found = SendmailSite().replace(one.old, one.by).examine();
        EXPECT_EQ(troubles(found), Troubles{one.trouble}) << one.by;
        const auto finding = find(found, one.trouble.substr(one.trouble.find(' ') + 1));
        ASSERT_TRUE(finding) << one.by;
        EXPECT_EQ(finding->remedy, one.remedy) << one.by;
    }
}

TEST(SendmailChecks, LinesOfTheAccessMapThatKeepFromTlsAreFound) {
    for (const char* line :
         {"Try_TLS:relay.test\tNO", "try_tls:relay.test NO", "STS:relay.test NO",
          "Clt_Features:relay.test M", "Clt_Features:10.1.1.1 d S", "Clt_Features:relay.test D"}) {
        SendmailSite site;
        site.files.texts["/etc/mail/access"] += std::string(line) + "\n";
        EXPECT_EQ(troubles(site.examine()), Troubles{"failed access"}) << line;
    }
    for (const char* line : {"Connect:relay.test NO", "Try_TLS:relay.test YES", "#Try_TLS:x NO",
                             "TLS_Rcpt:relay.test VERIFY:128", "Clt_Features:relay.test m"}) {
        SendmailSite site;
        site.files.texts["/etc/mail/access"] += std::string(line) + "\n";
        EXPECT_EQ(troubles(site.examine()), Troubles{}) << line;
    }
    SendmailSite site;
    site.files.texts.erase("/etc/mail/access");
    EXPECT_EQ(troubles(site.examine()), Troubles{"warning access"});
}

TEST(SendmailChecks, TheLockMustBeSendmails) {
    SendmailSite site;
    site.surehop.lock = Lock::postfix;
    EXPECT_EQ(troubles(site.examine()), Troubles{"failed lock"});
}

TEST(SendmailChecks, DaneOf818IsEnough) {
    SendmailSite site;
    site.replace("DZ8.17.1.9/Debian-2", "DZ8.18.1\nO DANE=true");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
}

TEST(SendmailChecks, TheResolverIsThatOfSurehop) {
    SendmailSite site;
    site.files.texts["/etc/resolv.conf"] = "nameserver 192.0.2.53";
    EXPECT_EQ(troubles(site.examine()), Troubles{"failed mta-resolver"});
}

TEST(SendmailChecks, SocketsThatAreNotThereAreFound) {
    SendmailSite site;
    site.files.sockets["/run/surehop/milter.sock"] = Connectable::missing;
    EXPECT_EQ(troubles(site.examine()), Troubles{"failed sockets"});
}

TEST(SendmailHops, SmartHostFallbacksAndMailertableAreNamed) {
    SendmailSite site;
    site.text += "DSesmtp:[relay.test]\n"
                 "O FallbackMXhost=fallback.test\n"
                 "Kmailertable hash /etc/mail/mailertable\n";
    site.files.texts["/etc/mail/mailertable"] = "a.test\tesmtp:[x.test]\n"
                                                ".b.test\tsmtp:y.test:z.test\n"
                                                "here.test\tlocal:bob\n"
                                                ".\trelay:%1.test\n";
    const NamedHops named = site.hops();
    std::vector<std::string> told;
    for (const NamedHop& one : named.hops)
        told.push_back(one.next_hop + "|" + one.where + "|" + one.recipient);
    EXPECT_EQ(told,
              (std::vector<std::string>{"[relay.test]|SMART_HOST|", "fallback.test|FallbackMXhost|",
                                        "[x.test]|mailertable (a.test)|postmaster@a.test",
                                        "y.test|mailertable (.b.test)|postmaster@any.b.test",
                                        "z.test|mailertable (.b.test)|postmaster@any.b.test"}));
    EXPECT_EQ(troubles(named.findings),
              (Troubles{"failed next-hops", "warning fallback-relay", "warning next-hops"}));
}

TEST(SendmailHops, AMailertableThatCannotBeReadIsSaid) {
    SendmailSite site;
    site.text += "Kmailertable hash /etc/mail/mailertable\n";
    EXPECT_EQ(troubles(site.hops().findings), Troubles{"warning next-hops"});
    EXPECT_EQ(SendmailSite().hops().hops.size(), 0U);
}

TEST(SendmailConfig, WhatIsNoneIsAnError) {
    for (const char* text : {"", "mydestination =\n", "\xff\xfe", "O DANE=true\n"})
        EXPECT_FALSE(SendmailConfig::parse(text)) << text;
}

TEST(SendmailConfig, LinesAreFoldedCommentedAndOverridden) {
    const auto read = SendmailConfig::parse("V10\r\nO DANE=false\n#O DANE=no\nO dane=\n\ttrue\n"
                                            "K\nX\nO\nD\nO X\nKa b\nXm\nOxQ/var\n");
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->option("Dane"), "true");
    EXPECT_EQ(read->map("a")->type, "b");
    EXPECT_EQ(read->milter("m")->equates.size(), 0U);
    EXPECT_EQ(read->map("b"), nullptr);
    EXPECT_EQ(read->version(), (std::array<std::uint32_t, 2>{}));
}

TEST(SendmailTime, UnitsMayBeAdded) {
    EXPECT_EQ(sendmail_time("2h30m", 'd'), std::chrono::minutes{150});
    EXPECT_EQ(sendmail_time("5", 'd'), std::chrono::days{5});
    EXPECT_EQ(sendmail_time("10s", 'd'), Seconds{10});
    for (const char* bad : {"", "soon", "s5", "5y"})
        EXPECT_FALSE(sendmail_time(bad, 'd')) << bad;
}

} // namespace
} // namespace surehop::test
