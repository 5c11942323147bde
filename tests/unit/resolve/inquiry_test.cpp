// SPDX-License-Identifier: Apache-2.0
#include "resolve/inquiry.h"

#include "facts/facts_json.h"
#include "facts/stored_facts.h"
#include "support/fake_https.h"
#include "support/run.h"
#include "support/still_clock.h"
#include "support/zone.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace surehop::test {
namespace {

using std::chrono::days;
using std::chrono::hours;

class Inquiry : public ::testing::Test {
  protected:
    // Learns a next hop with what was learnt of it before, and keeps what is learnt.
    const Facts& learn(std::string_view next_hop = "a.test") {
        auto hop = NextHop::parse(next_hop);
        if (!hop)
            throw std::runtime_error(hop.error());
        FactsPtr& known = known_[hop->key()];
        Sources sources{dns, https, validation, clock, lifetimes, fetch_again};
        auto learnt = run(loop_, inquire(*std::move(hop), known, sources));
        known = std::make_shared<const Facts>(std::move(learnt));
        return *known;
    }
    // The policy is looked up beside the hosts: which of the two ends last is not said.
    bool was_asked(const std::string& question) const {
        return std::find(dns.asked.begin(), dns.asked.end(), question) != dns.asked.end();
    }
    const Facts& learn_later(Seconds later) {
        clock.advance(later);
        return learn();
    }

    Zone dns;
    FakeHttps https;
    StillClock clock;
    Validation validation = Validation::proven;
    Lifetimes lifetimes;
    bool fetch_again = false;

  private:
    asio::io_context loop_;
    std::map<std::string, FactsPtr> known_;
};

constexpr std::string_view dane_zone = R"(
    zone a.test signed ttl 1800
    a.test               MX    10 mx1.a.test
    mx1.a.test           A     192.0.2.1
    mx1.a.test           AAAA  2001:db8::1
    _25._tcp.mx1.a.test  TLSA  3 1 1 key-a
)";

constexpr std::string_view sts_zone = R"(
    zone a.test unsigned ttl 1800
    a.test               MX    10 mx1.a.test
    mx1.a.test           A     192.0.2.1
    mta-sts.a.test       A     192.0.2.2
    _mta-sts.a.test      TXT   v=STSv1; id=1
)";

Standing because(State state, Reason reason) { return {state, reason}; }

// ---- MX hosts: RFC 5321 §5.1, RFC 7505

TEST_F(Inquiry, ADR_07_mx_hosts_by_preference) {
    dns.add(R"(
        zone a.test signed
        a.test      MX  20 mx2.a.test
        a.test      MX  10 mx1.a.test
        a.test      MX  20 mx0.a.test
        mx0.a.test  A   192.0.2.3
        mx1.a.test  A   192.0.2.1
        mx2.a.test  A   192.0.2.2)");
    const Facts& facts = learn();
    EXPECT_EQ(facts.mx, because(State::present, Reason::none));
    EXPECT_EQ(facts.mx_secure, true);
    EXPECT_FALSE(facts.implicit_mx);
    ASSERT_EQ(facts.hosts.size(), 3U);
    EXPECT_EQ(facts.hosts[0].name.text(), "mx1.a.test");
    EXPECT_EQ(facts.hosts[0].preference, 10);
    EXPECT_EQ(facts.hosts[1].name.text(), "mx0.a.test");
    EXPECT_EQ(facts.hosts[2].name.text(), "mx2.a.test");
}

TEST_F(Inquiry, ADR_07_no_mx_means_the_domain_itself) {
    dns.add("zone a.test signed\n a.test A 192.0.2.1\n _25._tcp.a.test TLSA 3 1 1 key-a");
    const Facts& facts = learn();
    EXPECT_EQ(facts.mx, because(State::absent, Reason::mx_implicit));
    EXPECT_TRUE(facts.implicit_mx);
    ASSERT_EQ(facts.hosts.size(), 1U);
    EXPECT_EQ(facts.hosts[0].name.text(), "a.test");
    EXPECT_EQ(facts.hosts[0].tlsa.state, State::present) << "DANE-14: the same algorithm";
}

TEST_F(Inquiry, ADR_07_a_name_that_does_not_exist_has_no_host) {
    const Facts& facts = learn("nowhere.test");
    EXPECT_EQ(facts.mx, because(State::absent, Reason::no_such_domain));
    EXPECT_TRUE(facts.hosts.empty());
    EXPECT_EQ(dns.count("A") + dns.count("AAAA") + dns.count("TLSA"), 0U);
}

TEST_F(Inquiry, ADR_07_an_alias_of_nothing_does_not_exist) {
    dns.add("zone a.test signed\n a.test CNAME gone.a.test");
    EXPECT_EQ(learn().mx, because(State::absent, Reason::no_such_domain));
}

TEST_F(Inquiry, ADR_12_null_mx_is_followed_by_no_look_up) {
    dns.add("zone a.test unsigned\n a.test MX 0 .\n a.test A 192.0.2.1");
    const Facts& facts = learn();
    EXPECT_TRUE(facts.null_mx);
    EXPECT_EQ(facts.mx, because(State::present, Reason::null_mx));
    EXPECT_EQ(dns.count("A") + dns.count("AAAA") + dns.count("TLSA"), 0U);
}

TEST_F(Inquiry, ADR_10_a_null_mx_beside_others_is_none) {
    dns.add(R"(
        zone a.test unsigned
        a.test  MX  0 .
        a.test  MX  10 mx1.a.test
        mx1.a.test A 192.0.2.1)");
    const Facts& facts = learn();
    EXPECT_FALSE(facts.null_mx);
    ASSERT_EQ(facts.hosts.size(), 1U);
    EXPECT_EQ(facts.hosts[0].name.text(), "mx1.a.test");
}

