// SPDX-License-Identifier: Apache-2.0
#include "resolve/self_test.h"

#include "support/run.h"

#include <gtest/gtest.h>

#include <map>

namespace surehop {
namespace {

// Answers by name; whatever is not in the table is a timeout.
class FakeDns final : public Dns {
  public:
    struct Row {
        DnsStatus status;
        bool authentic = false;
    };
    asio::awaitable<DnsAnswer> ask(Question question) override {
        asked.push_back(question.name);
        types.push_back(question.type);
        DnsAnswer answer;
        answer.status = DnsStatus::timeout;
        if (const auto row = rows.find(question.name); row != rows.end()) {
            answer.status = row->second.status;
            answer.authentic = row->second.authentic;
        }
        co_return answer;
    }
    std::map<std::string, Row> rows;
    std::vector<std::string> asked;
    std::vector<RrType> types;
};

constexpr FakeDns::Row signed_root{DnsStatus::answer, true}, unsigned_root{DnsStatus::answer};
constexpr FakeDns::Row servfail{DnsStatus::servfail}, served{DnsStatus::answer};
constexpr FakeDns::Row no_data{DnsStatus::no_data}, gone{DnsStatus::no_name};
constexpr FakeDns::Row silent{DnsStatus::timeout}, dead{DnsStatus::unreachable};
constexpr FakeDns::Row refused{DnsStatus::refused};

using Rows = std::map<std::string, FakeDns::Row>;

SelfTestResult run(SelfTest& self_test, FakeDns& dns, Rows rows) {
    dns.rows = std::move(rows);
    asio::io_context loop;
    const auto result = test::run(loop, self_test.run());
    EXPECT_EQ(result.validation, self_test.validation());
    return result;
}

TEST(SelfTest, FirstRun) {
    struct {
        const char* what;
        bool trusted;
        std::vector<std::string> bogus_names;
        Rows rows;
        Validation validation;
        bool reachable;
        std::size_t warnings;
    } const table[] = {
        {"signed root", true, {}, {{"", signed_root}}, Validation::proven, true, 0},
        {"and a bogus name",
         true,
         {"a"},
         {{"", signed_root}, {"a", servfail}},
         Validation::proven,
         true,
         0},
        {"no AD", true, {}, {{"", unsigned_root}}, Validation::never, true, 1},
        {"bogus name served",
         true,
         {"a"},
         {{"", signed_root}, {"a", served}},
         Validation::never,
         true,
         1},
        {"bogus name served as NODATA",
         true,
         {"a"},
         {{"", signed_root}, {"a", no_data}},
         Validation::never,
         true,
         1},
        {"the second one served",
         true,
         {"a", "b"},
         {{"", signed_root}, {"a", servfail}, {"b", served}},
         Validation::never,
         true,
         1},
        {"one gone, one good",
         true,
         {"a", "b"},
         {{"", signed_root}, {"a", gone}, {"b", servfail}},
         Validation::proven,
         true,
         1},
        {"one good, one silent",
         true,
         {"a", "b"},
         {{"", signed_root}, {"a", servfail}, {"b", silent}},
         Validation::proven,
         true,
         1},
        {"all gone: nothing shown",
         true,
         {"a", "b"},
         {{"", signed_root}, {"a", gone}, {"b", refused}},
         Validation::untested,
         true,
         2},
        {"path not trusted",
         false,
         {"a"},
         {{"", signed_root}, {"a", servfail}},
         Validation::never,
         true,
         1},
        {"silent", true, {"a"}, {{"", silent}}, Validation::untested, false, 1},
        {"dead", true, {}, {{"", dead}}, Validation::untested, false, 1},
        {"root refused", true, {}, {{"", refused}}, Validation::untested, true, 1},
        {"root SERVFAIL: no uplink yet",
         true,
         {"a"},
         {{"", servfail}, {"a", servfail}},
         Validation::untested,
         true,
         1},
    };
    for (const auto& row : table) {
        FakeDns dns;
        SelfTest self_test(dns, row.trusted, row.bogus_names);
        EXPECT_EQ(self_test.validation(), Validation::untested) << row.what;
        const SelfTestResult result = run(self_test, dns, row.rows);
        EXPECT_EQ(result.validation, row.validation) << row.what;
        EXPECT_EQ(result.reachable, row.reachable) << row.what;
        EXPECT_EQ(result.warnings.size(), row.warnings) << row.what;
    }
}

TEST(SelfTest, AsksForTheRootAndTheBogusNames) {
    FakeDns dns;
    SelfTest self_test(dns, true, {"bogus.example"});
    run(self_test, dns, {{"", signed_root}, {"bogus.example", servfail}});
    EXPECT_EQ(dns.asked, (std::vector<std::string>{"", "bogus.example"}));
    EXPECT_EQ(dns.types, (std::vector<RrType>{RrType::soa, RrType::a}));
}

// Whoever has shown nothing yet is not yet known not to validate; who has is not untested again.
TEST(SelfTest, FirstProofOrRefutationDecides) {
    const struct {
        const char* what;
        Rows rows;
        Validation validation;
    } table[] = {
        {"proof", {{"", signed_root}, {"a", servfail}}, Validation::proven},
        {"refutation", {{"", unsigned_root}}, Validation::never},
        {"nothing shown", {{"", servfail}}, Validation::untested},
        {"still silent", {}, Validation::untested},
    };
    for (const auto& row : table) {
        FakeDns dns;
        SelfTest self_test(dns, true, {"a"});
        run(self_test, dns, {{"", dead}});
        EXPECT_EQ(run(self_test, dns, row.rows).validation, row.validation) << row.what;
        EXPECT_EQ(run(self_test, dns, {}).validation, row.validation) << row.what;
    }
}

// What was proven is lost by a refutation only, and comes back by a new proof only.
TEST(SelfTest, LaterRuns) {
    struct {
        const char* what;
        Rows rows;
        Validation from_proven, from_lost;
    } const table[] = {
        {"all well", {{"", signed_root}, {"a", servfail}}, Validation::proven, Validation::proven},
        {"no AD", {{"", unsigned_root}, {"a", servfail}}, Validation::lost, Validation::lost},
        {"bogus served", {{"", signed_root}, {"a", served}}, Validation::lost, Validation::lost},
        {"bogus gone", {{"", signed_root}, {"a", gone}}, Validation::proven, Validation::lost},
        {"bogus silent", {{"", signed_root}}, Validation::proven, Validation::lost},
        {"resolver silent", {}, Validation::proven, Validation::lost},
        {"resolver dead", {{"", dead}}, Validation::proven, Validation::lost},
        {"root SERVFAIL", {{"", servfail}, {"a", servfail}}, Validation::proven, Validation::lost},
    };
    for (const auto& row : table) {
        FakeDns dns;
        SelfTest self_test(dns, true, {"a"});
        run(self_test, dns, {{"", signed_root}, {"a", servfail}});
        ASSERT_EQ(self_test.validation(), Validation::proven);
        EXPECT_EQ(run(self_test, dns, row.rows).validation, row.from_proven) << row.what;
        run(self_test, dns, {{"", signed_root}, {"a", servfail}});
        run(self_test, dns, {{"", unsigned_root}});
        ASSERT_EQ(self_test.validation(), Validation::lost);
        EXPECT_EQ(run(self_test, dns, row.rows).validation, row.from_lost) << row.what;
    }
}

TEST(SelfTest, WarningsNameTheNameAndNothingOdd) {
    FakeDns dns;
    SelfTest self_test(dns, true, {"bad\nname"});
    const auto result = run(self_test, dns, {{"", signed_root}, {"bad\nname", gone}});
    ASSERT_EQ(result.warnings.size(), 1U);
    EXPECT_NE(result.warnings[0].find("bad?name"), std::string::npos);
}

} // namespace
} // namespace surehop
