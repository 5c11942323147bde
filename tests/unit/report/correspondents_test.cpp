// SPDX-License-Identifier: Apache-2.0
#include "report/correspondents.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace surehop {
namespace {

Correspondents read(const std::vector<std::string>& lines, CorrespondentLimits limits = {}) {
    Correspondents out(limits);
    for (const std::string& line : lines)
        out.line(line);
    return out;
}

// "recipient sender mails", one after the other.
std::vector<std::string> found(const Correspondents& correspondents) {
    std::vector<std::string> out;
    for (const auto& [domain, list] : correspondents.domains())
        for (const Correspondent& one : list)
            out.push_back(fmt::format("{} {} {}", one.recipient,
                                      one.sender ? "<" + *one.sender + ">" : "-", one.mails));
    return out;
}
using Found = std::vector<std::string>;

TEST(Correspondents, a_list) {
    const auto list = read({"# partners", "bob@Example.ORG", "  example.net\t", "",
                            "bob@example.org\r", "<jo@example.org>", "m\xc3\xbcnchen.example"});
    EXPECT_EQ(found(list), (Found{"@example.net - 1", "bob@example.org - 2", "jo@example.org - 1",
                                  "@xn--mnchen-3ya.example - 1"}));
    EXPECT_FALSE(list.is_log());
    EXPECT_TRUE(list.complaints().empty());
}

TEST(Correspondents, what_a_list_has_that_is_no_address) {
    const auto list =
        read({"bob@example.org", "two words", "bob@", "<>", "\x1b[31mred", "a..b.test"});
    EXPECT_EQ(list.not_read(), 5U);
    EXPECT_EQ(list.complaints().at(0), "line 2: 'two words' is neither an address nor a domain");
    EXPECT_EQ(list.complaints().at(3), "line 5: '?[31mred' is neither an address nor a domain");
    EXPECT_EQ(found(list), (Found{"bob@example.org - 1"}));
}

// As Postfix 3.7 and 3.10 write it.
const std::vector<std::string> postfix = {
    "Nov 22 10:00:00 mx postfix/smtpd[9]: connect from localhost[127.0.0.1]",
    "Nov 22 10:00:00 mx postfix/qmgr[7]: 4F3aBCx: from=<alice@clinic.test>, size=300, nrcpt=3 "
    "(queue active)",
    "Nov 22 10:00:01 mx postfix/smtp[8]: 4F3aBCx: to=<bob@example.org>, "
    "relay=mx.example.org[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)",
    "Nov 22 10:00:01 mx postfix/relay/smtp[8]: 4F3aBCx: to=<Jo@example.org>, orig_to=<jo>, "
    "relay=none, delay=1, dsn=4.4.1, status=deferred (connect to mx: timed out)",
    "Nov 22 10:00:01 mx postfix/local[8]: 4F3aBCx: to=<root@mx.test>, relay=local, dsn=2.0.0, "
    "status=sent (delivered)",
    "2026-11-22T10:10:01.123456+01:00 mx postfix/smtp[8]: 4F3aBCx: to=<Jo@example.org>, "
    "relay=none, delay=1, dsn=4.4.1, status=deferred (connect to mx: timed out)",
    "Nov 22 10:20:01 mx postfix/smtp[8]: 4F3aBCx: to=<Jo@example.org>, relay=mx, delay=1, "
    "dsn=2.0.0, status=sent (250 ok)",
    "Nov 22 10:20:02 mx postfix/smtp[8]: 5A5A5A5A: to=<bob@example.org>, relay=mx, delay=1, "
    "dsn=5.0.0, status=bounced (550 no)",
};

TEST(Correspondents, a_log_of_postfix) {
    const auto log = read(postfix);
    EXPECT_TRUE(log.is_log());
    EXPECT_TRUE(log.complaints().empty()) << log.complaints().front();
    EXPECT_EQ(found(log), (Found{"Jo@example.org <alice@clinic.test> 1", "bob@example.org - 1",
                                 "bob@example.org <alice@clinic.test> 1"}))
        << "each recipient of a message once, local deliveries not at all";
}

TEST(Correspondents, a_log_of_sendmail) {
    const auto log = read(
        {"Nov 22 10:00:00 mx sm-mta[12]: 6AMD12340: from=<alice@clinic.test>, size=1, class=0",
         "Nov 22 10:00:01 mx sm-mta[12]: 6AMD12340: to=<bob@example.org>,<jo@example.net>, "
         "delay=00:00:01, mailer=esmtp, pri=1, relay=mx. [192.0.2.1], dsn=2.0.0, stat=Sent (ok)",
         "Nov 22 10:00:01 mx sm-mta[12]: 6AMD12340: to=root, mailer=local, stat=Sent",
         "Nov 22 10:00:01 mx sm-mta[12]: 6AMD12341: to=eve@example.net, ctladdr=<>, mailer=esmtp, "
         "stat=Deferred: Connection refused by mx.",
         "Nov 22 10:30:01 mx sm-mta[12]: 6AMD12341: to=eve@example.net, mailer=esmtp, stat=Sent"});
    EXPECT_EQ(found(log), (Found{"eve@example.net - 1", "jo@example.net <alice@clinic.test> 1",
                                 "bob@example.org <alice@clinic.test> 1"}));
}

TEST(Correspondents, null_sender_quotes_and_what_cannot_be_read) {
    const auto log =
        read({"h postfix/qmgr[7]: AAAAA: from=<>, size=1",
              "h postfix/smtp[7]: AAAAA: to=<\"a, b>\"@x.test>, status=sent",
              "h postfix/smtp[7]: AAAAA: to=<nobody>, status=sent",
              "h postfix/smtp[7]: AAAAA: to=<never ends, status=sent",
              "h postfix/smtp[7]: AA: to=<b@x.test>, status=sent", // no queue id
              "h postfix/smtp: AAAAA: to=<c@x.test>, status=sent", ": to=", "]: : to=<"});
    EXPECT_EQ(found(log), (Found{"\"a, b>\"@x.test <> 1"}));
    EXPECT_EQ(log.not_read(), 1U);
    EXPECT_EQ(log.complaints().at(0), "line 3: '<nobody>' names a recipient that cannot be read");
}

TEST(Correspondents, memory_is_bounded) {
    CorrespondentLimits limits;
    limits.pairs = 10;
    limits.tries = 10;
    limits.senders = 10;
    limits.complaints = 10;
    Correspondents log(limits);
    for (int i = 0; i < 1000; ++i) {
        log.line(fmt::format("h postfix/qmgr[7]: A{:05}: from=<a{}@x.test>, size=1", i, i));
        log.line(
            fmt::format("h postfix/smtp[7]: A{:05}: to=<b{}@y{}.test>, status=deferred", i, i, i));
        log.line(fmt::format("h postfix/smtp[7]: A{:05}: to=<>, status=deferred", i));
    }
    EXPECT_EQ(found(log).size(), 10U);
    EXPECT_TRUE(log.full());
    EXPECT_EQ(log.complaints().size(), 10U);
    EXPECT_EQ(log.not_read(), 1000U);
}

} // namespace
} // namespace surehop