// DANE-14: an address in place of a host name is nothing that an MTA can use.
TEST_F(Inquiry, MxThatNamesNoHost) {
    dns.add("zone a.test signed\n a.test MX 10 192.0.2.1\n a.test A 192.0.2.1");
    const Facts& facts = learn();
    EXPECT_EQ(facts.mx, because(State::invalid, Reason::mx_unusable));
    EXPECT_TRUE(facts.hosts.empty()) << "ADR-07: no fall back to the address of the domain";
    EXPECT_EQ(dns.count("A"), 0U);
}

TEST_F(Inquiry, DANE_04_mx_look_up_that_fails_is_unknown) {
    for (const auto& [failure, reason] :
         {std::pair{"timeout", Reason::dns_timeout}, std::pair{"servfail", Reason::dns_servfail},
          std::pair{"refused", Reason::dns_refused}}) {
        dns.add(std::string("zone a.test signed\n a.test MX fails ") + failure);
        const Facts& facts = learn();
        EXPECT_EQ(facts.mx, because(State::unknown, reason));
        EXPECT_TRUE(facts.hosts.empty());
    }
}

TEST_F(Inquiry, what_fails_again_and_again_is_asked_for_less_often) {
    dns.add("zone a.test signed\n a.test MX fails servfail");
    for (const int seconds : {30, 60, 120, 240, 300, 300}) {
        const Facts& facts = learn();
        EXPECT_EQ(facts.until, facts.learnt + Seconds{seconds});
        clock.advance(Seconds{seconds});
    }
    EXPECT_EQ(learn().failures, 7U);
    dns.remove("a.test", "MX");
    EXPECT_EQ(learn().failures, 0U);
    dns.add("a.test MX fails servfail");
    EXPECT_EQ(learn().until, clock.now() + life_of_unknown) << "begins anew";
}

TEST_F(Inquiry, our_own_resolver_is_asked_again_soon_however_often_it_was_away) {
    dns.add("zone a.test signed\n a.test MX fails unreachable");
    for (int i = 0; i < 10; ++i) {
        const Facts& facts = learn();
        EXPECT_EQ(facts.mx, because(State::unknown, Reason::dns_unreachable));
        EXPECT_EQ(facts.until, facts.learnt + life_of_unknown);
        EXPECT_EQ(facts.failures, 0U);
    }
}

TEST_F(Inquiry, lifetimes_are_those_of_the_zone_within_bounds) {
    struct Row {
        const char* ttl;
        Seconds shortest, longest, life;
    };
    for (const Row& row : {Row{"1", Seconds{5}, Seconds{3600}, Seconds{5}},
                           Row{"1", Seconds{60}, Seconds{3600}, Seconds{60}},
                           Row{"900", Seconds{60}, Seconds{3600}, Seconds{900}},
                           Row{"900", Seconds{60}, Seconds{600}, Seconds{600}},
                           Row{"86400", Seconds{60}, Seconds{7200}, Seconds{7200}}})
        for (const char* record : {"a.test A 192.0.2.1", ""}) { // something, and a denial
            dns = Zone(std::string("zone a.test signed ttl ") + row.ttl + "\n" + record);
            lifetimes = {row.shortest, row.longest};
            const Facts& facts = learn();
            EXPECT_EQ(facts.until, facts.learnt + row.life) << row.ttl << record;
        }
}

TEST_F(Inquiry, no_more_TLSA_records_are_kept_than_anybody_needs) {
    dns.add(dane_zone);
    for (int i = 0; i < 150; ++i)
        dns.add("_25._tcp.mx1.a.test TLSA 3 1 1 key-" + std::to_string(i));
    EXPECT_EQ(learn().hosts.at(0).records.size(), most_tlsa);
}

TEST_F(Inquiry, DANE_02_bogus_zone_is_unknown) {
    dns.add("zone a.test bogus\n a.test MX 10 mx1.a.test\n mx1.a.test A 192.0.2.1");
    EXPECT_EQ(learn().mx, because(State::unknown, Reason::dns_bogus));
}

TEST_F(Inquiry, MoreHostsThanAreAskedAboutAreNotForgotten) {
    dns.add("zone a.test signed");
    for (int i = 0; i < 25; ++i) {
        const std::string host = "mx" + std::to_string(10 + i) + ".a.test";
        dns.add("a.test MX 10 " + host + "\n" + host + " A 192.0.2.1\n_25._tcp." + host +
                " TLSA 3 1 1 key-a");
    }
    const Facts& facts = learn();
    ASSERT_EQ(facts.hosts.size(), most_hosts + 1);
    EXPECT_EQ(facts.hosts.front().tlsa.state, State::present);
    EXPECT_EQ(facts.hosts.back().addresses, because(State::unknown, Reason::mx_too_many));
    EXPECT_EQ(facts.hosts.back().tlsa, because(State::unknown, Reason::mx_too_many));
    EXPECT_EQ(dns.count("TLSA"), most_hosts);
}

// ---- other kinds of next hops

TEST_F(Inquiry, STS_14_address_costs_no_query) {
    for (const char* hop : {"[192.0.2.1]", "[IPv6:2001:db8::1]:2525"}) {
        const Facts& facts = learn(hop);
        EXPECT_EQ(facts.mx, std::nullopt);
        EXPECT_TRUE(facts.hosts.empty());
        EXPECT_EQ(facts.until, facts.learnt + lifetimes.longest);
    }
    EXPECT_TRUE(dns.asked.empty());
    EXPECT_TRUE(https.asked.empty());
}

TEST_F(Inquiry, BracketedHostHasNoMxAndNoPolicy) {
    dns.add(dane_zone);
    const Facts& facts = learn("[mx1.a.test]");
    EXPECT_EQ(facts.mx, std::nullopt);
    ASSERT_EQ(facts.hosts.size(), 1U);
    EXPECT_EQ(facts.hosts[0].tlsa.state, State::present);
    EXPECT_EQ(dns.count("MX") + dns.count("TXT"), 0U);
}

