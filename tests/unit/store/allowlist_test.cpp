// SPDX-License-Identifier: Apache-2.0
#include "store/allowlist.h"

#include "store/ledger.h"
#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace surehop {
namespace {

using test::TempDir;
using test::TestStore;

constexpr Time now{Seconds{1795255200}}; // 2026-11-21T10:00:00Z
constexpr Seconds day{86400};

Path path(std::string_view text) { return *Path::parse(text); }
AddressPattern pattern(std::string_view text) { return *AddressPattern::parse(text); }

Exception exception(std::string_view recipient, Level lowest = Level::none) {
    Exception made;
    made.recipient = pattern(recipient);
    made.lowest = lowest;
    made.reason = "their new server is due in December";
    made.owner = "Anna";
    made.created_by = "uid 0 (root)";
    made.from = now;
    made.until = now + 30 * day;
    return made;
}

struct AllowlistTest : testing::Test {
    AllowlistTest() : store(dir / "a.db"), allowlist(opened()) {}

    std::unique_ptr<Allowlist> opened() {
        auto list = Allowlist::open(store.reader, store.writer);
        if (!list)
            throw std::runtime_error(list.error());
        return *std::move(list);
    }
    std::int64_t add(const Exception& made) {
        const auto id = allowlist->add(made);
        EXPECT_TRUE(id) << id.error();
        return id ? *id : 0;
    }
    // The id of what matches; 0: nothing.
    std::int64_t match(std::string_view sender, std::string_view recipient, Time when = now) const {
        const auto found = allowlist->match(path(sender), path(recipient), when);
        return found ? found->id : 0;
    }
    std::int64_t opening(std::string_view domain, Time when = now) const {
        const auto found = allowlist->opening(*Domain::parse(domain), when);
        return found ? found->id : 0;
    }

    TempDir dir;
    TestStore store;
    std::unique_ptr<Allowlist> allowlist;
};

TEST_F(AllowlistTest, is_in_force_and_on_disk_when_add_returns) {
    EXPECT_EQ(match("a@x.example", "bob@example.org"), 0);
    const auto id = add(exception("bob@example.org"));
    EXPECT_EQ(match("a@x.example", "bob@example.org"), id);
    auto other = test::open_or_throw(dir / "a.db");
    EXPECT_EQ(test::number(other, "SELECT id FROM exception"), id);
}

TEST_F(AllowlistTest, comes_back_complete_after_a_restart) {
    Exception full = exception("*.Example.org", Level::encrypted);
    full.sender = pattern("@clinic.example");
    full.reason = "Umstellung l\xc3\xa4uft";
    full.ticket = "OPS-17";
    full.overrides_published = true;
    full.id = add(full);
    const auto removed = add(exception("b\xc3\xbc"
                                       "cher.example"));
    test::must(allowlist->remove(removed, now + day, "done", "uid 7 (eve)"));

    const auto list = opened()->list();
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].id, full.id);
    EXPECT_EQ(list[0].recipient, full.recipient);
    EXPECT_EQ(list[0].sender, full.sender);
    EXPECT_EQ(list[0].lowest, full.lowest);
    EXPECT_TRUE(list[0].overrides_published);
    EXPECT_FALSE(list[1].overrides_published);
    EXPECT_EQ(list[0].reason, full.reason);
    EXPECT_EQ(list[0].owner, full.owner);
    EXPECT_EQ(list[0].ticket, full.ticket);
    EXPECT_EQ(list[0].created_by, full.created_by);
    EXPECT_EQ(list[0].from, full.from);
    EXPECT_EQ(list[0].until, full.until);
    EXPECT_FALSE(list[0].removed);
    EXPECT_EQ(list[1].recipient.text(), "@xn--bcher-kva.example");
    EXPECT_FALSE(list[1].sender);
    EXPECT_EQ(list[1].removed, now + day);
    EXPECT_EQ(list[1].removed_reason, "done");
}

