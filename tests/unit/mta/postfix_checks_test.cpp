// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix_checks.h"

#include "unit/mta/postfix_site.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop::test {
namespace {

using Troubles = std::set<std::string>;

TEST(PostfixChecks, AWholeConfigurationHasNoFinding) {
    EXPECT_EQ(troubles(PostfixSite().examine()), Troubles{});
    EXPECT_EQ(troubles(PostfixSite().with_310().examine()), Troubles{});
    EXPECT_TRUE(PostfixSite().examine().healthy());
}

TEST(PostfixChecks, EveryCheckSaysSomethingOfAWholeConfiguration) {
    const Findings found = PostfixSite().examine();
    for (const Finding& one : found.all()) {
        EXPECT_EQ(one.state, FindingState::ok) << one.check;
        EXPECT_FALSE(one.text.empty()) << one.check;
        EXPECT_TRUE(one.remedy.empty()) << one.check;
    }
}

struct Broken {
    std::vector<std::string> lines;
    std::string trouble; // the only one that is found
    std::string remedy;
};

// Each line of the configuration that would undo the guarantee, the only finding, and its remedy.
const std::vector<Broken>& broken_lines() {
    static const std::string ours = "smtp_tls_policy_maps = socketmap:unix:surehop/socketmap.sock:"
                                    "postfix";
    static const std::vector<Broken> all = {
        {{"smtp_tls_policy_maps ="}, "failed policy-map", "postconf -e '" + ours + "'"},
        {{"smtp_tls_policy_maps = hash:/etc/p socketmap:unix:surehop/socketmap.sock:postfix"},
         "failed policy-map",
         "postconf -e '" + ours + ", hash:/etc/p'"},
        {{ours + "310"}, "failed policy-map", "postconf -e '" + ours + "'"},
        {{"smtp_tls_policy_maps = socketmap:unix:surehop/socketmap.sock:sendmail"},
         "failed policy-map",
         "postconf -e '" + ours + "'"},
        {{"smtp_tls_policy_maps = socketmap:unix:/run/other.sock:postfix"},
         "failed policy-map",
         "postconf -e '" + ours + "'"},
        {{"relay/unix/smtp_tls_policy_maps ="},
         "failed policy-map",
         "postconf -PX relay/unix/smtp_tls_policy_maps"},
        {{"smtp/unix/smtp_tls_policy_maps = static:may"},
         "failed policy-map",
         "postconf -P "
         "'smtp/unix/smtp_tls_policy_maps=socketmap:unix:surehop/socketmap.sock:postfix,"
         "static:may'"},
        {{"smtp_tls_per_site = hash:/etc/per_site"},
         "warning policy-map",
         "postconf -X smtp_tls_per_site"},
        {{"smtp_dns_support_level ="},
         "failed dns-support",
         "postconf -e 'smtp_dns_support_level = dnssec'"},
        {{"smtp_dns_support_level = enabled"},
         "failed dns-support",
         "postconf -e 'smtp_dns_support_level = dnssec'"},
        {{"smtp_dns_support_level =", "disable_dns_lookups = yes"},
         "failed dns-support",
         "postconf -e 'smtp_dns_support_level = dnssec'"},
        {{"relay/unix/smtp_dns_support_level = enabled"},
         "failed dns-support",
         "postconf -PX relay/unix/smtp_dns_support_level"},
        {{"smtp_tls_security_level ="},
         "failed security-level",
         "postconf -e 'smtp_tls_security_level = dane'"},
        {{"smtp_tls_security_level = none"},
         "failed security-level",
         "postconf -e 'smtp_tls_security_level = dane'"},
        {{"smtp_tls_security_level = may"},
         "warning security-level",
         "postconf -e 'smtp_tls_security_level = dane'"},
        {{"smtp/unix/smtp_tls_security_level = none"},
         "failed security-level",
         "postconf -PX smtp/unix/smtp_tls_security_level"},
        {{"smtp_tls_dane_insecure_mx_policy = may"},
         "warning dane-insecure-mx",
         "postconf -e 'smtp_tls_dane_insecure_mx_policy = dane'"},
        {{"smtp_host_lookup = native"},
         "failed host-lookup",
         "postconf -e 'smtp_host_lookup = dns'"},
        {{"smtp_host_lookup = dns, native"},
         "failed host-lookup",
         "postconf -e 'smtp_host_lookup = dns'"},
        {{"ignore_mx_lookup_error = yes"},
         "failed dane-possible",
         "postconf -e 'ignore_mx_lookup_error = no'"},
        {{"smtp_dns_resolver_options = res_dnsrch"},
         "failed dane-possible",
         "postconf -e 'smtp_dns_resolver_options ='"},
        {{"smtp_tls_CAfile ="},
         "failed certificates",
         "postconf -e 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt'"},
        {{"smtp_tls_CAfile = /nowhere.pem"},
         "failed certificates",
         "postconf -e 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt'"},
        {{"smtp_tls_CAfile = /etc/resolv.conf"}, // no certificates in there
         "failed certificates",
         "postconf -e 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt'"},
        {{"smtp_tls_CAfile =", "smtp_tls_CApath = /etc/ssl/certs"},
         "failed certificates",
         "postconf -e 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt'"},
        {{"smtp_tls_trust_anchor_file = /etc/house.pem"},
         "failed trust-anchors",
         "postconf -e 'smtp_tls_trust_anchor_file ='"},
        {{"tls_append_default_CA = yes"},
         "warning default-ca",
         "postconf -e 'tls_append_default_CA = no'"},
        {{"smtp_tls_mandatory_protocols = >=TLSv1"},
         "warning protocols",
         "postconf -e 'smtp_tls_mandatory_protocols = >=TLSv1.2'"},
        {{"smtp_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1"},
         "warning protocols",
         "postconf -e 'smtp_tls_mandatory_protocols = >=TLSv1.2'"},
        {{"maximal_queue_lifetime = 6d"},
         "failed queue-lifetime",
         "postconf -e 'maximal_queue_lifetime = 5d'"},
        {{"bounce_queue_lifetime = 121h"},
         "failed queue-lifetime",
         "postconf -e 'bounce_queue_lifetime = 5d'"},
        {{"maximal_queue_lifetime = soon"},
         "failed queue-lifetime",
         "postconf -e 'maximal_queue_lifetime = 5d'"},
        {{"smtpd_milters ="},
         "failed milter",
         "postconf -e 'smtpd_milters = unix:surehop/milter.sock'"},
        {{"smtpd_milters = unix:/var/spool/postfix/surehop/milter.sock"}, // not in the chroot
         "failed milter",
         "postconf -e 'smtpd_milters = unix:surehop/milter.sock'"},
        {{"smtpd_milters = { inet:127.0.0.1:8891, connect_timeout=3s }"}, // keeps what is there
         "failed milter",
         "postconf -e 'smtpd_milters = { inet:127.0.0.1:8891, connect_timeout=3s } "
         "unix:surehop/milter.sock'"},
        {{"submission/inet/smtpd_milters ="},
         "failed milter",
         "postconf -PX submission/inet/smtpd_milters"},
        {{"receive_override_options = no_milters, no_address_mappings"},
         "failed milter non-smtpd-milter",
         "postconf -e 'receive_override_options = no_address_mappings'"},
        {{"submission/inet/receive_override_options = no_header_body_checks,no_milters"},
         "failed milter",
         "postconf -P 'submission/inet/receive_override_options=no_header_body_checks'"},
        {{"submission/inet/smtpd_milters = inet:localhost:8891"},
         "failed milter",
         "postconf -P "
         "'submission/inet/smtpd_milters=inet:localhost:8891,unix:surehop/milter.sock'"},
        {{"smtp/inet/smtpd_proxy_filter = 127.0.0.1:10025"},
         "failed milter",
         "put surehop's milter on the smtpd behind that filter, or use content_filter in its "
         "place"},
        {{"smtpd_milter_maps = cidr:{{0.0.0.0/0 DISABLE}}"},
         "failed milter-maps",
         "postconf -e 'smtpd_milter_maps ='"},
        {{"smtpd_milter_maps = pcre:{{/^10\\./ unix:surehop/milter.sock}, {/./ DISABLE}}"},
         "failed milter-maps",
         "postconf -e 'smtpd_milter_maps ='"},
        {{"non_smtpd_milters ="},
         "failed non-smtpd-milter",
         "postconf -e 'non_smtpd_milters = unix:surehop/milter.sock'"},
        {{"cleanup/unix/non_smtpd_milters ="},
         "failed non-smtpd-milter",
         "postconf -PX cleanup/unix/non_smtpd_milters"},
        {{"milter_default_action = accept"},
         "failed milter-default",
         "postconf -e 'milter_default_action = tempfail'"},
        {{"milter_default_action = shutdown"}, // from 3.10 on
         "failed milter-default",
         "postconf -e 'milter_default_action = tempfail'"},
        {{"milter_default_action = quarantine"},
         "warning milter-default",
         "postconf -e 'milter_default_action = tempfail'"},
        {{"smtp/inet/milter_default_action = accept"},
         "failed milter-default",
         "postconf -PX smtp/inet/milter_default_action"},
        {{"smtpd_milters = { unix:surehop/milter.sock, default_action = accept }"},
         "failed milter-default",
         "postconf -e 'smtpd_milters = unix:surehop/milter.sock'"},
        {{"milter_protocol = 2"}, "failed milter-protocol", "postconf -e 'milter_protocol = 6'"},
        {{"milter_rcpt_macros = i {rcpt_addr}"},
         "warning milter-macros",
         "postconf -e 'milter_rcpt_macros = i {rcpt_addr} {rcpt_host} {rcpt_mailer}'"},
        {{"milter_mail_macros = i"},
         "warning milter-macros",
         "postconf -e 'milter_mail_macros = i {auth_type} {auth_authen} {auth_author} {mail_addr} "
         "{mail_host} {mail_mailer}'"},
        {{"milter_command_timeout = 5s"},
         "failed milter-timeout",
         "postconf -e 'milter_command_timeout = 30s'"},
        {{"smtpd_milters = unix:surehop/milter.sock inet:127.0.0.1:8891"},
         "warning milter-order",
         "postconf -e 'smtpd_milters = inet:127.0.0.1:8891 unix:surehop/milter.sock'"},
        {{"smtpd_milter_maps = inline:{ 192.0.2.1=DISABLE }"},
         "failed milter-maps",
         "postconf -e 'smtpd_milter_maps ='"},
        {{"smtpd_milter_maps = cidr:/etc/postfix/milters.cidr"},
         "failed milter-maps",
         "postconf -e 'smtpd_milter_maps ='"},
        {{"smtpd_milter_maps = ldap:/etc/postfix/milters.cf"},
         "warning milter-maps",
         "postconf -e 'smtpd_milter_maps ='"},
    };
    return all;
}

TEST(PostfixChecks, EachLineThatUndoesTheGuaranteeIsFoundWithItsRemedy) {
    for (const Broken& one : broken_lines()) {
        PostfixSite site;
        site.postmap["inline:{ 192.0.2.1=DISABLE }"] = "192.0.2.1\tDISABLE\n";
        site.files.texts["/etc/postfix/milters.cidr"] = "# inside\n10.0.0.0/8 DISABLE\n";
        for (const std::string& line : one.lines)
            site.write(line);
        const Findings found = site.examine();
        const std::string what = one.lines.front();
        Troubles expected{one.trouble};
        if (one.trouble == "failed milter non-smtpd-milter")
            expected = {"failed milter", "failed non-smtpd-milter"};
        EXPECT_EQ(troubles(found), expected) << what;
        const auto check = one.trouble.substr(one.trouble.find(' ') + 1);
        const auto finding = find(found, check.substr(0, check.find(' ')));
        ASSERT_TRUE(finding) << what;
        EXPECT_EQ(finding->remedy, one.remedy) << what;
    }
}

TEST(PostfixChecks, AFolderOfAuthoritiesCountsWhereSmtpFindsCertificatesInIt) {
    const auto found = [](const char* file) {
        PostfixSite site;
        site.files.texts[file] = "-----BEGIN CERTIFICATE-----";
        site.write("smtp_tls_CAfile =").write("smtp_tls_CApath = /etc/certs");
        return troubles(site.examine());
    };
    EXPECT_EQ(found("/var/spool/postfix/etc/certs/a94d09e5.0"), Troubles{});
    EXPECT_EQ(found("/etc/certs/a94d09e5.0"), Troubles{"failed certificates"}); // not in the chroot
    EXPECT_EQ(found("/var/spool/postfix/etc/certs/house.pem"), Troubles{"failed certificates"});
}

TEST(PostfixChecks, TheAuthoritiesOfOpenSslAreAFolderThatTheChrootHasNot) {
    PostfixSite site;
    site.write("smtp_tls_CAfile =").write("tls_append_default_CA = yes");
    EXPECT_EQ(troubles(site.examine()), (Troubles{"failed certificates", "warning default-ca"}));
    site.services = "smtp inet n - y - - smtpd\nsmtp unix - - n - - smtp\n"
                    "pickup unix n - y 60 1 pickup\ncleanup unix n - y - 0 cleanup\n";
    site.overrides = "";
    EXPECT_EQ(troubles(site.examine()), Troubles{"warning default-ca"});
}

TEST(PostfixChecks, WhatComesByQmqpIsJudgedToo) {
    PostfixSite site;
    site.services += "628 inet n - y - - qmqpd\n";
    EXPECT_EQ(troubles(site.examine()), Troubles{});
    site.write("628/inet/receive_override_options = no_milters");
    EXPECT_EQ(troubles(site.examine()), Troubles{"failed non-smtpd-milter"});
}

TEST(PostfixChecks, AnInsecureMxPolicyMattersOnlyAtLevelDane) {
    PostfixSite site;
    site.write("smtp_tls_security_level = encrypt").write("smtp_tls_dane_insecure_mx_policy = may");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
}

TEST(PostfixChecks, ALineOfMainCfThatEveryServiceReplacesDoesNotMatter) {
    PostfixSite site;
    site.write("smtp_host_lookup = native")
        .write("smtp/unix/smtp_host_lookup = dns")
        .write("relay/unix/smtp_host_lookup = dns");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
}

// ---- versions and the lock

TEST(PostfixChecks, TheLockMustFitTheVersion) {
    PostfixSite older = PostfixSite().with_310();
    older.version = "3.9.1";
    older.write("milter_default_action = tempfail");
    EXPECT_EQ(troubles(older.examine()), Troubles{"failed lock"});
    EXPECT_EQ(find(older.examine(), "lock")->remedy, "lock = \"postfix\"");

    PostfixSite unpatched = PostfixSite().with_310();
    unpatched.version = "3.10.4";
    EXPECT_EQ(troubles(unpatched.examine()), Troubles{"warning lock"});

    PostfixSite ancient;
    ancient.version = "3.3.0";
    EXPECT_TRUE(troubles(ancient.examine()).contains("failed lock"));

    for (const Lock lock : {Lock::none, Lock::sendmail}) {
        PostfixSite other;
        other.surehop.lock = lock;
        EXPECT_EQ(troubles(other.examine()), Troubles{"failed lock"}) << name_of(lock);
    }
}

TEST(PostfixChecks, PatternsMustBeEnforcedWhereSurehopSendsThem) {
    PostfixSite site = PostfixSite().with_310();
    site.write("smtp_tls_enforce_sts_mx_patterns = no");
    EXPECT_EQ(troubles(site.examine()), Troubles{"failed sts-patterns"});
}

TEST(PostfixChecks, AWaiverOfTheSenderFailsWhereSurehopDoesNotRefuseIt) {
    PostfixSite site = PostfixSite().with_310();
    site.write("tls_required_enable = yes");
    EXPECT_EQ(troubles(site.examine()), Troubles{"warning tls-required"});
    site.surehop.refuses_waiver = false;
    EXPECT_EQ(troubles(site.examine()), Troubles{"failed tls-required"});
    EXPECT_EQ(find(site.examine(), "tls-required")->remedy,
              "postconf -e 'tls_required_enable = no'");
    site.write("tls_required_enable = no").write("smtp/unix/tls_required_enable = yes");
    EXPECT_EQ(find(site.examine(), "tls-required")->remedy,
              "postconf -PX smtp/unix/tls_required_enable");
}

TEST(PostfixChecks, BeforeVersion36ProtocolsAreExcluded) {
    PostfixSite site;
    site.version = "3.5.6";
    site.write("smtp_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
    site.write("smtp_tls_mandatory_protocols = !SSLv2, !SSLv3");
    EXPECT_EQ(find(site.examine(), "protocols")->remedy,
              "postconf -e 'smtp_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1'");
}

// ---- the chroot

TEST(PostfixChecks, AnAbsolutePathHoldsOnlyOutsideTheChroot) {
    PostfixSite site;
    site.write("smtp_tls_policy_maps = "
               "socketmap:unix:/var/spool/postfix/surehop/socketmap.sock:postfix");
    EXPECT_EQ(troubles(site.examine()), Troubles{"failed policy-map"});
    for (std::size_t at = 0; (at = site.services.find(" y ", at)) != std::string::npos;)
        site.services.replace(at, 3, " n ");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
}

TEST(PostfixChecks, AProxiedMapIsSeenFromWhereProxymapRuns) {
    PostfixSite site;
    site.write("smtp_tls_policy_maps = "
               "proxy:socketmap:unix:/var/spool/postfix/surehop/socketmap.sock:postfix");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
}

TEST(PostfixChecks, ASocketOutsideTheChrootIsToBeMoved) {
    PostfixSite site;
    site.surehop.socketmap = {"unix:/run/surehop/socketmap.sock"};
    EXPECT_EQ(find(site.examine(), "policy-map")->remedy,
              "[listen] socketmap = [\"unix:/var/spool/postfix/surehop/socketmap.sock\"]");
    site.surehop.milter = "unix:/run/surehop/milter.sock";
    EXPECT_EQ(find(site.examine(), "milter")->remedy,
              "[listen] milter = \"unix:/var/spool/postfix/surehop/milter.sock\"");
}

TEST(PostfixChecks, SocketsOverTcpAreComparedByAddressAndPort) {
    PostfixSite site;
    site.surehop.socketmap = {"inet:8461@127.0.0.1"};
    site.surehop.milter = "inet:8460@::1";
    site.write("smtp_tls_policy_maps = socketmap:inet:localhost:8461:postfix")
        .write("smtpd_milters = inet:[::1]:8460")
        .write("non_smtpd_milters = inet:[::1]:8460");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
    site.write("smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8462:postfix");
    EXPECT_EQ(find(site.examine(), "policy-map")->remedy,
              "postconf -e 'smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix'");
}

TEST(PostfixChecks, PostfixUsersMustReachTheSockets) {
    struct Row {
        Connectable how;
        const char* trouble;
    };
    for (const Row& row : {Row{Connectable::missing, "failed policy-socket"},
                           Row{Connectable::not_a_socket, "failed policy-socket"},
                           Row{Connectable::forbidden, "failed policy-socket"},
                           Row{Connectable::unseen, "warning policy-socket"}}) {
        PostfixSite site;
        site.files.sockets["/var/spool/postfix/surehop/socketmap.sock"] = row.how;
        EXPECT_EQ(troubles(site.examine()), Troubles{row.trouble});
    }
    PostfixSite site;
    site.files.sockets["/var/spool/postfix/surehop/milter.sock"] = Connectable::forbidden;
    EXPECT_EQ(troubles(site.examine()), Troubles{"failed milter-socket"});
    EXPECT_EQ(find(site.examine(), "milter-socket")->remedy,
              "install -d -o surehop -g postfix -m 2750 /var/spool/postfix/surehop");
}

// ---- the resolver

TEST(PostfixChecks, PostfixMustAskTheResolverThatSurehopAsks) {
    struct Row {
        std::vector<std::string> ours, trusted;
        std::optional<std::string> text;
        Troubles expected;
    };
    const Troubles failed{"failed mta-resolver"}, warns{"warning mta-resolver"}, none;
    for (const Row& row : std::vector<Row>{
             {{"127.0.0.1:53"}, {}, "nameserver 127.0.0.1\nnameserver 192.0.2.1", failed},
             {{"127.0.0.1:53"}, {}, "nameserver 127.0.0.53", failed},
             {{"[::1]:53"}, {}, "nameserver 0:0:0:0:0:0:0:1", none},
             {{}, {}, "nameserver 127.0.0.1", none},
             {{}, {}, "nameserver 127.0.0.53", failed},
             {{}, {}, "nameserver 192.0.2.53", failed},
             {{}, {"192.0.2.53"}, "nameserver 192.0.2.53", none},
             {{"127.0.0.1:53"}, {}, "options edns0", none}, // then 127.0.0.1
             {{"127.0.0.1:53"}, {}, std::nullopt, warns},
             {{"192.0.2.53:53"}, {}, std::nullopt, {"failed mta-resolver", "warning mta-resolver"}},
         }) {
        PostfixSite site;
        site.surehop.resolvers = row.ours;
        site.surehop.trusted = row.trusted;
        site.files.texts.erase("/var/spool/postfix/etc/resolv.conf");
        if (row.text)
            site.files.texts["/var/spool/postfix/etc/resolv.conf"] = *row.text;
        EXPECT_EQ(troubles(site.examine()), row.expected) << row.text.value_or("no file");
    }
}

// ---- ways into Postfix

TEST(PostfixChecks, AListenerThatAFilterReturnsToMayGoWithoutTheMilterButIsNamed) {
    PostfixSite site;
    site.services += "127.0.0.1:10025 inet n - y - - smtpd\n";
    site.write("127.0.0.1:10025/inet/smtpd_milters =");
    EXPECT_EQ(troubles(site.examine()), Troubles{"warning milter"});
}

TEST(PostfixChecks, AFirstServerWithoutTheMilterIsGoodWhereASecondOneHasIt) {
    PostfixSite site;
    site.services += "reinject unix - - y - - smtp\n"
                     "127.0.0.1:10026 inet n - y - - smtpd\n";
    site.write("smtpd_milters =").write("non_smtpd_milters =");
    site.write("content_filter = reinject:[127.0.0.1]:10026");
    site.write("127.0.0.1:10026/inet/content_filter =");
    EXPECT_EQ(troubles(site.examine()),
              (Troubles{"failed milter", "failed non-smtpd-milter"})); // nor has the second one
    site.write("127.0.0.1:10026/inet/smtpd_milters = unix:surehop/milter.sock");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
    PostfixSite past = site;
    past.write("127.0.0.1:10026/inet/receive_override_options = no_milters");
    EXPECT_TRUE(troubles(past.examine()).contains("failed milter"));
    PostfixSite open = site;
    open.write("submission/inet/content_filter =");
    EXPECT_EQ(troubles(open.examine()), Troubles{"failed milter"});
}

TEST(PostfixChecks, AMilterOfMilterMapsMayBeSurehopsOwn) {
    PostfixSite site;
    site.files.texts["/etc/postfix/maps"] = "/^192\\.0\\.2\\./ unix:surehop/milter.sock\n";
    site.write("smtpd_milter_maps = regexp:/etc/postfix/maps");
    EXPECT_EQ(troubles(site.examine()), Troubles{});
}

} // namespace
} // namespace surehop::test
