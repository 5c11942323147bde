// SPDX-License-Identifier: Apache-2.0
#include "milter/tls_required.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop::test {
namespace {

TEST(TlsRequired, OnlyNoWaives) {
    struct Row {
        const char* name;
        const char* value;
        bool waives;
    };
    for (const Row& row : std::vector<Row>{{"TLS-Required", "No", true},
                                           {"tls-required", "NO", true},
                                           {"TLS-Required ", "no", true},
                                           {"TLS-Required", "\r\n\tnO", true},
                                           {"TLS-Required", "\n no\n", true},
                                           {"TLS-Required", "No (please)", true},
                                           {"TLS-Required", "", false},
                                           {"TLS-Required", " \n ", false},
                                           {"TLS-Required", "Yes", false},
                                           {"X-TLS-Required", "No", false},
                                           {"TLS-Required-Not", "No", false}})
        EXPECT_EQ(waives_tls(row.name, row.value), row.waives) << row.name << ": " << row.value;
}

RuleSet with(PolicyMode last_mode, Level last, PolicyMode rule_mode, Level rule_minimum) {
    Requirement last_resort;
    last_resort.mode = last_mode;
    last_resort.minimum = last;
    Rule rule;
    rule.requirement.mode = rule_mode;
    rule.requirement.minimum = rule_minimum;
    return RuleSet({rule}, last_resort);
}

TEST(TlsRequired, AnyEnforcedMinimumForbidsIt) {
    constexpr auto enforce = PolicyMode::enforce, audit = PolicyMode::audit;
    constexpr auto none = Level::none, some = Level::encrypted;
    EXPECT_TRUE(forbids_waiver(with(enforce, some, enforce, none)));
    EXPECT_TRUE(forbids_waiver(with(audit, some, enforce, some)));
    EXPECT_TRUE(forbids_waiver(with(enforce, none, enforce, some)));
    EXPECT_FALSE(forbids_waiver(with(audit, some, audit, some)));
    EXPECT_FALSE(forbids_waiver(with(enforce, none, enforce, none)));
    EXPECT_FALSE(forbids_waiver(with(enforce, none, audit, some)));
}

} // namespace
} // namespace surehop::test