TEST_F(Inquiry, STS_13_smart_host_is_the_policy_domain) {
    dns.add(
        "zone smart.test unsigned\n smart.test MX 10 mx.smart.test\n mx.smart.test A 192.0.2.1");
    (void)learn("smart.test:587");
    EXPECT_EQ(dns.count("TXT"), 1U);
    EXPECT_NE(std::find(dns.asked.begin(), dns.asked.end(), "TXT _mta-sts.smart.test"),
              dns.asked.end());
}

// ---- DANE: RFC 7672 §2

TEST_F(Inquiry, DANE_10_addresses_before_tlsa) {
    dns.add(dane_zone);
    const Facts& facts = learn();
    ASSERT_EQ(facts.hosts.size(), 1U);
    const Host& host = facts.hosts.front();
    EXPECT_EQ(host.addresses, because(State::present, Reason::none));
    EXPECT_EQ(host.addresses_secure, true);
    EXPECT_EQ(host.tlsa, because(State::present, Reason::none));
    EXPECT_EQ(host.usable(), 1U);
    std::vector<std::string> asked = dns.asked;
    std::erase(asked, "TXT _mta-sts.a.test");
    const std::vector<std::string> order = {"MX a.test", "A mx1.a.test", "AAAA mx1.a.test",
                                            "TLSA _25._tcp.mx1.a.test"};
    EXPECT_EQ(asked, order);
}

TEST_F(Inquiry, DANE_15_custom_port) {
    dns.add(dane_zone);
    dns.add("_2525._tcp.mx1.a.test TLSA 3 1 1 key-b");
    (void)learn("a.test:2525");
    EXPECT_EQ(dns.count("TLSA"), 1U);
    EXPECT_TRUE(was_asked("TLSA _2525._tcp.mx1.a.test"));
}

TEST_F(Inquiry, DANE_11_unsigned_host_costs_no_tlsa_query) {
    dns.add(R"(
        zone a.test signed
        a.test      MX  10 mx.plain.test
        zone plain.test unsigned
        mx.plain.test            A     192.0.2.1
        _25._tcp.mx.plain.test   TLSA  3 1 1 key-a)");
    const Facts& facts = learn();
    EXPECT_EQ(facts.hosts.at(0).addresses_secure, false);
    EXPECT_EQ(facts.hosts.at(0).tlsa, because(State::absent, Reason::host_insecure));
    EXPECT_EQ(dns.count("TLSA"), 0U);
}

TEST_F(Inquiry, DANE_06_unsigned_mx_gives_no_dane_for_the_domain) {
    dns.add(R"(
        zone a.test unsigned
        a.test      MX  10 mx.signed.test
        zone signed.test signed
        mx.signed.test            A     192.0.2.1
        _25._tcp.mx.signed.test   TLSA  3 1 1 key-a)");
    const Facts& facts = learn();
    EXPECT_EQ(facts.mx_secure, false);
    EXPECT_EQ(facts.hosts.at(0).tlsa, because(State::absent, Reason::mx_insecure));
    EXPECT_EQ(dns.count("TLSA"), 0U);
}

// Either family may be the one that mail takes.
TEST_F(Inquiry, DANE_11_one_unsigned_family_is_enough) {
    dns.add(R"(
        zone a.test signed
        a.test      MX     10 mx1.a.test
        mx1.a.test  CNAME  both.plain.test
        zone plain.test unsigned
        both.plain.test  AAAA  2001:db8::1)");
    const Facts& facts = learn();
    EXPECT_EQ(facts.hosts.at(0).addresses.state, State::present);
    EXPECT_EQ(facts.hosts.at(0).addresses_secure, false);
}

TEST_F(Inquiry, DANE_03_no_tlsa_record_is_not_an_error) {
    dns.add("zone a.test signed\n a.test MX 10 mx1.a.test\n mx1.a.test A 192.0.2.1");
    EXPECT_EQ(learn().hosts.at(0).tlsa, because(State::absent, Reason::tlsa_none));
}

TEST_F(Inquiry, DANE_05_tlsa_look_up_that_fails_concerns_that_host_alone) {
    dns.add(dane_zone);
    dns.add(R"(
        a.test      MX  20 mx2.a.test
        mx2.a.test  A   192.0.2.2
        _25._tcp.mx2.a.test  TLSA  fails servfail)");
    const Facts& facts = learn();
    EXPECT_EQ(facts.hosts.at(0).tlsa.state, State::present);
    EXPECT_EQ(facts.hosts.at(1).tlsa, because(State::unknown, Reason::dns_servfail));
    EXPECT_EQ(facts.until, facts.learnt + life_of_unknown);
}

TEST_F(Inquiry, DANE_16_tlsa_alias_into_an_unsigned_zone_counts_as_none) {
    dns.add(R"(
        zone a.test signed
        a.test               MX     10 mx1.a.test
        mx1.a.test           A      192.0.2.1
        _25._tcp.mx1.a.test  CNAME  tlsa.plain.test
        zone plain.test unsigned
        tlsa.plain.test      TLSA   3 1 1 key-a)");
    EXPECT_EQ(learn().hosts.at(0).tlsa, because(State::absent, Reason::tlsa_insecure));
    dns.add("zone plain.test signed");
    EXPECT_EQ(learn().hosts.at(0).tlsa, because(State::present, Reason::none));
}