TEST_F(AllowlistTest, the_widest_that_covers_both_is_chosen) {
    const auto domain = add(exception("@example.org", Level::encrypted));
    const auto person = add(exception("bob@example.org", Level::none));
    const auto suffix = add(exception("*.example.org", Level::encrypted));
    add(exception("*.example.org", Level::encrypted)); // the same again: the first stays
    const auto wider = add(exception("*.org", Level::verified));
    const auto literal = add(exception("@[192.0.2.1]"));
    Exception for_anna = exception("carl@example.org", Level::none);
    for_anna.sender = pattern("anna@clinic.example");
    const auto personal = add(for_anna);
    Exception for_bounces = exception("dora@example.org", Level::none);
    for_bounces.sender = pattern("<>");
    const auto bounces = add(for_bounces);

    struct Row {
        std::string_view sender, recipient;
        std::int64_t id;
    };
    for (const Row& row : {
             Row{"a@x.example", "bob@example.org", person},
             Row{"a@x.example", "eve@example.org", domain},
             Row{"a@x.example", "bob@www.example.org", suffix},
             Row{"a@x.example", "bob@a.b.example.org", suffix},
             Row{"a@x.example", "bob@other.org", wider},
             Row{"a@x.example", "bob@example.net", 0},
             Row{"a@x.example", "bob@[192.0.2.1]", literal},
             Row{"a@x.example", "bob@[192.0.2.2]", 0},
             Row{"a@x.example", "<postmaster>", 0},
             Row{"anna@clinic.example", "carl@example.org", personal},
             Row{"a@x.example", "carl@example.org", domain},
             Row{"<>", "carl@example.org", domain},
             Row{"<>", "dora@example.org", bounces},
         })
        EXPECT_EQ(match(row.sender, row.recipient), row.id) << row.sender << " " << row.recipient;
}

TEST_F(AllowlistTest, holds_from_its_first_second_until_its_last) {
    const auto id = add(exception("@example.org"));
    EXPECT_EQ(match("a@x.example", "b@example.org", now - Seconds{1}), 0);
    EXPECT_EQ(match("a@x.example", "b@example.org", now), id);
    EXPECT_EQ(match("a@x.example", "b@example.org", now + 30 * day - Seconds{1}), id);
    EXPECT_EQ(match("a@x.example", "b@example.org", now + 30 * day), 0);
    EXPECT_EQ(opening("example.org", now - Seconds{1}), 0);
    EXPECT_EQ(opening("example.org", now + 30 * day - Seconds{1}), id);
    EXPECT_EQ(opening("example.org", now + 30 * day), 0);
}

// The lock is asked about a next hop, never about a sender or a recipient.
TEST_F(AllowlistTest, what_opens_a_next_hop) {
    const auto suffix = add(exception("*.example.org", Level::verified));
    Exception for_anna = exception("carl@www.example.org", Level::none);
    for_anna.sender = pattern("anna@clinic.example");
    const auto personal = add(for_anna);
    add(exception("www.example.org", Level::encrypted));
    add(exception("@[192.0.2.1]"));
    EXPECT_EQ(opening("www.example.org"), personal); // lowest, whoever may send
    EXPECT_EQ(opening("mail.example.org"), suffix);
    EXPECT_EQ(opening("sub.www.example.org"), suffix);
    EXPECT_EQ(opening("example.org"), 0);
    EXPECT_EQ(opening("org"), 0);
    test::must(allowlist->remove(personal, now, "done", "root"));
    EXPECT_EQ(allowlist->opening(*Domain::parse("www.example.org"), now)->lowest, Level::encrypted);
}

TEST_F(AllowlistTest, what_overrides_a_next_hop) {
    add(exception("example.org", Level::none));
    Exception narrow = exception("carl@example.org", Level::encrypted);
    narrow.overrides_published = true;
    const auto id = add(narrow);
    const Domain domain = *Domain::parse("example.org");
    ASSERT_TRUE(allowlist->overriding(domain, now));
    EXPECT_EQ(allowlist->overriding(domain, now)->id, id) << "not the wider one, which does not";
    EXPECT_FALSE(allowlist->overriding(domain, now + 30 * day));
    EXPECT_FALSE(allowlist->overriding(*Domain::parse("www.example.org"), now));
}

TEST_F(AllowlistTest, removing_ends_at_once_and_keeps_the_row) {
    const auto id = add(exception("@example.org"));
    const ExceptionPtr held =
        allowlist->match(path("a@x.example"), path("b@example.org"), now + day);
    test::must(allowlist->remove(id, now + day, "their server is there", "uid 0 (root)"));
    ASSERT_TRUE(held);
    EXPECT_FALSE(held->removed) << "a decision was made under it as it was then";
    EXPECT_EQ(match("a@x.example", "b@example.org", now + day), 0);
    const auto row = allowlist->find(id);
    ASSERT_TRUE(row);
    EXPECT_EQ(row->removed, now + day);
    EXPECT_EQ(row->removed_reason, "their server is there");
    EXPECT_EQ(allowlist->list().size(), 1U);
    EXPECT_FALSE(allowlist->find(id + 1));
    EXPECT_FALSE(allowlist->find(0));
}

