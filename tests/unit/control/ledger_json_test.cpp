// SPDX-License-Identifier: Apache-2.0
#include "control/ledger_json.h"

#include <gtest/gtest.h>

#include <string>

namespace surehop {
namespace {

ChainedRow full() {
    ChainedRow out;
    for (const LedgerText& one : ledger_texts)
        out.row.*one.text = std::string(one.name) + " \xc3\xb6 \"\\\n" + std::string(1, '\0');
    out.row.id = 7;
    out.row.time = Time{Seconds{1795255200}};
    out.row.exception = 3;
    out.chain = chain_value("", out.row);
    return out;
}

TEST(LedgerJson, a_row_comes_back_as_it_was) {
    ChainedRow null_sender;
    null_sender.row.id = 1;
    null_sender.row.kind = "decision";
    for (const ChainedRow& row : {full(), null_sender}) {
        const auto line = parse_json(print_json(to_json(row)));
        ASSERT_TRUE(line);
        const auto back = parse_ledger_row(*line);
        ASSERT_TRUE(back) << back.error();
        EXPECT_EQ(back->row, row.row);
        EXPECT_EQ(back->chain, row.chain);
    }
}

TEST(LedgerJson, what_is_no_row) {
    const Json good = to_json(full());
    ASSERT_TRUE(parse_ledger_row(good));
    const auto with = [&](const char* name, Json value) {
        Json out = good;
        out[name] = std::move(value);
        return out;
    };
    for (const Json& bad :
         {Json(), Json::array(), Json("row"), Json::object(), with("id", "7"), with("id", 0),
          with("id", -1), with("id", 1.5), with("time", 7), with("time", "2026-11-22"),
          with("time", "+1d"), with("time", "yesterday"), with("exception", nullptr),
          with("sender", 7), with("chain", nullptr), with("colour", "red"),
          Json{{"id", 7}, {"kind", "start"}}})
        EXPECT_FALSE(parse_ledger_row(bad)) << print_json(bad);
}

TEST(LedgerJson, the_first_line) {
    for (const ChainHead& after : {ChainHead{}, ChainHead{12, std::string(64, 'a')}}) {
        const auto back = parse_ledger_begin(*parse_json(print_json(ledger_begin(after))));
        ASSERT_TRUE(back);
        EXPECT_EQ(*back, after);
    }
    for (const char* bad :
         {"null", "[]", "{}", R"({"surehop_ledger": 2, "after": "0:"})",
          R"({"surehop_ledger": 1, "after": 0})", R"({"surehop_ledger": 1, "after": "1:2"})",
          R"({"surehop_ledger": 1, "after": "0:", "more": 1})"})
        EXPECT_FALSE(parse_ledger_begin(*parse_json(bad))) << bad;
}

} // namespace
} // namespace surehop