TEST_F(Inquiry, DANE_12_secure_alias_insecure_target) {
    dns.add(R"(
        zone a.test signed
        a.test               MX     10 mx1.a.test
        mx1.a.test           CNAME  host.plain.test
        _25._tcp.mx1.a.test  TLSA   3 1 1 key-a
        zone plain.test unsigned
        host.plain.test      A      192.0.2.1
        _25._tcp.host.plain.test  TLSA  3 1 1 key-b)");
    const Facts& facts = learn();
    EXPECT_EQ(facts.hosts.at(0).addresses_secure, false);
    EXPECT_EQ(facts.hosts.at(0).tlsa, because(State::present, Reason::none));
    EXPECT_EQ(dns.count("CNAME"), 1U);
    EXPECT_EQ(dns.count("TLSA"), 1U);
    EXPECT_TRUE(was_asked("TLSA _25._tcp.mx1.a.test")) << "at the original name only";
}

// DANE-02: whoever can drop this one answer must not be able to switch DANE off.
TEST_F(Inquiry, DANE_12_alias_look_up_that_fails_is_unknown) {
    dns.add(R"(
        zone a.test signed
        a.test               MX     10 mx1.a.test
        mx1.a.test           CNAME  host.plain.test
        _25._tcp.mx1.a.test  TLSA   3 1 1 key-a
        zone plain.test unsigned
        host.plain.test      A      192.0.2.1)");
    // The alias serves A and AAAA and fails when it is asked for itself.
    class OnlyThatFails final : public Dns {
      public:
        explicit OnlyThatFails(Zone& zone) : zone_(zone) {}
        asio::awaitable<DnsAnswer> ask(Question question) override {
            if (question.type == RrType::cname) {
                DnsAnswer answer;
                answer.status = DnsStatus::timeout;
                co_return answer;
            }
            co_return co_await zone_.ask(std::move(question));
        }

      private:
        Zone& zone_;
    } failing(dns);
    asio::io_context loop;
    Sources sources{failing, https, validation, clock, {}};
    const Facts facts = run(loop, inquire(*NextHop::parse("a.test"), nullptr, sources));
    EXPECT_EQ(facts.hosts.at(0).tlsa, because(State::unknown, Reason::dns_timeout));
}

TEST_F(Inquiry, DANE_13_expanded_name_first_then_the_original) {
    struct Row {
        const char* what;
        const char* records;
        const char* key; // of the record that decides; null: none
        std::size_t queries;
    };
    const Row table[] = {
        {"at both",
         "_25._tcp.end.a.test TLSA 3 1 1 key-end\n_25._tcp.mx1.a.test TLSA 3 1 1 key-mx1",
         "key-end", 1},
        {"at the expanded name only", "_25._tcp.end.a.test TLSA 3 1 1 key-end", "key-end", 1},
        {"at the original name only", "_25._tcp.mx1.a.test TLSA 3 1 1 key-mx1", "key-mx1", 2},
        {"between them only", "_25._tcp.mid.a.test TLSA 3 1 1 key-mid", nullptr, 2},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.what);
        dns = Zone(R"(
            zone a.test signed
            a.test      MX     10 mx1.a.test
            mx1.a.test  CNAME  mid.a.test
            mid.a.test  CNAME  end.a.test
            end.a.test  A      192.0.2.1)");
        dns.add(row.records);
        const Facts& facts = learn();
        const Host& host = facts.hosts.at(0);
        EXPECT_EQ(dns.count("TLSA"), row.queries);
        if (row.key == nullptr) {
            EXPECT_EQ(host.tlsa, because(State::absent, Reason::tlsa_none));
            continue;
        }
        ASSERT_EQ(host.records.size(), 1U);
        EXPECT_EQ(to_hex(host.records[0].data), digest_named(row.key));
    }
}

// An error at the expanded name must not lead on to a weaker answer.
TEST_F(Inquiry, DANE_13_error_at_the_expanded_name_stops) {
    dns.add(R"(
        zone a.test signed
        a.test      MX     10 mx1.a.test
        mx1.a.test  CNAME  end.a.test
        end.a.test  A      192.0.2.1
        _25._tcp.end.a.test  TLSA  fails timeout)");
    EXPECT_EQ(learn().hosts.at(0).tlsa, because(State::unknown, Reason::dns_timeout));
}

TEST_F(Inquiry, DANE_18_unusable_records_are_kept_and_named) {
    dns.add(R"(
        zone a.test signed
        a.test      MX  10 mx1.a.test
        mx1.a.test  A   192.0.2.1
        _25._tcp.mx1.a.test  TLSA  1 1 1 key-a
        _25._tcp.mx1.a.test  TLSA  3 1 9 00ff)");
    const Host& host = learn().hosts.at(0);
    EXPECT_EQ(host.tlsa, because(State::present, Reason::tlsa_unusable));
    EXPECT_EQ(host.records.size(), 2U);
    EXPECT_EQ(host.usable(), 0U);
}

// A record without data cannot be printed; it must not make the stored facts unreadable, and an
// MTA-STS policy with them.
TEST_F(Inquiry, DANE_18_record_too_short_to_read_survives_the_store) {
    dns.add(R"(
        zone a.test signed
        a.test      MX  10 mx1.a.test
        mx1.a.test  A   192.0.2.1
        _25._tcp.mx1.a.test  TLSA  raw 0301
        _25._tcp.mx1.a.test  TLSA  raw 030101)");
    const Facts& facts = learn();
    EXPECT_EQ(facts.hosts.at(0).tlsa, because(State::present, Reason::tlsa_unusable));
    const Json shown = to_json(facts)["mx"]["hosts"][0]["tlsa"];
    EXPECT_EQ(shown["usable"], 0);
    EXPECT_EQ(shown["unusable"], 2);
    const auto stored = from_store(to_store(facts));
    ASSERT_TRUE(stored) << stored.error();
    EXPECT_EQ(*stored, facts);
}

