// SPDX-License-Identifier: Apache-2.0
#include "store/chain.h"

#include "base/bytes.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace surehop {
namespace {

LedgerRow sample() {
    LedgerRow row;
    row.id = 7;
    row.time = Time{Seconds{1795255200}};
    row.kind = "decision";
    row.sender = "a@x.test";
    row.recipient = "b@y.test";
    row.exception = 3;
    return row;
}

// What anybody can compute with other means.
TEST(Chain, the_value_is_sha256_of_netstrings) {
    EXPECT_EQ(chain_value("", sample()),
              to_hex(sha256("0:,2:id,1:7,4:time,10:1795255200,9:exception,1:3,4:kind,8:decision,"
                            "6:sender,8:a@x.test,9:recipient,8:b@y.test,")));
    EXPECT_EQ(chain_value("ab", LedgerRow{}), to_hex(sha256("2:ab,2:id,1:0,4:time,1:0,")));
}

TEST(Chain, every_member_counts_and_none_passes_for_another) {
    std::vector<LedgerRow> rows(1, sample());
    const auto with = [&](const std::function<void(LedgerRow&)>& change) {
        rows.push_back(sample());
        change(rows.back());
    };
    with([](LedgerRow& row) { row.id = 8; });
    with([](LedgerRow& row) { row.time += Seconds{1}; });
    with([](LedgerRow& row) { row.exception = 0; });
    for (const LedgerText& one : ledger_texts)
        with([&](LedgerRow& row) { row.*one.text = "x"; });
    with([](LedgerRow& row) { row.sender += "x"; });
    with([](LedgerRow& row) { row.sender = "a@x.test,9:recipient,8:b@y.test,"; });
    with([](LedgerRow& row) { std::swap(row.sender, row.recipient); });
    with([](LedgerRow& row) { row.sender += std::string(1, '\0'); });
    with([](LedgerRow& row) { row.sender.clear(); });
    std::set<std::string> values;
    for (const LedgerRow& row : rows) {
        values.insert(chain_value("", row));
        values.insert(chain_value("0", row));
    }
    EXPECT_EQ(values.size(), 2 * rows.size());
}

TEST(Chain, heads_as_text) {
    const std::string value(64, 'a');
    for (const std::string& text : {"12:" + value, std::string("0:")}) {
        const auto head = ChainHead::parse(text);
        ASSERT_TRUE(head) << text;
        EXPECT_EQ(head->text(), text);
    }
    EXPECT_EQ(ChainHead::parse("12:" + std::string(64, 'A'))->value, value);
    for (const std::string& text :
         {std::string(), std::string("12"), "12:" + value + "a", "12:" + value.substr(1),
          ":" + value, "-1:" + value, "0:" + value, "12:" + std::string(64, 'g'),
          "99999999999999999999:" + value, " 12:" + value})
        EXPECT_FALSE(ChainHead::parse(text)) << text;
}

struct Chained {
    LedgerRow row;
    std::string value;
};

std::vector<Chained> chain(int count) {
    std::vector<Chained> out;
    for (int i = 1; i <= count; ++i) {
        LedgerRow row = sample();
        row.id = i;
        row.detail = std::to_string(i);
        out.push_back({row, chain_value(out.empty() ? "" : out.back().value, row)});
    }
    return out;
}

// "" when all is well, else kind and id of the first fault.
std::string check(const std::vector<Chained>& rows, const ChainHead& after = {}) {
    ChainCheck check(after);
    for (const auto& [row, value] : rows)
        if (const auto fault = check.next(row, value)) {
            EXPECT_FALSE(fault->text.empty());
            return std::string(name_of(fault->kind)) + " " + std::to_string(fault->id);
        }
    EXPECT_EQ(check.last().value, rows.back().value);
    return "";
}

TEST(Chain, the_first_row_that_is_wrong_is_told) {
    struct Row {
        std::string_view what, found;
        std::function<void(std::vector<Chained>&)> change;
    };
    const auto at = [](auto place) { return static_cast<std::ptrdiff_t>(place); };
    for (const Row& one : {
             Row{"nothing", "", [](auto&) {}},
             Row{"one letter", "changed 5", [](auto& rows) { rows[4].row.detail = "6"; }},
             Row{"its time", "changed 1", [](auto& rows) { rows[0].row.time -= Seconds{1}; }},
             Row{"the last", "changed 9", [](auto& rows) { rows[8].row.action = "accept"; }},
             Row{"row and value", "changed 6",
                 [](auto& rows) {
                     rows[4].row.detail = "x";
                     rows[4].value = chain_value(rows[3].value, rows[4].row);
                 }},
             Row{"two contents swapped", "changed 3",
                 [](auto& rows) {
                     std::swap(rows[2], rows[3]);
                     std::swap(rows[2].row.id, rows[3].row.id);
                 }},
             Row{"two rows swapped", "missing 3", [](auto& rows) { std::swap(rows[2], rows[3]); }},
             Row{"one taken out", "missing 4",
                 [&](auto& rows) { rows.erase(rows.begin() + at(3)); }},
             Row{"the oldest", "missing 1", [](auto& rows) { rows.erase(rows.begin()); }},
             Row{"one put in at the end", "inserted 10",
                 [](auto& rows) {
                     rows.push_back(rows.back());
                     rows.back().row.id = 10;
                     rows.back().value = "";
                 }},
             Row{"one repeated", "order 5",
                 [&](auto& rows) { rows.insert(rows.begin() + at(5), rows[4]); }},
             Row{"an odd value", "inserted 2", [](auto& rows) { rows[1].value = "zz"; }},
         }) {
        auto rows = chain(9);
        one.change(rows);
        EXPECT_EQ(check(rows), one.found) << one.what;
    }
}

TEST(Chain, begins_anywhere_when_told_where) {
    auto rows = chain(9);
    const ChainHead after{4, rows[3].value};
    rows.erase(rows.begin(), rows.begin() + 4);
    EXPECT_EQ(check(rows, after), "");
    EXPECT_EQ(check(rows), "missing 1");
    EXPECT_EQ(check(rows, {4, std::string(64, '0')}), "changed 5");
}

} // namespace
} // namespace surehop
