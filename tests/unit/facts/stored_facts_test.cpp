// SPDX-License-Identifier: Apache-2.0
#include "facts/stored_facts.h"

#include "support/sample_facts.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace surehop {
namespace {

std::vector<Facts> samples() {
    std::vector<Facts> all = {Facts(), test::full_facts(), test::plain_facts()};

    Facts host_only = test::full_facts();
    host_only.mx.reset();
    host_only.sts = StsFacts();
    all.push_back(host_only);

    Facts mixed = test::full_facts();
    mixed.mx_secure = false;
    mixed.implicit_mx = true;
    mixed.null_mx = true;
    Host second(test::domain("xn--bcher-kva.example"), 65535);
    second.addresses = {State::unknown, Reason::dns_timeout};
    second.tlsa = {State::unknown, Reason::dns_bogus};
    second.records = {{255, 254, 253, Bytes{1}}, {2, 0, 0, Bytes(3000, 0x30)}};
    mixed.hosts.push_back(second);
    mixed.sts.standing = {State::present, Reason::none};
    mixed.sts.refresh = {State::unknown, Reason::sts_fetch_timeout};
    mixed.sts.policy.mx.push_back({false, "mail.example.net"});
    all.push_back(mixed);

    Facts failed = test::plain_facts();
    failed.sts.failed = FailedFetch{
        "20260102", Time{Seconds{1795255300}}, {State::unknown, Reason::sts_fetch_connect}};
    failed.failures = 4'000'000'000;
    failed.dane_lost = true;
    failed.reached = Time{Seconds{1795255100}};
    failed.hosts.at(0).unreadable = 65535;
    all.push_back(failed);

    for (const auto mode : {mtasts::Mode::none, mtasts::Mode::testing}) {
        Facts facts = test::full_facts();
        facts.sts.policy.mode = mode;
        all.push_back(facts);
    }
    for (const ReasonRow& row : all_reasons()) {
        Facts facts = test::plain_facts();
        facts.mx = Standing{State::invalid, row.reason};
        all.push_back(facts);
    }
    return all;
}

TEST(StoredFacts, come_back_complete) {
    for (const Facts& facts : samples()) {
        const auto back = from_store(to_store(facts));
        ASSERT_TRUE(back) << back.error();
        EXPECT_EQ(*back, facts);
    }
}

// What is written today must be readable by tomorrow's program, or carry another version.
TEST(StoredFacts, form_of_version_2) {
    using namespace std::string_literals;
    const std::string standing = "p\0"s; // present, without a reason
    const std::string learnt = "\xa0\xd7\x85\xd8\x06", until = "\xcc\xd9\x85\xd8\x06";
    EXPECT_EQ(to_store(test::plain_facts()),
              "\x02"s + "t" + standing + "-" + "fff" + "\0"s + // MX; null, implicit, lost; failures
                  "\x01\x10mail.example.net"s + "\0"s + standing + "-" + "a\x09tlsa-none" +
                  "\0\0"s +                                          // records, unreadable
                  "a\x0csts-txt-nonet" + "\0"s + "n" + "\0\0\0\0"s + // no policy
                  "f" + "\0"s + learnt + until);                     // no failed fetch, not reached
}

TEST(StoredFacts, a_known_next_hop_takes_little) {
    Facts facts = test::full_facts();
    facts.hosts.at(0).records.resize(1);
    facts.sts = StsFacts();
    facts.sts.standing = facts.sts.refresh = {State::absent, Reason::sts_txt_none};
    EXPECT_LE(to_store(facts).size(), 110U) << "it is kept in memory for many thousands";
}

TEST(StoredFacts, what_is_cut_or_goes_on_is_an_error) {
    for (const Facts& facts : samples()) {
        const std::string good = to_store(facts);
        for (std::size_t length = 0; length < good.size(); length += length < 200 ? 1 : 97)
            EXPECT_FALSE(from_store(std::string_view(good).substr(0, length))) << length;
        EXPECT_FALSE(from_store(good + '\0'));
        EXPECT_FALSE(from_store(good + good));
    }
}

TEST(StoredFacts, more_than_a_mebibyte_is_not_read) {
    Facts facts = test::plain_facts();
    facts.hosts.at(0).records = {{3, 1, 0, Bytes((1U << 20U) - 100, 7)}};
    EXPECT_TRUE(from_store(to_store(facts)));
    facts.hosts.at(0).records.at(0).data.resize(1U << 20U);
    EXPECT_FALSE(from_store(to_store(facts)));
}

// One bit that fell over on disk: refused, or other facts; never what crashes, and never a letter
// read as another.
TEST(StoredFacts, no_bit_turns_one_state_into_another) {
    const Facts facts = test::full_facts();
    const std::string good = to_store(facts);
    for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
        std::string text = good;
        text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
        const auto read = from_store(text);
        if (!read)
            continue;
        EXPECT_EQ(read->mx, facts.mx) << bit;
        EXPECT_EQ(read->mx_secure, facts.mx_secure) << bit;
        EXPECT_EQ(read->null_mx, facts.null_mx) << bit;
        ASSERT_EQ(read->hosts.size(), facts.hosts.size()) << bit;
        EXPECT_EQ(read->hosts[0].tlsa, facts.hosts[0].tlsa) << bit;
        EXPECT_EQ(read->hosts[0].addresses_secure, facts.hosts[0].addresses_secure) << bit;
        EXPECT_EQ(read->sts.standing, facts.sts.standing) << bit;
        EXPECT_EQ(read->sts.policy.mode, facts.sts.policy.mode) << bit;
    }
}