TEST_F(Inquiry, HostWhoseTlsaNameWouldBeTooLongHasNone) {
    const std::string label(60, 'x');
    const std::string host = label + "." + label + "." + label + "." + label + ".a.test";
    ASSERT_LE(host.size(), 253U);
    dns.add("zone a.test signed\n a.test MX 10 " + host + "\n" + host + " A 192.0.2.1");
    EXPECT_EQ(learn().hosts.at(0).tlsa, because(State::absent, Reason::tlsa_none));
    EXPECT_EQ(dns.count("TLSA"), 0U);
}

TEST_F(Inquiry, HostWithoutAddress) {
    dns.add("zone a.test signed\n a.test MX 10 mx1.a.test\n mx1.a.test TXT nothing here");
    const Facts& facts = learn();
    EXPECT_EQ(facts.hosts.at(0).addresses, because(State::absent, Reason::host_no_address));
    EXPECT_EQ(dns.count("TLSA"), 0U);
}

TEST_F(Inquiry, OneFamilyThatFailsMakesTheHostUnknownOnlyWithoutTheOther) {
    dns.add(R"(
        zone a.test signed
        a.test      MX    10 mx1.a.test
        mx1.a.test  A     fails timeout)");
    EXPECT_EQ(learn().hosts.at(0).addresses, because(State::unknown, Reason::dns_timeout));
    EXPECT_EQ(dns.count("TLSA"), 0U);
    dns.add("mx1.a.test AAAA 2001:db8::1\n_25._tcp.mx1.a.test TLSA 3 1 1 key-a");
    EXPECT_EQ(learn().hosts.at(0).addresses, because(State::present, Reason::none));
    EXPECT_EQ(learn().hosts.at(0).tlsa.state, State::present);
}

// ---- validation: DANE-01, invariant 7

TEST_F(Inquiry, DANE_01_resolver_that_never_validated_offers_no_dane_and_blocks_nothing) {
    validation = Validation::never;
    dns.validates = false;
    dns.add(dane_zone);
    const Facts& facts = learn();
    EXPECT_EQ(facts.mx_secure, std::nullopt);
    EXPECT_EQ(facts.hosts.at(0).addresses_secure, std::nullopt);
    EXPECT_EQ(facts.hosts.at(0).tlsa, because(State::absent, Reason::resolver_not_validating));
    EXPECT_EQ(dns.count("TLSA"), 0U);
}

// Its AD bit means nothing, even when it is set.
TEST_F(Inquiry, DANE_01_ad_bit_without_proof) {
    validation = Validation::never;
    dns.add(dane_zone);
    EXPECT_EQ(learn().mx_secure, std::nullopt);
    EXPECT_EQ(learn().hosts.at(0).tlsa.state, State::absent);
}

TEST_F(Inquiry, DANE_01_lost_validation_makes_dane_unknown_where_it_held) {
    dns.add(dane_zone);
    dns.add("zone b.test signed\n b.test MX 10 mx.b.test\n mx.b.test A 192.0.2.9");
    (void)learn("a.test");
    (void)learn("b.test");
    validation = Validation::lost;
    dns.validates = false;
    const Standing lost = because(State::unknown, Reason::resolver_validation_lost);
    EXPECT_EQ(learn("a.test").hosts.at(0).tlsa, lost);
    EXPECT_EQ(learn("b.test").hosts.at(0).tlsa,
              because(State::absent, Reason::resolver_not_validating));

    // It stays unknown, however often it is asked, and whatever unsigned DNS says meanwhile.
    EXPECT_EQ(learn("a.test").hosts.at(0).tlsa, lost);
    dns.remove("a.test", "MX");
    dns.add("a.test MX fails timeout");
    EXPECT_EQ(learn("a.test").mx->state, State::unknown);
    dns.add("a.test MX 10 evil.test\n zone evil.test unsigned\n evil.test A 192.0.2.66");
    EXPECT_EQ(learn("a.test").hosts.at(0).name.text(), "evil.test");
    EXPECT_EQ(learn("a.test").hosts.at(0).tlsa, lost);
    EXPECT_TRUE(from_store(to_store(learn("a.test")))->dane_lost) << "not even by a restart";

    validation = Validation::proven;
    dns = Zone(dane_zone);
    EXPECT_EQ(learn("a.test").hosts.at(0).tlsa.state, State::present);
    EXPECT_FALSE(learn("a.test").dane_lost);
}

// A process that begins after validation was lost has never seen it, and knows from the store.
TEST_F(Inquiry, DANE_01_dane_that_held_before_a_restart_is_unknown_without_validation) {
    dns.add(dane_zone);
    dns.add("zone b.test signed\n b.test MX 10 mx.b.test\n mx.b.test A 192.0.2.9");
    (void)learn("a.test");
    (void)learn("b.test");
    dns.validates = false;
    const Standing lost = because(State::unknown, Reason::resolver_validation_lost);
    for (const Validation now : {Validation::never, Validation::untested, Validation::never,
                                 Validation::lost, Validation::never}) {
        validation = now;
        EXPECT_EQ(learn("a.test").hosts.at(0).tlsa,
                  now == Validation::untested ? because(State::unknown, Reason::resolver_untested)
                                              : lost);
        EXPECT_TRUE(from_store(to_store(learn("a.test")))->dane_lost);
    }
    EXPECT_EQ(learn("b.test").hosts.at(0).tlsa,
              because(State::absent, Reason::resolver_not_validating));
    // What nobody checked does not erase it: no MX host, no domain.
    dns.remove("a.test", "MX");
    EXPECT_EQ(learn("a.test").hosts.at(0).tlsa.state, State::absent) << "implicit MX, no address";
    dns.add("a.test MX 10 mx1.a.test");
    EXPECT_EQ(learn("a.test").hosts.at(0).tlsa, lost);
    validation = Validation::proven;
    dns.validates = true;
    EXPECT_EQ(learn("a.test").hosts.at(0).tlsa.state, State::present);
}

