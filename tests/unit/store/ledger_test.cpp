// SPDX-License-Identifier: Apache-2.0
#include "store/ledger.h"

#include "store/ledger_table.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop {
namespace {

using test::TempDir;
using test::TestStore;

struct LedgerTest : testing::Test {
    LedgerTest() : store(dir / "a.db"), ledger(store.reader, store.writer) {}

    std::vector<LedgerRow> trace(std::string_view what, std::size_t most = 100) {
        auto found = ledger.trace(what, most);
        EXPECT_TRUE(found) << found.error();
        return found ? *std::move(found) : std::vector<LedgerRow>();
    }
    std::string references(std::string_view what, std::size_t most = 100) {
        std::string all;
        for (const LedgerRow& row : trace(what, most))
            all += row.reference + " ";
        return all;
    }

    TempDir dir;
    TestStore store;
    Ledger ledger;
};

LedgerRow row(const std::string& reference, const std::string& queue_id, const std::string& sender,
              const std::string& recipient) {
    LedgerRow made;
    made.kind = "decision";
    made.reference = reference;
    made.queue_id = queue_id;
    made.sender = sender;
    made.recipient = recipient;
    return made;
}

TEST_F(LedgerTest, a_row_comes_back_complete) {
    LedgerRow full;
    full.time = Time{Seconds{1795255200}};
    full.kind = "decision";
    full.reference = "k7m2q";
    full.queue_id = "4Bc0D12F3G";
    full.sender = "Anna@clinic.example";
    full.recipient = "b\xc3\xb6"
                     "b@example.org";
    full.domain = "example.org";
    full.next_hop = "[relay.example]:2525";
    full.rule = "patient data";
    full.exception = 7;
    full.minimum = "dane";
    full.mode = "audit";
    full.outcome = "falls-short";
    full.level = "authenticated";
    full.offer = "authenticated mx1.example.org mx2.example.org";
    full.reason = "mx-insecure";
    full.facts = "learnt 2026-11-21T10:00:00Z, policy 20260101";
    full.action = "accept";
    full.would = "reject";
    full.detail = "unbound; a line\nbreak and a nul \0 stay"; // up to the nul: a literal
    test::must(ledger.append({full}));
    const auto found = trace("k7m2q");
    ASSERT_EQ(found.size(), 1U);
    full.id = found[0].id;
    EXPECT_GT(full.id, 0);
    EXPECT_EQ(found[0], full);
}

TEST_F(LedgerTest, is_on_disk_when_append_returns) {
    test::must(ledger.append({row("r1", "", "", "")}));
    auto other = test::open_or_throw(dir / "a.db");
    EXPECT_EQ(test::number(other, "SELECT count(*) FROM ledger"), 1);
}

TEST_F(LedgerTest, later_does_not_wait_and_is_not_lost) {
    ledger.append_later({row("r1", "", "", ""), row("r2", "", "", "")});
    store.settle();
    EXPECT_EQ(references("r1") + references("r2"), "r1 r2 ");
}

TEST_F(LedgerTest, nothing_to_append_costs_no_commit) {
    test::must(ledger.append({}));
    ledger.append_later({});
    EXPECT_EQ(store.writer.commits(), 0U);
}

TEST_F(LedgerTest, rows_of_one_call_share_a_transaction) {
    // The second row cannot be written; then nor is the first.
    test::must(store.writer.submit_and_wait([](Database& database) {
        return database.execute("CREATE TRIGGER no BEFORE INSERT ON ledger WHEN new.kind = 'bad' "
                                "BEGIN SELECT raise(ABORT, 'bad'); END");
    }));
    LedgerRow bad = row("r", "", "", "");
    bad.kind = "bad";
    EXPECT_FALSE(ledger.append({row("r", "", "", ""), bad}));
    EXPECT_EQ(references("r"), "");
    const auto commits = store.writer.commits();
    test::must(ledger.append({row("r", "", "", ""), row("r", "", "", ""), row("r", "", "", "")}));
    EXPECT_EQ(store.writer.commits(), commits + 1);
    EXPECT_EQ(references("r"), "r r r ");
}

TEST_F(LedgerTest, traces_by_reference_queue_id_sender_and_recipient) {
    test::must(ledger.append({
        row("r1", "Q1", "anna@clinic.example", "bob@example.org"),
        row("r2", "Q1", "anna@clinic.example", "eve@example.net"),
        row("r3", "Q2", "bob@example.org", "carl@example.com"), // bob writes himself
        row("", "", "", ""),                                    // a change: nothing to find it by
    }));
    struct Row {
        std::string_view what, found; // latest first
    };
    for (const Row& one : {
             Row{"r2", "r2 "}, Row{"Q1", "r2 r1 "}, Row{"anna@clinic.example", "r2 r1 "},
             Row{"bob@example.org", "r3 r1 "},
             Row{"BOB@Example.ORG", "r3 r1 "}, // domains in any case
             Row{"R2", ""},                    // references are exact
             Row{"q1", ""},             // and so are queue ids: Postfix's long ones differ by case
             Row{"bob@example", ""},    // no prefix
             Row{"%", ""},              // no wildcard
             Row{"'", ""}, Row{"", ""}, // not everything that has no reference
         })
        EXPECT_EQ(references(one.what), one.found) << one.what;
}

TEST_F(LedgerTest, traces_a_domain_and_what_was_counted_for_it) {
    LedgerRow counted = row("c", "", "", "@example.org"), weaker = row("d", "", "", ""),
              pattern = row("p", "", "@clinic.example", "@example.org");
    counted.kind = "refusals";
    weaker.kind = "downgrade";
    weaker.next_hop = "example.org";
    pattern.kind = "allow-add";
    test::must(ledger.append({
        row("r1", "", "anna@clinic.example", "bob@example.org"),
        row("r2", "", "anna@clinic.example", "eve@EXAMPLE.org"),
        row("r3", "", "anna@clinic.example", "bob@sub.example.org"),
        row("r4", "", "bob@example.org", "anna@clinic.example"),
        row("r5", "", "", "b@xn--bcher-kva.example"),
        counted,
        weaker,
        pattern,
    }));
    struct Row {
        std::string_view what, found;
    };
    for (const Row& one : {
             Row{"example.org", "p d c r2 r1 "},
             Row{"Example.ORG.", "p d c r2 r1 "},
             Row{"@example.org", "p d c r2 r1 "},
             Row{"bob@example.org", "p c r4 r1 "}, // not the domain's other recipients
             Row{"<bob@example.org>", "p c r4 r1 "},
             Row{"nobody@example.org", "p c "},
             Row{"sub.example.org", "r3 "},
             Row{"b\xc3\xbc"
                 "cher.example",
                 "r5 "},
             Row{"b@b\xc3\xbc"
                 "cher.example",
                 "r5 "},
             Row{"org", ""},
         })
        EXPECT_EQ(references(one.what), one.found) << one.what;
}

TEST_F(LedgerTest, addresses_are_kept_as_configured) {
    const std::string key(32, 'k');
    Ledger hashed(store.reader, store.writer, LedgerAddresses(AddressForm::hashed, key));
    Ledger domain(store.reader, store.writer, LedgerAddresses(AddressForm::domain, ""));
    test::must(ledger.append({row("full", "", "Anna@clinic.example", "bob@example.org")}));
    test::must(hashed.append({row("hash", "", "Anna@clinic.example", "bob@example.org")}));
    hashed.append_later({row("null", "", "", "bob@example.org")});
    test::must(domain.append({row("dom", "", "Anna@clinic.example", "bob@example.org")}));
    store.settle();
    const auto found = test::value(hashed.trace("bob@Example.org"));
    ASSERT_EQ(found.size(), 4U) << "in each form";
    EXPECT_EQ(found[0].recipient, "@example.org");
    EXPECT_EQ(found[1].sender, "");
    EXPECT_TRUE(found[2].recipient.starts_with("#")) << found[2].recipient;
    EXPECT_EQ(found[2].recipient, found[1].recipient);
    EXPECT_TRUE(found[2].sender.ends_with("@clinic.example"));
    EXPECT_EQ(test::value(hashed.trace("anna@clinic.example")).size(), 3U);
    EXPECT_EQ(test::value(hashed.trace("eve@example.org")).size(), 1U) << "it may be hers";
    EXPECT_EQ(references("example.org"), "dom null hash full ");
    EXPECT_EQ(test::value(hashed.trace(found[2].recipient)).size(), 3U) << "as it is shown";
}

TEST_F(LedgerTest, the_latest_come_first_and_the_limit_holds) {
    std::vector<LedgerRow> rows;
    for (int i = 0; i < 300; ++i)
        rows.push_back(
            row("r" + std::to_string(i), i % 2 == 0 ? "Q" : "", "a@x.example", "b@y.example"));
    test::must(ledger.append(rows));
    EXPECT_EQ(trace("a@x.example").size(), 100U);
    EXPECT_EQ(references("a@x.example", 3), "r299 r298 r297 ");
    EXPECT_EQ(references("Q", 2), "r298 r296 ");
    EXPECT_EQ(trace("b@y.example", 1000).size(), 300U);
    EXPECT_EQ(trace("b@y.example", SIZE_MAX).size(), 300U);
    EXPECT_EQ(trace("b@y.example", 0).size(), 0U);
}

// A trace must not read a ledger of millions of rows.
TEST_F(LedgerTest, every_part_of_a_trace_uses_its_index) {
    for (const std::string column : {"reference", "queue_id", "sender", "recipient", "domain"}) {
        auto plan =
            store.reader.prepare("EXPLAIN QUERY PLAN SELECT id FROM ledger WHERE " + column +
                                 " = ?1 AND " + column + " <> '' ORDER BY id DESC LIMIT 5");
        ASSERT_TRUE(plan && *plan->step());
        EXPECT_NE(plan->text(3).find("USING COVERING INDEX ledger_by_" + column), std::string::npos)
            << plan->text(3);
        EXPECT_FALSE(*plan->step()) << "sorts: " << plan->text(3);
    }
}

// Whatever was rolled back, by one job or with a whole batch.
TEST_F(LedgerTest, the_chain_holds_through_failures) {
    test::must(store.writer.submit_and_wait([](Database& database) {
        return database.execute("CREATE TRIGGER no BEFORE INSERT ON ledger WHEN new.kind = 'bad' "
                                "BEGIN SELECT raise(ABORT, 'bad'); END; "
                                "CREATE TRIGGER never BEFORE INSERT ON ledger "
                                "WHEN new.kind = 'worse' "
                                "BEGIN SELECT raise(ROLLBACK, 'worse'); END");
    }));
    for (int i = 0; i < 20; ++i)
        for (const char* kind : {"decision", "bad", "start", "worse", "stop"}) {
            LedgerRow one = row("r", "", "", "");
            one.kind = kind;
            ledger.append_later({row("r", "", "", ""), one});
        }
    store.settle();
    ChainCheck check{ChainHead{}};
    const auto rows = test::value(rows_after(store.reader, 0, 1000));
    ASSERT_EQ(rows.size(), 120U);
    for (const auto& [found, chain] : rows)
        ASSERT_FALSE(check.next(found, chain)) << found.id;
    EXPECT_EQ(test::value(chain_head(store.reader)), check.last());
}

TEST_F(LedgerTest, what_is_not_utf8_is_made_printable) {
    LedgerRow odd = row("r", "\xff\xfe", "\xc3\xb6@x.example", "b@y.example");
    test::must(ledger.append({odd}));
    EXPECT_EQ(trace("r").at(0).queue_id, "??");
    EXPECT_EQ(trace("r").at(0).sender, odd.sender);
}

TEST_F(LedgerTest, ids_are_never_used_twice) {
    test::must(ledger.append({row("r1", "", "", "")}));
    const auto first = trace("r1")[0].id;
    test::must(store.writer.submit_and_wait(
        [](Database& database) { return database.execute("DELETE FROM ledger"); }));
    test::must(ledger.append({row("r2", "", "", "")}));
    EXPECT_GT(trace("r2")[0].id, first);
}

TEST_F(LedgerTest, an_unwritable_ledger_is_an_error_and_an_incident) {
    std::vector<std::string> told;
    store.writer.on_failure([&](const std::string& failure) { told.push_back(failure); });
    test::must(store.writer.submit_and_wait(
        [](Database& database) { return database.execute("PRAGMA max_page_count = 20"); }));
    const std::vector<LedgerRow> large(2000, row("r", "Q", "a@x.example", "b@y.example"));
    const auto status = ledger.append(large);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().find("disk is full"), std::string::npos);
    ledger.append_later(large);
    store.settle();
    EXPECT_EQ(told.size(), 1U);
    EXPECT_EQ(references("r"), "");
}

