// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix_tables.h"

#include "unit/mta/postfix_site.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop::test {
namespace {

// "next hop|where|recipient|sender"
std::vector<std::string> told(const NamedHops& named) {
    std::vector<std::string> out;
    for (const NamedHop& one : named.hops)
        out.push_back(
            fmt::format("{}|{}|{}|{}", one.next_hop, one.where, one.recipient, one.sender));
    return out;
}
using Hops = std::vector<std::string>;

TEST(NamedHops, AWholeConfigurationNamesNone) {
    EXPECT_EQ(told(PostfixSite().hops()), Hops{});
    EXPECT_EQ(PostfixSite().hops().findings.size(), 0U);
}

TEST(NamedHops, EachParameterThatNamesOneIsRead) {
    for (const char* name :
         {"relay_transport", "default_transport", "local_transport", "virtual_transport",
          "mailbox_transport", "fallback_transport", "content_filter"})
        EXPECT_EQ(told(PostfixSite().write(fmt::format("{} = smtp:[a.test]:587", name)).hops()),
                  (Hops{fmt::format("[a.test]:587|{}||", name)}))
            << name;
    EXPECT_EQ(told(PostfixSite().write("relayhost = [a.test]:587, b.test").hops()),
              (Hops{"[a.test]:587|relayhost||", "b.test|relayhost||"}));
    EXPECT_EQ(told(PostfixSite().write("submission/inet/content_filter = smtp:[a.test]").hops()),
              (Hops{"[a.test]|content_filter of submission/inet in master.cf||"}));
}

TEST(NamedHops, AFallbackRelayIsNamedAndWarnedOf) {
    const NamedHops named = PostfixSite().write("relay/unix/smtp_fallback_relay = [f.test]").hops();
    EXPECT_EQ(told(named), (Hops{"[f.test]|smtp_fallback_relay of relay/unix in master.cf||"}));
    EXPECT_EQ(troubles(named.findings), std::set<std::string>{"warning fallback-relay"});
}

TEST(NamedHops, TablesAreReadByWhatTheirKeysMean) {
    PostfixSite site;
    site.postmap["hash:/etc/postfix/transport"] = "a.test\tsmtp:[x.test]\n"
                                                  ".b.test\trelay:y.test\n"
                                                  "c@d.test\t:[z.test]\n"
                                                  "own.test\tsmtp:\n"
                                                  "here.test\tlocal:\n"
                                                  "gone.test\terror:no such domain\n"
                                                  "*\tsmtp:[w.test]\n";
    site.write("transport_maps = proxy:hash:/etc/postfix/transport");
    EXPECT_EQ(told(site.hops()), (Hops{"[x.test]|transport_maps (a.test)|postmaster@a.test|",
                                       "y.test|transport_maps (.b.test)|postmaster@any.b.test|",
                                       "[z.test]|transport_maps (c@d.test)|c@d.test|",
                                       "[w.test]|transport_maps (*)||"}));
    EXPECT_EQ(site.hops().findings.size(), 0U);
}

TEST(NamedHops, TablesOfSendersAreToldWithTheirSender) {
    PostfixSite site;
    site.files.texts["/etc/postfix/by_sender"] = "/^boss@/ [x.test]:587\n";
    site.write("sender_dependent_relayhost_maps = static:[r.test], regexp:/etc/postfix/by_sender")
        .write("sender_dependent_default_transport_maps = inline:{@a.test=smtp:s.test}");
    site.postmap["inline:{@a.test=smtp:s.test}"] = "@a.test\tsmtp:s.test\nb@a.test\tDUNNO\n";
    EXPECT_EQ(told(site.hops()),
              (Hops{"s.test|sender_dependent_default_transport_maps (@a.test)||postmaster@a.test",
                    "[r.test]|sender_dependent_relayhost_maps (*)||",
                    "[x.test]:587|sender_dependent_relayhost_maps (/^boss@/)||"}));
}

TEST(NamedHops, WhatCannotBeListedIsSaid) {
    for (const char* table :
         {"ldap:/etc/x", "mysql:/etc/x", "pcre:/nowhere", "hash:/nowhere", "tcp:127.0.0.1:1",
          "regexp:/etc/computed", "nonsense", "unionmap:{a}"}) {
        PostfixSite site;
        site.files.texts["/etc/computed"] = "/^(.*)@x$/ smtp:[$1.test]\n";
        site.write(fmt::format("transport_maps = {}", table));
        EXPECT_EQ(troubles(site.hops().findings), std::set<std::string>{"warning next-hops"})
            << table;
        EXPECT_EQ(told(site.hops()), Hops{}) << table;
    }
}

TEST(NamedHops, MailThatAProgramCarriesAwayIsSaid) {
    EXPECT_EQ(troubles(PostfixSite().write("default_transport = maildrop").hops().findings),
              std::set<std::string>{"warning next-hops"});
    EXPECT_EQ(troubles(PostfixSite().write("default_transport = nobody:[x]").hops().findings),
              std::set<std::string>{"warning next-hops"});
}

TEST(ListTable, PatternsAreReadWithTheirConditionsAndFlags) {
    Files files;
    files.texts["/p"] = "# comment\n"
                        "if /^a/\n"
                        "/^a b\\/c@/i   smtp:[x.test]\n"
                        "endif\n"
                        "!/^inside/ smtp:\n"
                        "  [y.test]\n"
                        "10.0.0.0/8 DISABLE\r\n"
                        "/unended\n";
    const auto listed =
        list_table("pcre:/p", files, [](const std::string&) { return Error{"not asked"}; });
    ASSERT_TRUE(listed) << listed.error();
    std::vector<std::string> lines;
    for (const TableEntry& one : *listed)
        lines.push_back(one.key + " -> " + one.value);
    EXPECT_EQ(lines, (Hops{"/^a b\\/c@/i -> smtp:[x.test]", "!/^inside/ -> smtp: [y.test]",
                           "10.0.0.0/8 -> DISABLE", "/unended -> "}));
}

} // namespace
} // namespace surehop::test