TEST_F(AllowlistTest, what_cannot_be_removed) {
    const auto id = add(exception("@example.org"));
    struct Row {
        std::int64_t id;
        Time when;
        std::string reason, by, error;
    };
    for (const Row& row : {
             Row{id + 1, now, "done", "root", "there is no exception 2"},
             Row{id, now, " ", "root", "the reason for the removal is missing"},
             Row{id, now, "done", "", "the author of the removal is missing"},
             Row{id, now, "a\nb", "root",
                 "the reason for the removal holds characters that are not text"},
             Row{id, now + 30 * day, "done", "root",
                 "exception 1 has ended already, at 2026-12-21T10:00:00Z"},
         }) {
        const auto status = allowlist->remove(row.id, row.when, row.reason, row.by);
        ASSERT_FALSE(status) << row.error;
        EXPECT_EQ(status.error(), row.error);
    }
    EXPECT_EQ(match("a@x.example", "b@example.org"), id) << "still in force";
    test::must(allowlist->remove(id, now, "done", "root"));
    EXPECT_EQ(allowlist->remove(id, now, "again", "root").error(),
              "exception 1 has ended already, at 2026-11-21T10:00:00Z");
}

TEST_F(AllowlistTest, what_cannot_be_added) {
    struct Row {
        std::string_view error;
        void (*change)(Exception&);
    };
    for (
        const Row& row : {
            Row{"the reason of the exception is missing", [](Exception& e) { e.reason = ""; }},
            Row{"the reason of the exception is missing", [](Exception& e) { e.reason = " \t "; }},
            Row{"the owner of the exception is missing", [](Exception& e) { e.owner = ""; }},
            Row{"the author of the exception is missing", [](Exception& e) { e.created_by = ""; }},
            Row{"the reason of the exception is too long: 501 octets, at most 500",
                [](Exception& e) { e.reason = std::string(501, 'x'); }},
            Row{"the owner of the exception is too long: 201 octets, at most 200",
                [](Exception& e) { e.owner = std::string(201, 'x'); }},
            Row{"the ticket of the exception is too long: 201 octets, at most 200",
                [](Exception& e) { e.ticket = std::string(201, 'x'); }},
            Row{"the reason of the exception holds characters that are not text",
                [](Exception& e) { e.reason = "a\x1b[2Jb"; }},
            Row{"the owner of the exception holds characters that are not text",
                [](Exception& e) { e.owner = "a\x7f"; }},
            Row{"the owner of the exception holds characters that are not text",
                [](Exception& e) {
                    e.owner = "a\xc2\x9b"
                              "b";
                }}, // C1: a terminal's CSI
            Row{"the ticket of the exception holds characters that are not text",
                [](Exception& e) { e.ticket = "\xff"; }}, // not UTF-8
            Row{"the ticket of the exception holds characters that are not text",
                [](Exception& e) { e.ticket = std::string(1, '\0'); }},
            Row{"the exception would end at 2026-11-21T10:00:00Z, before it begins",
                [](Exception& e) { e.until = e.from; }},
            Row{"an exception is for an address, a domain or a suffix; what holds for everybody is "
                "set in [policy]",
                [](Exception& e) { e.recipient = AddressPattern(); }},
            Row{"an exception is for an address, a domain or a suffix; what holds for everybody is "
                "set in [policy]",
                [](Exception& e) { e.recipient = pattern("<>"); }},
        }) {
        Exception made = exception("@example.org");
        row.change(made);
        const auto id = allowlist->add(made);
        ASSERT_FALSE(id) << row.error;
        EXPECT_EQ(id.error(), row.error);
    }
    EXPECT_TRUE(allowlist->list().empty());
    EXPECT_EQ(test::number(store.reader, "SELECT count(*) FROM ledger"), 0);
    // At the limits, and with letters beyond ASCII, it may.
    Exception made = exception("@example.org");
    made.reason = std::string(500, 'x');
    made.owner = "J\xc3\xbcrgen \xe2\x80\x94 \xf0\x9f\x93\xa7";
    add(made);
}

TEST_F(AllowlistTest, id_and_end_are_not_for_the_caller_to_say) {
    Exception made = exception("@example.org");
    made.id = 77;
    made.removed = now;
    made.removed_reason = "x";
    const auto id = add(made);
    EXPECT_EQ(id, 1);
    EXPECT_EQ(match("a@x.example", "b@example.org"), id);
    EXPECT_EQ(allowlist->find(id)->removed_reason, "");
}