// The resolver dies, and comes back without validation.
TEST_F(Inquiry, DANE_01_failed_look_ups_do_not_erase_that_dane_held) {
    dns.add(dane_zone);
    (void)learn();
    dns.remove("a.test", "MX");
    dns.add("a.test MX fails timeout");
    EXPECT_EQ(learn().mx->state, State::unknown);
    EXPECT_TRUE(learn().dane_lost);
    validation = Validation::lost;
    dns = Zone(dane_zone);
    dns.validates = false;
    EXPECT_EQ(learn().hosts.at(0).tlsa, because(State::unknown, Reason::resolver_validation_lost));
    // What was looked up and is not there does.
    validation = Validation::proven;
    dns.validates = true;
    dns.remove("_25._tcp.mx1.a.test", "TLSA");
    EXPECT_EQ(learn().hosts.at(0).tlsa, because(State::absent, Reason::tlsa_none));
    validation = Validation::never;
    EXPECT_EQ(learn().hosts.at(0).tlsa, because(State::absent, Reason::resolver_not_validating));
}

// While a machine starts, the resolver may not be up yet: that is no reason to refuse mail for
// good.
TEST_F(Inquiry, DANE_01_resolver_that_has_not_answered_yet_leaves_dane_unknown) {
    dns.add(dane_zone);
    validation = Validation::untested;
    const Facts& facts = learn();
    EXPECT_EQ(facts.hosts.at(0).tlsa, because(State::unknown, Reason::resolver_untested));
    EXPECT_LE(facts.until, facts.learnt + life_without_validation);
    validation = Validation::never;
    EXPECT_LE(learn().until, learn().learnt + life_without_validation);
    validation = Validation::proven;
    EXPECT_EQ(learn().hosts.at(0).tlsa.state, State::present);
}

// ---- MTA-STS: RFC 8461 §3

TEST_F(Inquiry, STS_20_policy_is_fetched_where_rfc_8461_says) {
    dns.add(sts_zone);
    dns.add("mta-sts.a.test AAAA 2001:db8::2");
    https.serve("a.test", policy_body("enforce", {"mx1.a.test"}));
    const Facts& facts = learn();
    EXPECT_EQ(facts.sts.standing, because(State::present, Reason::none));
    EXPECT_EQ(facts.sts.refresh, facts.sts.standing);
    EXPECT_EQ(facts.sts.id, "1");
    EXPECT_EQ(facts.sts.policy.mode, mtasts::Mode::enforce);
    EXPECT_EQ(facts.sts.fetched, clock.now());
    EXPECT_EQ(facts.sts.expires, clock.now() + Seconds{604800});
    ASSERT_EQ(https.asked.size(), 1U);
    EXPECT_EQ(https.asked[0].host, "mta-sts.a.test");
    EXPECT_EQ(https.asked[0].path, "/.well-known/mta-sts.txt");
    const std::vector<std::string> addresses = {"192.0.2.2", "2001:db8::2"};
    EXPECT_EQ(https.asked[0].addresses, addresses);
}

TEST_F(Inquiry, STS_01_policy_domain_in_a_labels) {
    (void)learn("b\xc3\xbc\x63her.test");
    EXPECT_NE(std::find(dns.asked.begin(), dns.asked.end(), "TXT _mta-sts.xn--bcher-kva.test"),
              dns.asked.end());
}

TEST_F(Inquiry, STS_12_the_parent_zone_is_never_asked) {
    dns.add(sts_zone);
    dns.add("sub.a.test MX 10 mx1.a.test");
    https.serve("a.test", policy_body("enforce", {"mx1.a.test"}));
    EXPECT_EQ(learn("sub.a.test").sts.standing, because(State::absent, Reason::sts_txt_none));
    EXPECT_EQ(dns.count("TXT"), 1U);
    EXPECT_TRUE(https.asked.empty());
}

TEST_F(Inquiry, STS_05_records_that_do_not_count) {
    struct Row {
        const char* texts;
        State state;
        Reason reason;
    };
    const Row table[] = {
        {"_mta-sts.a.test TXT v=spf1 -all", State::absent, Reason::sts_txt_none},
        {"_mta-sts.a.test TXT v=STSv1; id=1\n_mta-sts.a.test TXT v=STSv1; id=2", State::invalid,
         Reason::sts_txt_multiple},
        {"_mta-sts.a.test TXT v=STSv1; id=a-b", State::invalid, Reason::sts_txt_syntax},
        {"_mta-sts.a.test TXT fails timeout", State::unknown, Reason::dns_timeout},
        {"_mta-sts.a.test CNAME _mta-sts.a.test", State::unknown, Reason::dns_cname_loop},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.texts);
        dns = Zone(sts_zone);
        dns.remove("_mta-sts.a.test", "TXT");
        dns.add(row.texts);
        EXPECT_EQ(learn().sts.standing, because(row.state, row.reason));
        EXPECT_TRUE(https.asked.empty());
    }
}

TEST_F(Inquiry, STS_10_alias_of_the_record_is_followed) {
    dns.add(sts_zone);
    dns.remove("_mta-sts.a.test", "TXT");
    dns.add("_mta-sts.a.test CNAME x.a.test\nx.a.test CNAME y.a.test\ny.a.test TXT v=STSv1; id=1");
    https.serve("a.test", policy_body("enforce", {"mx1.a.test"}));
    EXPECT_EQ(learn().sts.standing, because(State::present, Reason::none));
}

