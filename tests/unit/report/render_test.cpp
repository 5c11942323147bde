// SPDX-License-Identifier: Apache-2.0
#include "report/render.h"

#include "base/csv.h"
#include "report/report_json.h"
#include "support/sample_facts.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

using test::ten_o_clock;

LedgerRow decision(const std::string& outcome, const std::string& action) {
    LedgerRow row;
    row.id = 1;
    row.time = ten_o_clock;
    row.kind = "decision";
    row.recipient = "bob@bad.test";
    row.domain = "bad.test";
    row.rule = "patients, \"all\"";
    row.minimum = "dane";
    row.mode = "enforce";
    row.outcome = outcome;
    row.action = row.would = action;
    return row;
}

Exception exception(std::int64_t id, const std::string& recipient, Seconds left) {
    Exception out;
    out.id = id;
    out.recipient = test::value(AddressPattern::parse(recipient));
    out.owner = "J. Doe";
    out.reason = "old machine";
    out.from = ten_o_clock - std::chrono::days{300};
    out.until = ten_o_clock + left;
    return out;
}

Json report(bool addresses) {
    Tally tally(addresses);
    LedgerRow row = decision("falls-short", "reject");
    row.reason = "sts-mode-testing";
    tally.add(row);
    row.reason = "nothing-published";
    tally.add(row);
    tally.add(row);
    row = decision("meets", "accept");
    row.queue_id = "Q1";
    row.level = "dane";
    row.facts = "learnt";
    row.exception = 2;
    tally.add(row);
    const std::vector<Exception> exceptions = {
        exception(2, "jane@lab.test", std::chrono::days{200}),
        exception(3, "lab.test", std::chrono::days{3})};
    ReportTerms terms;
    terms.since = ten_o_clock - std::chrono::days{30};
    terms.until = ten_o_clock;
    terms.head = "1:abc";
    terms.addresses = addresses;
    return report_json(tally.totals(), exceptions, terms, ten_o_clock);
}

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Report, the_members_that_programs_depend_on) {
    const Json json = report(false);
    EXPECT_EQ(json.at("since"), "2026-10-22T10:00:00Z");
    EXPECT_EQ(json.at("ledger").at("head"), "1:abc");
    EXPECT_EQ(json.at("messages"),
              (Json{{"accepted", 1}, {"tagged", 0}, {"held", 0}, {"refused", 0}}));
    EXPECT_EQ(json.at("recipients").at("outcomes"),
              (Json{{"meets", 1}, {"falls-short", 3}, {"unknown", 0}, {"no-mail", 0}}));
    EXPECT_EQ(json.at("went_on").at("held_to").at("dane"), 1);
    EXPECT_EQ(json.at("rules").at(0).at("rule"), "patients, \"all\"");
    const Json& bad = json.at("falls_short").at("top").at(0);
    EXPECT_EQ(bad.at("domain"), "bad.test");
    EXPECT_EQ(bad.at("recipients"), 3);
    EXPECT_EQ(bad.at("reasons").at(0).at("reason"), "nothing-published") << "most first";
    EXPECT_EQ(bad.at("reasons").at(0).at("sentence"), "it publishes neither DANE nor MTA-STS");
    EXPECT_EQ(json.at("exceptions").at("used").at(0).at("id"), 2);
    EXPECT_EQ(json.at("exceptions").at("ending").at(0).at("id"), 3);
}

TEST(Report, no_address_by_default) {
    const Json json = report(false);
    for (const std::string& text : {print_json(json), report_text(json), report_csv(json)}) {
        EXPECT_FALSE(holds(text, "bob@")) << text;
        EXPECT_FALSE(holds(text, "jane@")) << text;
    }
    EXPECT_TRUE(holds(report_text(json), "used: 2 for an address at lab.test, owner J. Doe"));
    const Json named = report(true);
    for (const std::string& text : {print_json(named), report_text(named), report_csv(named)})
        EXPECT_TRUE(holds(text, "bob@bad.test")) << text;
    EXPECT_TRUE(holds(report_text(named), "used: 2 for jane@lab.test, owner J. Doe"));
}

TEST(Report, text_for_people) {
    const std::string text = report_text(report(false));
    for (const char* part :
         {"surehop report, 2026-10-22T10:00:00Z to 2026-11-21T10:00:00Z\n",
          "rows 1 to 1 of the ledger, head 1:abc\n",
          "  falls-short                         3   75.0 %\n",
          "its MTA-STS policy is in testing mode (sts-mode-testing): 1\n",
          "about to end: 3 for @lab.test, owner J. Doe, until 2026-11-24T10:00:00Z\n",
          "What delivery then did is in the mail\nserver's log"})
        EXPECT_TRUE(holds(text, part)) << part << "\n" << text;
}

TEST(Report, of_no_rows) {
    const Json json = report_json(Totals(), {}, ReportTerms(), ten_o_clock);
    EXPECT_TRUE(holds(report_text(json), "the ledger has no row of that time\n"));
    EXPECT_TRUE(json.at("ledger").at("head").is_null());
    EXPECT_EQ(json.at("recipients").at("all"), 0);
}

// What strangers and admins have written is one cell, and no escape sequence.
TEST(Report, csv_is_read_back) {
    const Csv csv = parse_csv(report_csv(report(false)), 1'000);
    ASSERT_FALSE(csv.error) << csv.error->text;
    EXPECT_EQ(csv.rows.front().cells,
              (std::vector<std::string>{"section", "name", "detail", "count"}));
    const auto count = [&](std::string_view section, std::string_view name,
                           std::string_view detail) -> std::string {
        for (const CsvRow& row : csv.rows)
            if (row.cells.at(0) == section && row.cells.at(1) == name && row.cells.at(2) == detail)
                return row.cells.at(3);
        return "missing";
    };
    EXPECT_EQ(count("outcome", "falls-short", ""), "3");
    EXPECT_EQ(count("rule", "patients, \"all\"", "meets"), "1");
    EXPECT_EQ(count("falls-short", "bad.test", "nothing-published"), "2");
    EXPECT_EQ(count("exception", "2", "needed"), "0");
}

TEST(Report, no_terminal_is_harmed) {
    Tally tally;
    LedgerRow row;
    row.kind = "incident";
    row.detail = "\x1b[2Jgone";
    tally.add(row);
    const std::string text =
        report_text(report_json(tally.totals(), {}, ReportTerms(), ten_o_clock));
    EXPECT_FALSE(holds(text, "\x1b"));
    EXPECT_TRUE(holds(text, "?[2Jgone"));
}

} // namespace
} // namespace surehop
