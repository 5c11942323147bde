// SPDX-License-Identifier: Apache-2.0
#include "facts/reason.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>

namespace surehop {
namespace {

// If a reason is added at the end of the enum, this must name it.
constexpr Reason last = Reason::internal;

TEST(Reason, table_is_in_the_order_of_the_enum_and_complete) {
    const auto rows = all_reasons();
    ASSERT_EQ(rows.size(), static_cast<std::size_t>(last) + 1);
    for (std::size_t i = 0; i < rows.size(); ++i)
        EXPECT_EQ(static_cast<std::size_t>(rows[i].reason), i) << rows[i].token;
}

TEST(Reason, tokens_are_unique_and_come_back) {
    std::set<std::string_view> tokens;
    for (const ReasonRow& row : all_reasons()) {
        EXPECT_TRUE(tokens.insert(row.token).second) << row.token;
        EXPECT_EQ(token_of(row.reason), row.token);
        EXPECT_EQ(reason_of(row.token), std::optional(row.reason)) << row.token;
    }
    EXPECT_EQ(token_of(Reason::none), "");
    EXPECT_EQ(token_of(Reason::sts_txt_multiple), "sts-txt-multiple");
    EXPECT_EQ(token_of(Reason::internal), "internal");
    EXPECT_EQ(reason_of("no-such-reason"), std::nullopt);
    EXPECT_EQ(reason_of("STS-TXT-MULTIPLE"), std::nullopt);
}

// `unknown = "reject"` bounces mail for these only: with any other, mail waits.
TEST(Reason, whose_fault_each_is) {
    const std::set<std::string_view> theirs = {
        "dns-bogus",       "dns-malformed",     "dns-cname-loop",    "no-such-domain",
        "null-mx",         "mx-implicit",       "mx-insecure",       "mx-unusable",
        "host-no-address", "host-insecure",     "tlsa-none",         "tlsa-insecure",
        "tlsa-unusable",   "tlsa-partial",      "sts-txt-none",      "sts-txt-multiple",
        "sts-txt-syntax",  "sts-fetch-tls",     "sts-fetch-status",  "sts-fetch-type",
        "sts-fetch-size",  "sts-fetch-address", "sts-policy-syntax", "sts-mode-testing",
        "sts-mode-none",   "sts-mx-mismatch",   "sts-mx-dane-fails", "nothing-published",
        "next-hop-host",   "next-hop-address"};
    const std::set<std::string_view> unsure = {"dns-timeout", "dns-servfail", "dns-refused",
                                               "sts-fetch-connect", "sts-fetch-timeout"};
    for (const ReasonRow& row : all_reasons()) {
        const Fault expected = theirs.contains(row.token)   ? Fault::theirs
                               : unsure.contains(row.token) ? Fault::unsure
                                                            : Fault::ours;
        EXPECT_EQ(fault_of(row.reason), expected) << row.token;
    }
}

TEST(Reason, tokens_are_words_with_hyphens) {
    for (const ReasonRow& row : all_reasons()) {
        if (row.reason == Reason::none)
            continue;
        const std::string token(row.token);
        EXPECT_FALSE(token.empty());
        EXPECT_EQ(token.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string::npos)
            << token;
        EXPECT_TRUE(token.front() != '-' && token.back() != '-') << token;
    }
}

TEST(Reason, every_sentence_can_stand_in_a_reply) {
    std::set<std::string_view> sentences;
    for (const ReasonRow& row : all_reasons()) {
        EXPECT_EQ(sentence_of(row.reason), row.sentence);
        if (row.reason == Reason::none) {
            EXPECT_EQ(row.sentence, "");
            continue;
        }
        const std::string sentence(row.sentence);
        ASSERT_FALSE(sentence.empty()) << row.token;
        EXPECT_TRUE(sentences.insert(row.sentence).second) << sentence;
        EXPECT_NE(sentence.back(), '.') << sentence; // it is the end of "... , but "
        EXPECT_LT(sentence.size(), 100U) << sentence;
        for (const char c : sentence)
            EXPECT_TRUE(c >= 0x20 && c < 0x7f && c != '%') << sentence; // ASCII; libmilter's %
    }
}

} // namespace
} // namespace surehop