TEST_F(Inquiry, STS_33_policy_that_cannot_be_fetched_is_unknown) {
    struct Row {
        const char* what;
        Reason reply;
        long status;
        const char* type;
        State state;
        Reason reason;
    };
    const Row table[] = {
        {"certificate", Reason::sts_fetch_tls, 0, "", State::unknown, Reason::sts_fetch_tls},
        {"timeout", Reason::sts_fetch_timeout, 0, "", State::unknown, Reason::sts_fetch_timeout},
        {"too large", Reason::sts_fetch_size, 200, "text/plain", State::unknown,
         Reason::sts_fetch_size},
        {"redirect", Reason::none, 301, "text/plain", State::unknown, Reason::sts_fetch_status},
        {"204", Reason::none, 204, "text/plain", State::unknown, Reason::sts_fetch_status},
        {"404", Reason::none, 404, "text/plain", State::unknown, Reason::sts_fetch_status},
        {"html", Reason::none, 200, "text/html", State::unknown, Reason::sts_fetch_type},
    };
    for (const Row& row : table) {
        SCOPED_TRACE(row.what);
        dns = Zone(sts_zone);
        https.serve("a.test", policy_body("enforce", {"mx1.a.test"}));
        HttpsReply& reply = https.reply_of("a.test");
        reply.reason = row.reply;
        reply.status = row.status;
        reply.media_type = row.type;
        const Facts& facts = learn_later(hours{1});
        EXPECT_EQ(facts.sts.standing, because(row.state, row.reason));
        EXPECT_LE(facts.until, facts.learnt + longest_life_of_unknown);
    }
}

TEST_F(Inquiry, STS_42_policy_that_breaks_the_grammar_is_invalid) {
    dns.add(sts_zone);
    https.serve("a.test", "version: STSv1\nmode: Enforce\nmx: mx1.a.test\nmax_age: 1\n");
    EXPECT_EQ(learn().sts.standing, because(State::invalid, Reason::sts_policy_syntax));
}

TEST_F(Inquiry, PolicyHostWithoutAddress) {
    dns.add(sts_zone);
    dns.remove("mta-sts.a.test", "A");
    EXPECT_EQ(learn().sts.standing, because(State::unknown, Reason::sts_fetch_connect));
    dns.add("mta-sts.a.test A fails servfail");
    EXPECT_EQ(learn().sts.standing, because(State::unknown, Reason::dns_servfail));
    EXPECT_TRUE(https.asked.empty());
}

// ---- the cache: RFC 8461 §3.2, §3.3, §5.1

class Cached : public Inquiry {
  protected:
    Cached() {
        dns.add(sts_zone);
        https.serve("a.test", policy_body("enforce", {"mx1.a.test"}));
        (void)learn();
        https.asked.clear();
        dns.forget();
    }
    void still_enforced(const Facts& facts, Standing refresh) {
        EXPECT_EQ(facts.sts.standing, because(State::present, Reason::none));
        EXPECT_EQ(facts.sts.policy.mode, mtasts::Mode::enforce);
        EXPECT_EQ(facts.sts.refresh, refresh);
    }
};

TEST_F(Cached, STS_81_unchanged_id_costs_no_fetch) {
    still_enforced(learn_later(hours{23}), because(State::present, Reason::none));
    EXPECT_TRUE(https.asked.empty());
    EXPECT_EQ(dns.count("TXT"), 1U);
}

TEST_F(Cached, STS_11_neither_absence_nor_failure_of_the_record_removes_it) {
    dns.remove("_mta-sts.a.test", "TXT");
    still_enforced(learn_later(hours{1}), because(State::absent, Reason::sts_txt_none));
    dns.add("_mta-sts.a.test TXT v=STSv1;");
    still_enforced(learn_later(hours{1}), because(State::invalid, Reason::sts_txt_syntax));
    dns.remove("_mta-sts.a.test", "TXT");
    dns.add("_mta-sts.a.test TXT fails timeout");
    still_enforced(learn_later(hours{1}), because(State::unknown, Reason::dns_timeout));
    EXPECT_TRUE(https.asked.empty());
}

TEST_F(Cached, STS_82_the_old_policy_holds_until_the_new_one_is_there) {
    dns.remove("_mta-sts.a.test", "TXT");
    dns.add("_mta-sts.a.test TXT v=STSv1; id=2");
    https.stop("a.test");
    const Standing down = because(State::unknown, Reason::sts_fetch_connect);
    const Facts& facts = learn_later(hours{1});
    still_enforced(facts, down);
    EXPECT_EQ(facts.sts.id, "1");
    EXPECT_EQ(https.asked.size(), 1U);

    https.serve("a.test", "not a policy");
    still_enforced(learn_later(hours{1}), because(State::invalid, Reason::sts_policy_syntax));

    https.serve("a.test", policy_body("none", {}));
    const Facts& next = learn_later(hours{1});
    EXPECT_EQ(next.sts.policy.mode, mtasts::Mode::none) << "STS-35, STS-66: followed at once";
    EXPECT_EQ(next.sts.id, "2");
}

TEST_F(Cached, STS_34_and_80_it_holds_to_the_last_second_of_max_age) {
    https.stop("a.test");
    dns.remove("_mta-sts.a.test", "TXT");
    still_enforced(learn_later(Seconds{604799}), because(State::absent, Reason::sts_txt_none));
    EXPECT_EQ(learn_later(Seconds{1}).sts.standing, because(State::absent, Reason::sts_txt_none));
}

TEST_F(Cached, STS_33_expired_and_not_to_be_fetched_is_unknown) {
    https.stop("a.test");
    EXPECT_EQ(learn_later(Seconds{604800}).sts.standing,
              because(State::unknown, Reason::sts_fetch_connect));
}

TEST_F(Cached, FactsAreAskedForAgainWhenThePolicyEnds) {
    const Facts& facts = learn_later(Seconds{604800 - 100});
    EXPECT_EQ(facts.until, facts.learnt + Seconds{1800}) << "refreshed: a day has passed";
    https.stop("a.test");
    const Facts& last = learn_later(Seconds{604800 - 20});
    EXPECT_EQ(last.until, last.sts.expires);
}