// ---- held mail ----

struct HeldTest : LedgerTest {
    void step(const std::string& kind, const std::string& queue_id, const std::string& detail = "",
              Time when = arrival) {
        LedgerRow made = row("", queue_id, "a@x.test", "b@y.test");
        made.kind = kind;
        made.detail = detail;
        made.time = when;
        test::must(ledger.append({made}));
    }
    std::string kinds(const std::string& queue_id) {
        std::string all;
        for (const LedgerRow& one : test::value(ledger.of_message(queue_id, arrival)))
            all += one.kind + " ";
        return all;
    }
    static constexpr Time arrival{Seconds{1'800'000'000}};
    const std::string promised = "promised dane y.test";
};

TEST_F(HeldTest, a_queue_id_that_is_used_again_is_another_message) {
    step("decision", "4Q", "", arrival - Seconds{601});
    step("decision", "4Q", "", arrival - Seconds{600});
    step("quarantine-hold", "4Q", promised);
    step("decision", "4Q", "", arrival + Seconds{3600});
    step("decision", "4Q", "", arrival + Seconds{3601});
    step("quarantine-kept", "4Q", "", arrival + std::chrono::days{40});
    step("decision", "4R");
    EXPECT_EQ(kinds("4Q"), "decision quarantine-hold decision quarantine-kept ");
    EXPECT_EQ(kinds(""), "");
}

TEST_F(HeldTest, what_is_still_held_as_the_ledger_says) {
    for (const char* id : {"4A", "4B", "4C", "4D"})
        step("quarantine-hold", id, promised);
    step("quarantine-release", "4B");
    step("quarantine-discard", "4C");
    step("quarantine-release", "4D");
    step("quarantine-failed", "4D");
    step("quarantine-kept", "4A");
    step("quarantine-release", "4X"); // of which nothing is known
    const auto holds = test::value(ledger.holds());
    EXPECT_EQ(holds.open.size(), 2U);
    EXPECT_TRUE(holds.open.contains("4A") && holds.open.contains("4D")) << "it was not done";
    EXPECT_TRUE(holds.ended.contains("4B") && holds.ended.contains("4C"));
    EXPECT_EQ(holds.open.at("4A"), (std::vector<Promised>{{"y.test", Level::dane}}));

    step("quarantine-hold", "4B", "promised encrypted z.test"); // the id is used again
    const auto again = test::value(ledger.holds());
    EXPECT_EQ(again.open.at("4B"), (std::vector<Promised>{{"z.test", Level::encrypted}}));
    step("quarantine-hold", "4E", "who knows");
    EXPECT_FALSE(ledger.holds()) << "nothing may be ended then";
}

TEST_F(HeldTest, how_far_back_the_ledger_goes) {
    step("decision", "4A");
    EXPECT_EQ(test::value(ledger.kept_since()), std::nullopt) << "all is there";
    step("retention", "", "removed up to 1:x; what is from before then is not kept",
         arrival + Seconds{9});
    EXPECT_EQ(test::value(ledger.kept_since()), arrival);
}

} // namespace
} // namespace surehop
