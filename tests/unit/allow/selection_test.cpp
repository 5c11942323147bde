// SPDX-License-Identifier: Apache-2.0
#include "allow/selection.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

constexpr Time now{Seconds{1795255200}}; // 2026-11-21T10:00:00Z
constexpr Seconds day{86400};

Exception exception(std::int64_t id, std::string_view recipient, Seconds from, Seconds until) {
    Exception made;
    made.id = id;
    made.recipient = *AddressPattern::parse(recipient);
    made.owner = "J. Doe";
    made.ticket = "OPS-1";
    made.from = now + from;
    made.until = now + until;
    return made;
}

std::vector<Exception> all() {
    std::vector<Exception> out = {
        exception(1, "bob@a.test", -30 * day, 60 * day),
        exception(2, "a.test", -30 * day, 10 * day),
        exception(3, "*.test", 5 * day, 40 * day),
        exception(4, "b.test", -30 * day, Seconds{0}),
        exception(5, "c.test", -30 * day, 90 * day),
        exception(6, "b.test", -2 * day, 14 * day),
    };
    out[4].removed = now - day; // 5
    out[1].owner = "dpo@clinic.example";
    out[1].ticket = "SEC-9";
    return out;
}

std::vector<std::int64_t> ids(const Selection& selection) {
    std::vector<std::int64_t> out;
    for (const Exception& one : select(all(), selection, now).exceptions)
        out.push_back(one.id);
    return out;
}

using Ids = std::vector<std::int64_t>;

TEST(Selection, by_state) {
    Selection selection;
    EXPECT_EQ(ids(selection), (Ids{2, 6, 1, 3})) << "in force, then to come; what ends first first";
    EXPECT_EQ(select(all(), selection, now).ended_left_out, 2U);
    selection.shown = Shown::live;
    EXPECT_EQ(ids(selection), (Ids{2, 6, 1}));
    selection.shown = Shown::ended;
    EXPECT_EQ(ids(selection), (Ids{5, 4}));
    EXPECT_EQ(select(all(), selection, now).ended_left_out, 0U);
    selection.shown = Shown::all;
    EXPECT_EQ(ids(selection), (Ids{2, 6, 1, 3, 5, 4}));
}

TEST(Selection, by_what_is_asked_for) {
    struct Row {
        Ids ids;
        void (*ask)(Selection&);
    };
    for (const Row& row : {
             Row{{2, 6}, [](Selection& s) { s.ending = 14 * day; }},
             Row{{2}, [](Selection& s) { s.ending = 14 * day - Seconds{1}; }},
             Row{{2, 6},
                 [](Selection& s) {
                     s.ending = 14 * day;
                     s.shown = Shown::all;
                 }}, // what has ended ends no more
             Row{{2}, [](Selection& s) { s.owner = "DPO@"; }},
             Row{{6, 1, 3}, [](Selection& s) { s.owner = "doe"; }},
             Row{{}, [](Selection& s) { s.owner = "eve"; }},
             Row{{2}, [](Selection& s) { s.ticket = "sec-9"; }},
             Row{{}, [](Selection& s) { s.ticket = "SEC"; }},
             Row{{2, 1, 3}, [](Selection& s) { s.recipient = *Path::parse("bob@a.test"); }},
             Row{{2, 3}, [](Selection& s) { s.recipient = *Path::parse("eve@a.test"); }},
             Row{{2, 1, 3}, [](Selection& s) { s.domain = *Domain::parse("a.test"); }},
             Row{{3}, [](Selection& s) { s.domain = *Domain::parse("x.y.test"); }},
             Row{{}, [](Selection& s) { s.domain = *Domain::parse("test"); }},
         }) {
        Selection selection;
        row.ask(selection);
        EXPECT_EQ(ids(selection), row.ids);
    }
}

TEST(Selection, counted) {
    const ExceptionCounts counts = count(all(), now);
    EXPECT_EQ(counts.live, 3U);
    EXPECT_EQ(counts.to_come, 1U);
    EXPECT_EQ(counts.ending, 2U);
    EXPECT_EQ(shown_of("live"), Shown::live);
    EXPECT_EQ(shown_of(""), std::nullopt);
}

TEST(Selection, states_to_the_second) {
    const Exception one = exception(1, "a.test", day, 2 * day);
    EXPECT_EQ(state_of(one, now + day - Seconds{1}), "to-come");
    EXPECT_EQ(state_of(one, now + day), "live");
    EXPECT_EQ(state_of(one, now + 2 * day - Seconds{1}), "live");
    EXPECT_EQ(state_of(one, now + 2 * day), "ended");
}

TEST(Selection, whose_end_is_news) {
    const Exception one = exception(1, "a.test", Seconds{0}, 30 * day);
    EXPECT_FALSE(ending_is_news(one, now + 16 * day - Seconds{1}));
    EXPECT_TRUE(ending_is_news(one, now + 16 * day));
    EXPECT_TRUE(ending_is_news(one, now + 30 * day - Seconds{1}));
    EXPECT_FALSE(ending_is_news(one, now + 30 * day));
    EXPECT_FALSE(end_is_news(one, now + 30 * day - Seconds{1}));
    EXPECT_TRUE(end_is_news(one, now + 30 * day));
    EXPECT_TRUE(end_is_news(one, now + 37 * day - Seconds{1}));
    EXPECT_FALSE(end_is_news(one, now + 37 * day));
    EXPECT_FALSE(ending_is_news(exception(2, "a.test", Seconds{0}, 14 * day), now))
        << "made for no longer";
    Exception removed = one;
    removed.removed = now + day;
    EXPECT_FALSE(ending_is_news(removed, now + 16 * day));
    EXPECT_FALSE(end_is_news(removed, now + 30 * day));
}

} // namespace
} // namespace surehop