TEST_F(Cached, STS_83_refreshed_daily_though_nothing_has_changed) {
    const Facts& facts = learn_later(days{1});
    EXPECT_EQ(https.asked.size(), 1U);
    EXPECT_EQ(facts.sts.expires, clock.now() + Seconds{604800}) << "success restarts max_age";
}

TEST_F(Cached, STS_83_refreshed_daily_though_the_record_is_gone) {
    dns.remove("_mta-sts.a.test", "TXT");
    const Facts& facts = learn_later(days{1});
    EXPECT_EQ(https.asked.size(), 1U);
    still_enforced(facts, because(State::absent, Reason::sts_txt_none));
    EXPECT_EQ(facts.sts.expires, clock.now() + Seconds{604800});
    EXPECT_EQ(facts.sts.id, "1");
}

TEST_F(Cached, FetchAgainFetchesThoughNothingHasChanged) {
    fetch_again = true;
    (void)learn();
    EXPECT_EQ(https.asked.size(), 1U);
}

TEST_F(Cached, STS_87_clock_set_back_does_not_make_it_live_longer) {
    const Time end = learn().sts.expires;
    clock.advance(-days{365});
    const Facts& facts = learn();
    still_enforced(facts, because(State::present, Reason::none));
    EXPECT_LE(facts.sts.expires, clock.now() + Seconds{604800});
    EXPECT_LT(facts.sts.expires, end);
}

TEST_F(Cached, DANE_04_a_cached_policy_does_not_hide_a_failed_mx_look_up) {
    dns.remove("a.test", "MX");
    dns.add("a.test MX fails timeout");
    const Facts& facts = learn_later(hours{1});
    EXPECT_EQ(facts.mx, because(State::unknown, Reason::dns_timeout));
    EXPECT_EQ(facts.sts.standing.state, State::present);
}

TEST_F(Inquiry, STS_28_one_failed_fetch_in_five_minutes) {
    dns.add(sts_zone);
    for (int minute = 0; minute < 5; ++minute) {
        EXPECT_EQ(learn().sts.standing, because(State::unknown, Reason::sts_fetch_connect));
        // A record that cannot be looked up in between changes nothing.
        dns.add("_mta-sts.a.test TXT fails timeout");
        EXPECT_EQ(learn().sts.standing, because(State::unknown, Reason::dns_timeout));
        dns.remove("_mta-sts.a.test", "TXT");
        dns.add("_mta-sts.a.test TXT v=STSv1; id=1");
        clock.advance(Seconds{60});
    }
    EXPECT_EQ(https.asked.size(), 1U);
    (void)learn();
    EXPECT_EQ(https.asked.size(), 2U) << "five minutes are over";

    dns.remove("_mta-sts.a.test", "TXT");
    dns.add("_mta-sts.a.test TXT v=STSv1; id=2");
    (void)learn();
    EXPECT_EQ(https.asked.size(), 3U) << "a new id may be tried at once";
    fetch_again = true;
    (void)learn();
    EXPECT_EQ(https.asked.size(), 4U) << "and so may an operator";
    fetch_again = false;

    https.serve("a.test", policy_body("enforce", {"mx1.a.test"}));
    EXPECT_EQ(learn_later(Seconds{300}).sts.standing, because(State::present, Reason::none));
    EXPECT_EQ(learn().sts.failed, std::nullopt);
}

TEST_F(Inquiry, STS_46_max_age_0_is_fetched_each_time) {
    dns.add(sts_zone);
    https.serve("a.test", policy_body("enforce", {"mx1.a.test"}, "0"));
    const Facts& facts = learn();
    EXPECT_EQ(facts.sts.standing, because(State::present, Reason::none)) << "good for now";
    EXPECT_EQ(facts.until, facts.learnt + lifetimes.shortest);
    (void)learn_later(lifetimes.shortest);
    EXPECT_EQ(https.asked.size(), 2U);
    https.stop("a.test");
    EXPECT_EQ(learn_later(lifetimes.shortest).sts.standing,
              because(State::unknown, Reason::sts_fetch_connect));
}

// ---- how long facts live: DANE-37

TEST_F(Inquiry, DANE_37_no_longer_than_the_smallest_ttl) {
    struct Row {
        const char* ttl;
        Seconds life;
    };
    for (const Row& row : {Row{"0", Seconds{5}}, Row{"60", Seconds{60}}, Row{"3600", Seconds{3600}},
                           Row{"86400", Seconds{3600}}}) {
        dns = Zone(dane_zone);
        dns.add(std::string("zone a.test signed ttl ") + row.ttl);
        const Facts& facts = learn();
        EXPECT_EQ(facts.until, facts.learnt + row.life) << row.ttl;
    }
}

// A policy host that hangs for longer than the TTL: whoever waited would find only stale facts, try
// again, and never get an answer.
TEST_F(Inquiry, FactsAreFreshWhenALongInquiryEnds) {
    dns.add(sts_zone);
    dns.add("zone a.test unsigned ttl 5");
    class Slow final : public Https {
      public:
        explicit Slow(StillClock& clock) : clock_(clock) {}
        asio::awaitable<HttpsReply> get(HttpsRequest) override {
            clock_.advance(Seconds{10});
            HttpsReply reply;
            reply.reason = Reason::sts_fetch_timeout;
            co_return reply;
        }

      private:
        StillClock& clock_;
    } slow(clock);
    asio::io_context loop;
    Sources sources{dns, slow, validation, clock, {}};
    const Facts facts = run(loop, inquire(*NextHop::parse("a.test"), nullptr, sources));
    EXPECT_GE(facts.until, clock.now() + lifetimes.shortest);
}

} // namespace
} // namespace surehop::test
