// SPDX-License-Identifier: Apache-2.0
#include "facts/stored_facts_v1.h"

#include "support/sample_facts.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace surehop {
namespace {

// As surehop wrote them until schema 6.
constexpr std::string_view full =
    R"({"v":1,"mx":["present",""],"mxs":true,"null":false,"impl":false,"hosts":[{"n":"mx1.e)"
    R"(xample.org","p":10,"a":["present",""],"as":true,"t":["present",""],"r":["3 1 1 ababa)"
    R"(bababababababababababababababababababababababababababababab","0 1 1 abababababababab)"
    R"(abababababababababababababababababababababababab"]}],"sts":{"s":["present",""],"f":[)"
    R"("present",""],"id":"20260101","mode":"enforce","age":604800,"mx":["*.example.org"],")"
    R"(at":1795255200,"end":1795860000},"at":1795255200,"end":1795258800})";
constexpr std::string_view plain =
    R"({"v":1,"mx":["present",""],"mxs":null,"null":false,"impl":false,"hosts":[)"
    R"({"n":"mail.example.net","p":0,"a":["present",""],"as":null,)"
    R"("t":["absent","tlsa-none"],"r":[]}],)"
    R"("sts":{"s":["absent","sts-txt-none"],"f":["absent","sts-txt-none"],"id":"",)"
    R"("mode":"none","age":0,"mx":[],"at":0,"end":0},"at":1795255200,"end":1795255500})";

TEST(StoredFactsV1, are_read) {
    const auto one = from_store_v1(full), other = from_store_v1(plain);
    ASSERT_TRUE(one) << one.error();
    EXPECT_EQ(*one, test::full_facts());
    ASSERT_TRUE(other) << other.error();
    EXPECT_EQ(*other, test::plain_facts());
}

// What is written only where it applies.
TEST(StoredFactsV1, rare_members) {
    std::string text(plain);
    text.insert(text.size() - 1, R"(,"lost":true,"fails":7,"reached":1795255100)");
    text.replace(text.find(R"("r":[])"), 6, R"("r":[],"x":3)");
    Facts expected = test::plain_facts();
    expected.dane_lost = true;
    expected.failures = 7;
    expected.reached = Time{Seconds{1795255100}};
    expected.hosts.at(0).unreadable = 3;
    const auto facts = from_store_v1(text);
    ASSERT_TRUE(facts) << facts.error();
    EXPECT_EQ(*facts, expected);
}

TEST(StoredFactsV1, damaged_text_is_an_error) {
    const std::string good(full);
    ASSERT_TRUE(from_store_v1(good));
    // Cut anywhere.
    for (std::size_t length = 0; length < good.size(); ++length)
        EXPECT_FALSE(from_store_v1(std::string_view(good).substr(0, length))) << length;

    // One place changed, so that it is JSON but not what was written.
    struct Row {
        std::string_view from, to;
    };
    for (const Row& row : {
             Row{R"("v":1)", R"("v":2)"},   // another version
             Row{R"("v":1)", R"("v":"1")"}, // not a number
             Row{R"("v":1)", R"("v":1.0)"}, // not whole
             Row{R"("v":1,)", ""},          // no version
             Row{R"("mx":["present",""])", R"("mx":["present"])"},
             Row{R"("mx":["present",""])", R"("mx":["gone",""])"},       // no such state
             Row{R"("mx":["present",""])", R"("mx":["present","why"])"}, // no such reason
             Row{R"("mx":["present",""])", R"("mx":{"present":""})"},
             Row{R"("mxs":true)", R"("mxs":1)"},
             Row{R"("null":false)", R"("null":null)"}, // not nullable
             Row{R"("impl":false,)", ""},              // missing
             Row{R"("hosts":[{)", R"("hosts":[null,{)"},
             Row{R"("n":"mx1.example.org")", R"("n":"MX1.example.org")"},  // not normal form
             Row{R"("n":"mx1.example.org")", R"("n":"mx1..example.org")"}, // not a name
             Row{R"("n":"mx1.example.org")", R"("n":null)"},
             Row{R"("p":10)", R"("p":65536)"},
             Row{R"("p":10)", R"("p":-1)"},
             Row{R"("p":10)", R"("p":18446744073709551615)"},
             Row{R"("p":10)", R"("p":1e9)"},
             Row{R"("r":["3 1 1)", R"("r":["3 1)"}, // a record that lost a field
             Row{R"("r":["3 1 1)", R"("r":["3 1 256)"},
             Row{R"("r":["3 1 1)", R"("r":[7,"3 1 1)"},
             Row{R"("mode":"enforce")", R"("mode":"enforcing")"},
             Row{R"("mode":"enforce",)", ""},
             Row{R"("age":604800)", R"("age":-604800)"},
             Row{R"(["*.example.org"])", R"(["*.*.example.org"])"},
             Row{R"(["*.example.org"])", R"("*.example.org")"},
             Row{R"("id":"20260101")", R"("id":20260101)"},
             Row{R"("at":1795255200,"end":1795258800)", R"("at":1795255200,"end":253402300800)"},
         }) {
        std::string text = good;
        const auto place = text.find(row.from);
        ASSERT_NE(place, std::string::npos) << row.from;
        text.replace(place, row.from.size(), row.to);
        EXPECT_FALSE(from_store_v1(text)) << row.from << " became " << row.to;
    }
    for (const std::string_view text : {"", "null", "1", "[]", "{}", "{\"v\":1}", "\"v\"", "\xff"})
        EXPECT_FALSE(from_store_v1(text)) << text;
    EXPECT_FALSE(from_store_v1(std::string((1U << 20U) + 1, '[')));
    EXPECT_FALSE(from_store_v1(std::string(1U << 20U, '['))); // deep, and no stack overflow
}

} // namespace
} // namespace surehop