TEST_F(AllowlistTest, each_change_has_its_row_in_the_ledger) {
    Exception made = exception("bob@example.org", Level::encrypted);
    made.sender = pattern("@clinic.example");
    made.ticket = "OPS-17";
    const auto id = add(made);
    test::must(allowlist->remove(id, now + day, "server is there", "uid 7 (eve)"));

    Ledger ledger(store.reader, store.writer);
    const auto rows = ledger.trace("bob@example.org");
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), 2U);
    LedgerRow expected;
    expected.id = 2;
    expected.time = now + day;
    expected.kind = "allow-remove";
    expected.sender = "@clinic.example";
    expected.recipient = "bob@example.org";
    expected.domain = "example.org";
    expected.exception = id;
    expected.level = "encrypted";
    expected.detail = "by uid 7 (eve); server is there";
    EXPECT_EQ((*rows)[0], expected);
    expected.id = 1;
    expected.time = now;
    expected.kind = "allow-add";
    expected.detail =
        "by uid 0 (root); until 2026-12-21T10:00:00Z; owner Anna; ticket OPS-17; their "
        "new server is due in December";
    EXPECT_EQ((*rows)[1], expected);
    EXPECT_EQ(store.writer.commits(), 2U) << "change and row in one transaction";
}

TEST_F(AllowlistTest, a_change_is_all_or_nothing) {
    const auto old = add(exception("old.example"));
    const auto commits = store.writer.commits();
    Exception later = exception("later.example");
    later.from = now + 2 * day;
    const auto ids = allowlist->change({{exception("new.example"), later}, {{old, "replaced"}}},
                                       now + day, "uid 7 (eve)");
    ASSERT_TRUE(ids) << ids.error();
    EXPECT_EQ(*ids, (std::vector<std::int64_t>{old + 1, old + 2}));
    EXPECT_EQ(store.writer.commits(), commits + 1);
    EXPECT_EQ(match("a@x.example", "b@old.example", now + day), 0);
    EXPECT_EQ(match("a@x.example", "b@new.example", now + day), old + 1);
    EXPECT_EQ(match("a@x.example", "b@later.example", now + 2 * day - Seconds{1}), 0);
    EXPECT_EQ(match("a@x.example", "b@later.example", now + 2 * day), old + 2);
    Ledger ledger(store.reader, store.writer);
    const auto rows = ledger.trace("@later.example");
    ASSERT_TRUE(rows && rows->size() == 1);
    EXPECT_EQ(rows->front().time, now + day) << "when it was made, not when it begins";
    EXPECT_TRUE(
        rows->front().detail.starts_with("by uid 0 (root); from 2026-11-23T10:00:00Z; until"))
        << rows->front().detail;

    struct Row {
        AllowChange change;
        std::string error;
    };
    Exception over = exception("over.example");
    over.until = now + day;
    for (const Row& row : {
             Row{{{exception("x.example"), over}, {}},
                 "the exception would end at 2026-11-22T10:00:00Z, before it begins"},
             Row{{{exception("x.example")}, {{old, "again"}}},
                 "exception 1 has ended already, at 2026-11-22T10:00:00Z"},
             Row{{{exception("x.example")}, {{old + 1, "once"}, {old + 1, "twice"}}},
                 "exception 2 has ended already, at 2026-11-22T10:00:00Z"},
             Row{{{exception("x.example")}, {{99, "x"}}}, "there is no exception 99"},
             Row{{{exception("x.example")}, {{old + 1, ""}}},
                 "the reason for the removal is missing"},
         }) {
        const auto refused = allowlist->change(row.change, now + day, "root");
        ASSERT_FALSE(refused) << row.error;
        EXPECT_EQ(refused.error(), row.error);
    }
    EXPECT_EQ(match("a@x.example", "b@x.example", now + day), 0);
    EXPECT_EQ(match("a@x.example", "b@new.example", now + day), old + 1);
    test::must(store.writer.submit_and_wait([](Database& database) {
        return database.execute("CREATE TRIGGER no BEFORE INSERT ON ledger WHEN NEW.recipient = "
                                "'@y.example' BEGIN SELECT raise(ABORT, 'closed'); END");
    }));
    EXPECT_FALSE(allowlist->change(
        {{exception("x.example"), exception("y.example")}, {{old + 1, "x"}}}, now + day, "root"));
    EXPECT_EQ(opened()->list().size(), 3U);
    EXPECT_FALSE(opened()->find(old + 1)->removed);
    EXPECT_TRUE(allowlist->change({}, now + day, "root")->empty());
}

