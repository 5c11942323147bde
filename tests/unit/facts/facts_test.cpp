// SPDX-License-Identifier: Apache-2.0
#include "facts/facts.h"

#include "support/sample_facts.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

TEST(State, names_and_back) {
    for (const State state : {State::present, State::absent, State::invalid, State::unknown})
        EXPECT_EQ(state_of(name_of(state)), state);
    EXPECT_EQ(name_of(State::unknown), "unknown");
    for (const std::string_view name : {"", "Present", "present ", "none"})
        EXPECT_FALSE(state_of(name)) << name;
}

// Unknown is what a fact is before anything is learnt: never absent.
TEST(Standing, begins_as_unknown) {
    EXPECT_EQ(Standing().state, State::unknown);
    EXPECT_EQ(Host(test::domain("mx.example.org")).tlsa.state, State::unknown);
    EXPECT_EQ(Facts().sts.standing.state, State::unknown);
}

TEST(Host, counts_usable_records_one_by_one) {
    Host host(test::domain("mx.example.org"));
    EXPECT_EQ(host.usable(), 0U);
    host.records = {test::tlsa(0), test::tlsa(1)}; // PKIX: RFC 7672 §3.1.3
    EXPECT_EQ(host.usable(), 0U);
    host.records.push_back(test::tlsa(2));
    host.records.push_back(test::tlsa(3));
    host.records.push_back({3, 1, 2, Bytes(64, 1)}); // of two digests one decides; both are usable
    host.records.push_back({3, 1, 1, Bytes(31, 1)}); // not the length of SHA2-256
    EXPECT_EQ(host.usable(), 3U);
}

TEST(Facts, are_complete_when_nothing_is_unknown) {
    Facts facts;
    facts.sts.standing = {State::absent, Reason::sts_txt_none};
    EXPECT_TRUE(facts.complete()) << "of a bare address there is nothing to know";
    facts.hosts.emplace_back(test::domain("mx.example.org"));
    EXPECT_FALSE(facts.complete());
    facts.hosts[0].addresses = {State::present, Reason::none};
    EXPECT_FALSE(facts.complete());
    facts.hosts[0].tlsa = {State::absent, Reason::tlsa_none};
    EXPECT_TRUE(facts.complete());
    facts.mx = Standing{State::unknown, Reason::dns_timeout};
    EXPECT_FALSE(facts.complete());
    facts.mx = Standing{State::present, Reason::none};
    facts.sts.standing = {State::unknown, Reason::sts_fetch_timeout};
    EXPECT_FALSE(facts.complete());
}

} // namespace
} // namespace surehop
