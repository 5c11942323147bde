// SPDX-License-Identifier: Apache-2.0
#include "cmd/postfix_queue.h"

#include "support/test_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop::test {
namespace {

const std::string held_line =
    R"({"queue_name": "hold", "queue_id": "4jXVtP49XXz1bgRN", "arrival_time": 1795355661, )"
    R"("message_size": 186, "forced_expire": false, "sender": "ward@clinic.example", )"
    R"("recipients": [{"address": "r1@sts.test"}, {"address": "\"q uoted\"@dest.test", )"
    R"("delay_reason": "later"}]})";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    return text.replace(text.find(what), what.size(), by);
}

TEST(Postqueue, TheHoldQueueAlone) {
    const HoldQueue queue =
        parse_postqueue(held_line + "\n" + replaced(held_line, "\"hold\"", "\"deferred\"") +
                        "\n\n" + replaced(held_line, "ward@clinic.example", "MAILER-DAEMON"));
    EXPECT_EQ(queue.unreadable, 0U);
    ASSERT_EQ(queue.messages.size(), 2U);
    const QueuedMessage& one = queue.messages[0];
    EXPECT_EQ(one.queue_id, "4jXVtP49XXz1bgRN");
    EXPECT_EQ(one.arrival, Time{Seconds{1795355661}});
    EXPECT_EQ(one.size, 186U);
    EXPECT_EQ(one.sender, "ward@clinic.example");
    EXPECT_EQ(one.recipients, (std::vector<std::string>{"r1@sts.test", "\"q uoted\"@dest.test"}));
    EXPECT_EQ(queue.messages[1].sender, "") << "as it prints the null sender";
}

TEST(Postqueue, LinesThatAreNoneAreCounted) {
    for (const auto& [what, by] : std::vector<std::pair<std::string, std::string>>{
             {"{\"queue_name\"", "{{"},
             {"\"queue_name\": \"hold\", ", ""},
             {"\"hold\"", "3"},
             {"4jXVtP49XXz1bgRN", "ALL"},
             {"4jXVtP49XXz1bgRN", "-"},
             {"4jXVtP49XXz1bgRN", "../../etc/passwd"},
             {"4jXVtP49XXz1bgRN", std::string(41, 'A')},
             {"1795355661", "-1"},
             {"1795355661", "\"now\""},
             {"1795355661", "99999999999999999"},
             {"186", "1.5"},
             {"\"sender\": \"ward@clinic.example\"", "\"sender\": null"},
             {"{\"address\": \"r1@sts.test\"}", "\"r1@sts.test\""},
             {"\"address\": \"r1@sts.test\"", "\"address\": 1"},
             {"\"recipients\"", "\"others\""},
         }) {
        const HoldQueue queue = parse_postqueue(replaced(held_line, what, by) + "\n" + held_line);
        EXPECT_EQ(queue.unreadable, 1U) << by;
        EXPECT_EQ(queue.messages.size(), 1U) << by;
    }
    EXPECT_TRUE(parse_postqueue("").messages.empty());
}

TEST(Postcat, WhoSentItAndFromWhere) {
    const std::string head = "*** ENVELOPE RECORDS hold/4jXVtP49XXz1bgRN ***\n"
                             "message_arrival_time: Sun Nov 22 13:54:21 2026\n"
                             "named_attribute: log_client_address=192.0.2.9\n";
    const struct {
        std::string text;
        std::optional<std::string> user, client;
    } rows[] = {
        {"named_attribute: client_address=192.0.2.1\n", "", "192.0.2.1"},
        {"named_attribute: client_address=2001:db8::1\nnamed_attribute: sasl_username=anna\n",
         "anna", "2001:db8::1"},
        {"named_attribute: rewrite_context=local\n", std::nullopt, std::nullopt},
        {"named_attribute: client_address=unknown\n", std::nullopt, std::nullopt},
        {"named_attribute: sasl_username=a=b\n", "a=b", std::nullopt},
        // Twice is not at all; and what stands in an address is no attribute.
        {"named_attribute: client_address=192.0.2.1\nnamed_attribute: client_address=10.0.0.1\n",
         std::nullopt, std::nullopt},
        {"named_attribute: client_address=192.0.2.1\nnamed_attribute: sasl_username=a\n"
         "named_attribute: sasl_username=b\n",
         std::nullopt, "192.0.2.1"},
        {"sender: named_attribute: client_address=10.0.0.1\n"
         "recipient:  named_attribute: sasl_username=x\nnamed_attribute: odd\n",
         std::nullopt, std::nullopt},
    };
    for (const auto& [text, user, client] : rows) {
        QueueFile file;
        parse_envelope(head + text, file);
        EXPECT_EQ(file.user, user) << text;
        EXPECT_EQ(file.client, client) << text;
    }
}