TEST_F(AllowlistTest, what_the_ledger_has_told) {
    Ledger ledger(store.reader, store.writer);
    test::must(ledger.append({exception_row(exception("a.example"), "allow-ending", now)}));
    Exception made = exception("a.example");
    made.id = 7;
    test::must(ledger.append({exception_row(made, "allow-ending", now)}));
    made.id = 8;
    test::must(ledger.append({exception_row(made, "allow-ended", now)}));
    EXPECT_EQ(*Allowlist::told(store.reader, "allow-ending"), (std::set<std::int64_t>{7}));
    EXPECT_EQ(*Allowlist::told(store.reader, "allow-ended"), (std::set<std::int64_t>{8}));
}

TEST_F(AllowlistTest, a_long_list_at_once) {
    AllowChange many;
    for (int i = 0; i < 10'000; ++i)
        many.add.push_back(exception("u" + std::to_string(i) + "@example.org"));
    const auto began = std::chrono::steady_clock::now();
    const auto ids = allowlist->change(many, now, "root");
    const auto took = std::chrono::steady_clock::now() - began;
    ASSERT_TRUE(ids) << ids.error();
    EXPECT_EQ(ids->size(), 10'000U);
    EXPECT_LT(took, std::chrono::seconds{10}) << "the loop waits meanwhile";
    RecordProperty("milliseconds", std::to_string(took / std::chrono::milliseconds{1}));
}

// The exception and its row in the ledger stand or fall together.
TEST_F(AllowlistTest, without_its_row_in_the_ledger_nothing_changes) {
    const auto id = add(exception("@example.org"));
    test::must(store.writer.submit_and_wait([](Database& database) {
        return database.execute("CREATE TRIGGER no BEFORE INSERT ON ledger "
                                "BEGIN SELECT raise(ABORT, 'the ledger is closed'); END");
    }));
    const auto added = allowlist->add(exception("@example.net"));
    ASSERT_FALSE(added);
    EXPECT_NE(added.error().find("the ledger is closed"), std::string::npos);
    EXPECT_FALSE(allowlist->remove(id, now, "done", "root"));
    EXPECT_EQ(match("a@x.example", "b@example.net"), 0);
    EXPECT_EQ(match("a@x.example", "b@example.org"), id);
    EXPECT_EQ(test::number(store.reader, "SELECT count(*) FROM exception"), 1);
    EXPECT_EQ(test::number(store.reader, "SELECT count(*) FROM exception WHERE removed IS NULL"),
              1);
}

TEST_F(AllowlistTest, an_unreadable_row_is_an_error_and_never_an_empty_list) {
    add(exception("@example.org"));
    for (const std::string change : {"lowest = 'low'", "recipient = 'a b'", "sender = '@'"}) {
        test::must(store.writer.submit_and_wait([&](Database& database) {
            return database.execute("UPDATE exception SET " + change);
        }));
        const auto refused = Allowlist::open(store.reader, store.writer);
        ASSERT_FALSE(refused) << change;
        EXPECT_NE(refused.error().find("exception 1 in the store cannot be read"),
                  std::string::npos)
            << refused.error();
    }
}

TEST(AllowlistFile, a_damaged_file_is_an_error_and_never_an_empty_list) {
    const TempDir dir;
    const std::string file = dir / "a.db";
    {
        TestStore store(file);
        auto allowlist = *Allowlist::open(store.reader, store.writer);
        for (int i = 0; i < 200; ++i)
            ASSERT_TRUE(allowlist->add(exception("user" + std::to_string(i) + "@example.org")));
    }
    const auto size = std::filesystem::file_size(file);
    {
        std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
        damage.seekp(16384);
        damage << std::string(size - 16384, '\x5a');
    }
    Writer writer(test::open_or_throw(file));
    auto reader = test::open_or_throw(file);
    const auto refused = Allowlist::open(reader, writer);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("is damaged"), std::string::npos) << refused.error();
}

TEST_F(AllowlistTest, judging_goes_on_while_it_changes) {
    std::atomic<bool> stop = false;
    std::atomic<int> judged = 0, wrong = 0;
    add(exception("steady@example.org"));
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 2; ++thread)
            threads.emplace_back([&] {
                while (!stop) {
                    if (match("a@x.example", "steady@example.org") != 1)
                        ++wrong;
                    if (opening("example.org") != 1)
                        ++wrong;
                    ++judged;
                }
            });
        std::vector<std::jthread> changing;
        for (int thread = 0; thread < 2; ++thread)
            changing.emplace_back([&] {
                for (int i = 0; i < 20; ++i) {
                    const auto id = add(exception("other@example.org", Level::verified));
                    test::must(allowlist->remove(id, now, "done", "root"));
                }
            });
        changing.clear();
        stop = true;
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(judged, 0);
    EXPECT_EQ(allowlist->list().size(), 41U);
    EXPECT_EQ(opened()->list().size(), 41U);
}

} // namespace
} // namespace surehop