TEST(StoredFacts, damaged_octets_are_an_error) {
    using namespace std::string_view_literals;
    const std::string good = to_store(test::full_facts());
    ASSERT_TRUE(from_store(good));
    struct Row {
        std::string_view from, to;
    };
    for (const Row& row : {
             Row{"\x02tp"sv, "\x01tp"sv},                           // another version
             Row{"\x02tp"sv, "\x03tp"sv},                           //
             Row{"\x02tp"sv, "{tp"sv},                              //
             Row{"\x02tp\0"sv, "\x02xp\0"sv},                       // no such truth
             Row{"\x02tp\0"sv, "\x02tP\0"sv},                       // no such state
             Row{"\x02tp\0"sv, "\x02tp\x03why"sv},                  // no such reason
             Row{"\x02tp\0t"sv, "\x02tp\0?"sv},                     // neither known nor not
             Row{"\x0fmx1.example.org"sv, "\x0fMX1.example.org"sv}, // not normal form
             Row{"\x0fmx1.example.org"sv, "\x0fmx1..xample.org"sv}, // not a name
             Row{"\x0fmx1.example.org"sv, "\0"sv},                  //
             Row{"\x0fmx1.example.org\x0a"sv, "\x0fmx1.example.org\x80\x80\x04"sv}, // 65536
             Row{"\x0fmx1.example.org\x0a"sv, "\x0fmx1.example.org\x8a\0"sv}, // 10 in two octets
             Row{"\x08"
                 "20260101e"sv,
                 "\x08"
                 "20260101x"sv}, // no such mode
             Row{"t\x0b"
                 "example.org"sv,
                 "t\x0b*.ample.org"sv}, // not a name
         }) {
        std::string text = good;
        const auto place = text.find(row.from);
        ASSERT_NE(place, std::string::npos) << row.from;
        text.replace(place, row.from.size(), row.to);
        EXPECT_FALSE(from_store(text)) << row.from << " became " << row.to;
    }
    // A second form of the same: a refresh that is as the latest look-up, said twice.
    std::string twice = good;
    const auto place = twice.find("p\0t\x08"
                                  "20260101"sv);
    ASSERT_NE(place, std::string::npos);
    twice.replace(place, 3, "p\0fp\0"sv);
    EXPECT_FALSE(from_store(twice));
    // A record without data.
    Facts empty = test::full_facts();
    empty.hosts.at(0).records.at(0).data.clear();
    EXPECT_FALSE(from_store(to_store(empty)));
    // 10000-01-01.
    Facts late = test::full_facts();
    late.until = Time{Seconds{253402300800}};
    EXPECT_FALSE(from_store(to_store(late)));
}

} // namespace
} // namespace surehop