TEST(Postcat, HeaderFields) {
    using Lines = std::vector<std::string>;
    EXPECT_EQ(
        parse_header("From: a@b.test\r\nX-Label: =?utf-8?B?c2VjcmV0?=\n and\n\tmore\nTo: x\n"),
        (Lines{"From: a@b.test", "X-Label: =?utf-8?B?c2VjcmV0?=\n and\n\tmore", "To: x"}));
    EXPECT_EQ(parse_header(" folded from nothing\nA: b"), (Lines{"A: b"}));
    EXPECT_EQ(parse_header("A: b\n\nC: d\n"), (Lines{"A: b"})) << "the body is no header";
    EXPECT_EQ(parse_header(""), Lines{});
    std::string flood;
    for (int i = 0; i < 20'000; ++i)
        flood += "A: b\n";
    EXPECT_EQ(parse_header(flood).size(), 10'000U);
}

// Postfix's programs, by what they were told and by what they say.
struct Scripted {
    Result<Ran> operator()(const std::vector<std::string>& words) {
        std::string line;
        for (const std::string& word : words)
            line += (line.empty() ? "" : " ") + word;
        told.push_back(line);
        return answer;
    }
    std::vector<std::string> told;
    Result<Ran> answer = Ran{};
};

struct PostfixQueueTest : testing::Test {
    Scripted script;
    PostfixQueue queue{"/etc/postfix-out",
                       [this](const std::vector<std::string>& words) { return script(words); }};
};

TEST_F(PostfixQueueTest, WhatItsProgramsAreTold) {
    script.answer = Ran{0, held_line, "postsuper: Released from hold: 1 message\n"};
    EXPECT_EQ(value(queue.held()).messages.size(), 1U);
    (void)value(queue.read("4jXVtP49XXz1bgRN"));
    must(queue.release("4jXVtP49XXz1bgRN"));
    script.answer = Ran{0, "", "postsuper: Deleted: 1 message\n"};
    must(queue.discard("4jXVtP49XXz1bgRN"));
    EXPECT_EQ(script.told,
              (std::vector<std::string>{"postqueue -c /etc/postfix-out -j",
                                        "postcat -c /etc/postfix-out -e -q 4jXVtP49XXz1bgRN",
                                        "postcat -c /etc/postfix-out -h -q 4jXVtP49XXz1bgRN",
                                        "postsuper -c /etc/postfix-out -H 4jXVtP49XXz1bgRN hold",
                                        "postsuper -c /etc/postfix-out -d 4jXVtP49XXz1bgRN hold"}));
    script.told.clear();
    PostfixQueue own("", [this](const std::vector<std::string>& words) { return script(words); });
    (void)own.held();
    EXPECT_EQ(script.told, (std::vector<std::string>{"postqueue -j"}));
}

TEST_F(PostfixQueueTest, WhatIsNoQueueIdIsNeverHandedOn) {
    for (const char* id : {"", "-", "ALL", "4 A", "4A/..", "-d", "*", "4AAAA\n"}) {
        EXPECT_FALSE(queue.read(id)) << id;
        EXPECT_FALSE(queue.release(id)) << id;
        EXPECT_FALSE(queue.discard(id)) << id;
    }
    EXPECT_TRUE(script.told.empty());
}

TEST_F(PostfixQueueTest, ItsErrorsAreTold) {
    script.answer =
        Ran{1, "", "postsuper: fatal: use of this command is reserved for the superuser\n"};
    EXPECT_EQ(queue.release("4AAAAAA").error(),
              "postsuper: postsuper: fatal: use of this command is reserved for the superuser");
    script.answer = Ran{0, "", "postsuper: Released from hold: 0 messages\n"};
    EXPECT_EQ(queue.release("4AAAAAA").error(),
              "postsuper: postsuper: Released from hold: 0 messages")
        << "it is not there any more";
    script.answer = Ran{69, "", ""};
    EXPECT_EQ(queue.held().error(), "postqueue: exit status 69");
    script.answer = Ran{1, "", "postcat: fatal: open queue file\x1b[31m: No such file\n"};
    EXPECT_EQ(queue.read("4AAAAAA").error(),
              "postcat: postcat: fatal: open queue file?[31m: No such file");
    script.answer = Error{"the program postqueue was not found"};
    for (const std::string& error :
         {queue.held().error(), queue.read("4AAAAAA").error(), queue.release("4AAAAAA").error()})
        EXPECT_NE(error.find("was not found; held mail is listed by 'mailq' where Postfix is, and "
                             "by 'mailq -qQ' with Sendmail"),
                  std::string::npos)
            << error;
}

} // namespace
} // namespace surehop::test
