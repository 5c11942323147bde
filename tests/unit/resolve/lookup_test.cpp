// SPDX-License-Identifier: Apache-2.0
#include "resolve/lookup.h"

#include "support/run.h"
#include "support/zone.h"

#include <gtest/gtest.h>

namespace surehop::test {
namespace {

Lookup look(Zone& dns, const std::string& name, RrType type, bool validating = true) {
    asio::io_context loop;
    return run(loop, look_up(dns, name, type, validating));
}

constexpr std::string_view world = R"(
    zone signed.test signed ttl 600
    signed.test          MX    10 mx.signed.test
    mx.signed.test       A     192.0.2.1
    deep.below.signed.test  A  192.0.2.2
    one.signed.test      CNAME two.signed.test
    two.signed.test      CNAME three.signed.test
    three.signed.test    CNAME mx.signed.test
    out.signed.test      CNAME mx.plain.test
    dead.signed.test     CNAME nowhere.signed.test
    empty.signed.test    CNAME signed.test
    broken.signed.test   CNAME mx.bogus.test
    loop.signed.test     CNAME pool.signed.test
    pool.signed.test     CNAME loop.signed.test
    zone plain.test unsigned ttl 60
    mx.plain.test        A     192.0.2.3
    zone bogus.test bogus
    mx.bogus.test        A     192.0.2.4
    zone broken.test unsigned
    slow.broken.test     A     fails timeout
    dead.broken.test     A     fails servfail
    away.broken.test     A     fails unreachable
    no.broken.test       A     fails refused
    odd.broken.test      A     fails malformed
)";

TEST(Lookup, Table) {
    struct Row {
        const char* name;
        RrType type;
        State state;
        Reason reason;
        bool exists, secure, aliased;
        const char* final_name;
        std::size_t records;
        std::uint32_t ttl;
    };
    using enum State;
    const Row table[] = {
        {"signed.test", RrType::mx, present, Reason::none, true, true, false, "signed.test", 1,
         600},
        {"mx.plain.test", RrType::a, present, Reason::none, true, false, false, "mx.plain.test", 1,
         60},
        // NODATA and NXDOMAIN are answers, and carry their security (DANE-03).
        {"mx.signed.test", RrType::aaaa, absent, Reason::none, true, true, false, "mx.signed.test",
         0, 600},
        {"below.signed.test", RrType::a, absent, Reason::none, true, true, false,
         "below.signed.test", 0, 600},
        {"nowhere.signed.test", RrType::a, absent, Reason::none, false, true, false,
         "nowhere.signed.test", 0, 600},
        {"nowhere.plain.test", RrType::a, absent, Reason::none, false, false, false,
         "nowhere.plain.test", 0, 60},
        // STS-10, DANE-12, ADR-07: aliases are followed; the weakest link and the shortest TTL
        // count.
        {"one.signed.test", RrType::a, present, Reason::none, true, true, true, "mx.signed.test", 1,
         600},
        {"out.signed.test", RrType::a, present, Reason::none, true, false, true, "mx.plain.test", 1,
         60},
        {"dead.signed.test", RrType::a, absent, Reason::none, false, true, true,
         "nowhere.signed.test", 0, 600},
        {"empty.signed.test", RrType::a, absent, Reason::none, true, true, true, "signed.test", 0,
         600},
        // The alias itself, when it is asked for.
        {"one.signed.test", RrType::cname, present, Reason::none, true, true, false,
         "one.signed.test", 1, 600},
        {"mx.signed.test", RrType::cname, absent, Reason::none, true, true, false, "mx.signed.test",
         0, 600},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.name);
        Zone dns(world);
        const Lookup found = look(dns, row.name, row.type);
        EXPECT_EQ(found.standing.state, row.state);
        EXPECT_EQ(found.standing.reason, row.reason);
        EXPECT_EQ(found.exists, row.exists);
        EXPECT_EQ(found.secure, row.secure);
        EXPECT_EQ(found.aliased, row.aliased);
        EXPECT_EQ(found.final_name, row.final_name);
        EXPECT_EQ(found.records.size(), row.records);
        EXPECT_EQ(found.ttl, row.ttl);
        EXPECT_EQ(dns.asked.size(), 1U);
    }
}

// STS-15, DANE-02: no failure is ever "no record".
TEST(Lookup, DANE_02_failures_are_unknown) {
    struct Row {
        const char* name;
        bool validating;
        Reason reason;
        std::size_t questions;
    };
    const Row table[] = {
        {"slow.broken.test", true, Reason::dns_timeout, 1},
        {"away.broken.test", true, Reason::dns_unreachable, 1},
        {"no.broken.test", true, Reason::dns_refused, 1},
        {"odd.broken.test", true, Reason::dns_malformed, 1},
        {"loop.signed.test", true, Reason::dns_cname_loop, 1},
        // SERVFAIL is asked again without checking, to tell a dead server from a broken signature.
        {"dead.broken.test", true, Reason::dns_servfail, 2},
        {"mx.bogus.test", true, Reason::dns_bogus, 2},
        {"nothing.bogus.test", true, Reason::dns_bogus, 2},
        {"broken.signed.test", true, Reason::dns_bogus, 2},
        {"dead.broken.test", false, Reason::dns_servfail, 1},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.name);
        Zone dns(world);
        const Lookup found = look(dns, row.name, RrType::a, row.validating);
        EXPECT_EQ(found.standing.state, State::unknown);
        EXPECT_EQ(found.standing.reason, row.reason);
        EXPECT_TRUE(found.records.empty()) << "unchecked data must never be used";
        EXPECT_EQ(dns.asked.size(), row.questions);
    }
}

TEST(Lookup, BogusDataIsPlainDataToWhoDoesNotValidate) {
    Zone dns(world);
    dns.validates = false;
    const Lookup found = look(dns, "mx.bogus.test", RrType::a, false);
    EXPECT_EQ(found.standing.state, State::present);
    EXPECT_FALSE(found.secure);
}

// Eight links are followed; what is longer is taken for a loop.
TEST(Lookup, LongestAliasChain) {
    for (const int links : {8, 9}) {
        Zone dns("zone t.test signed");
        for (int i = 0; i < links; ++i)
            dns.add("n" + std::to_string(i) + ".t.test CNAME n" + std::to_string(i + 1) +
                    ".t.test");
        dns.add("n" + std::to_string(links) + ".t.test A 192.0.2.1");
        const Lookup found = look(dns, "n0.t.test", RrType::a);
        EXPECT_EQ(found.standing.state, links == 8 ? State::present : State::unknown);
    }
}

} // namespace
} // namespace surehop::test
