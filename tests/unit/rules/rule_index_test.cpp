// SPDX-License-Identifier: Apache-2.0
#include "rules/rule_index.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace surehop::test {
namespace {

using Places = std::vector<std::size_t>;

std::vector<Rule> rules_for(const std::vector<std::vector<std::string>>& recipients) {
    std::vector<Rule> out;
    for (const auto& patterns : recipients) {
        Rule rule;
        for (const std::string& pattern : patterns)
            rule.recipients.add(*AddressPattern::parse(pattern));
        out.push_back(std::move(rule));
    }
    return out;
}

TEST(RuleIndex, finds_those_that_may_be_about_a_domain_in_their_order) {
    const RuleIndex index(rules_for({{"*.example.org", "b.example.org"},
                                     {"@other.test"},
                                     {},
                                     {"someone@b.example.org", "else@b.example.org"},
                                     {"*"},
                                     {"[192.0.2.1]"},
                                     {"example.org"}}));
    const auto about = [&](const char* domain) { return index.about(*Domain::parse(domain)); };
    EXPECT_EQ(about("b.example.org"), (Places{0, 2, 3, 4, 5}));
    EXPECT_EQ(about("a.b.example.org"), (Places{0, 2, 4, 5}));
    EXPECT_EQ(about("example.org"), (Places{2, 4, 5, 6}));
    EXPECT_EQ(about("other.test"), (Places{1, 2, 4, 5}));
    EXPECT_EQ(about("test"), (Places{2, 4, 5}));
    EXPECT_EQ(index.about(std::nullopt), (Places{2, 4, 5}));
}

// Against the slow way: whatever matches is among them.
TEST(RuleIndex, leaves_out_none_that_matches) {
    std::mt19937 random(1);
    const auto any = [&](std::initializer_list<const char*> words) {
        return std::string(*(words.begin() + random() % words.size()));
    };
    const auto domain = [&] {
        std::string out = any({"a", "b", "xn--bcher-kva"});
        for (auto labels = random() % 3; labels > 0; --labels)
            out = any({"a", "b", "c"}) + "." + out;
        return out;
    };
    for (int round = 0; round < 300; ++round) {
        std::vector<std::vector<std::string>> recipients(random() % 6);
        for (auto& patterns : recipients)
            for (auto count = random() % 4; count > 0; --count)
                patterns.push_back(any({"", "@", "*.", ".", "x@", "y@"}) + domain());
        if (recipients.size() > 2)
            recipients[1] = {any({"*", "[192.0.2.1]", "x@[192.0.2.1]"})};
        const auto rules = rules_for(recipients);
        const RuleIndex index(rules);
        for (const std::string& address :
             {"x@" + domain(), "y@" + domain(), std::string("x@[192.0.2.1]"),
              std::string("postmaster")}) {
            Context context;
            context.recipient = *Path::parse(address);
            const Places about = index.about(context.recipient.domain());
            for (std::size_t i = 0; i < rules.size(); ++i)
                if (rules[i].matches(context) != Answer::no) {
                    EXPECT_TRUE(std::binary_search(about.begin(), about.end(), i))
                        << address << " rule " << i;
                }
        }
    }
}

} // namespace
} // namespace surehop::test
