// SPDX-License-Identifier: Apache-2.0
#include "allow/difference.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace surehop {
namespace {

constexpr Time now{Seconds{1795255200}}; // 2026-11-21T10:00:00Z
constexpr Seconds day{86400};

Exception exception(std::int64_t id, std::string_view recipient, std::string reason = "r") {
    Exception made;
    made.id = id;
    made.recipient = *AddressPattern::parse(recipient);
    made.reason = std::move(reason);
    made.owner = "Anna";
    made.from = id == 0 ? now : now - day; // a list says now, what is there has begun
    made.until = now + 30 * day;
    return made;
}

// "add @a beside 1; change 2; end 3; 4 unchanged"
std::string told(const Difference& found) {
    std::string out;
    for (const Addition& one : found.added) {
        out += fmt::format("add {}", one.exception.recipient.text());
        for (const std::int64_t id : one.beside)
            out += fmt::format(" beside {}", id);
        out += "; ";
    }
    for (const Change& one : found.changed)
        out += fmt::format("change {} to {}; ", one.before.id, one.after.reason);
    for (const Exception& one : found.ended)
        out += fmt::format("end {}; ", one.id);
    return out + fmt::format("{} unchanged", found.unchanged);
}

using List = std::vector<Exception>;

std::string replaced(const List& current, const List& wanted) {
    return told(difference(current, wanted, [](const Exception&) { return true; }, now));
}
std::string added(const List& current, const List& wanted) {
    return told(difference(current, wanted, [](const Exception&) { return false; }, now));
}

TEST(Difference, told) {
    const List both = {exception(1, "a.test"), exception(2, "b.test")};
    EXPECT_EQ(replaced({}, {}), "0 unchanged");
    EXPECT_EQ(replaced({}, {exception(0, "a.test")}), "add @a.test; 0 unchanged");
    EXPECT_EQ(replaced(both, {exception(0, "b.test"), exception(0, "a.test")}), "2 unchanged");
    EXPECT_EQ(replaced(both, {exception(0, "a.test", "other"), exception(0, "c.test")}),
              "add @c.test; change 1 to other; end 2; 0 unchanged");
    EXPECT_EQ(replaced(both, {}), "end 1; end 2; 0 unchanged");
    EXPECT_EQ(added(both, {}), "0 unchanged") << "nothing ends unless that is asked for";
    EXPECT_EQ(added(both, {exception(0, "a.test", "other"), exception(0, "b.test")}),
              "add @a.test beside 1; 1 unchanged");
}

TEST(Difference, every_word_counts) {
    void (*const changes[])(Exception&) = {
        [](Exception& e) { e.lowest = Level::encrypted; },
        [](Exception& e) { e.overrides_published = true; },
        [](Exception& e) { e.reason = "x"; },
        [](Exception& e) { e.owner = "x"; },
        [](Exception& e) { e.ticket = "x"; },
        [](Exception& e) { e.until += Seconds{1}; },
        [](Exception& e) { e.from = now + day; },
    };
    for (const auto change : changes) {
        Exception other = exception(0, "a.test");
        change(other);
        EXPECT_EQ(difference(
                      List{exception(1, "a.test")}, List{other},
                      [](const Exception&) { return true; }, now)
                      .changed.size(),
                  1U);
    }
    Exception of_anna = exception(0, "a.test");
    of_anna.sender = *AddressPattern::parse("anna@clinic.example");
    EXPECT_EQ(replaced({exception(1, "a.test")}, {of_anna}), "add @a.test; end 1; 0 unchanged")
        << "another sender is another exception";
}

TEST(Difference, when_it_began_does_not_matter_when_it_begins_does) {
    Exception coming = exception(1, "a.test"), listed = exception(0, "a.test");
    coming.from = listed.from = now + day;
    EXPECT_EQ(replaced({coming}, {listed}), "1 unchanged");
    EXPECT_EQ(replaced({coming}, {exception(0, "a.test")}), "change 1 to r; 0 unchanged");
}

TEST(Difference, several_for_the_same) {
    const List current = {exception(1, "a.test", "x"), exception(2, "a.test", "y"),
                          exception(3, "a.test", "y")};
    EXPECT_EQ(replaced(current, {exception(0, "a.test", "y"), exception(0, "a.test", "z")}),
              "change 1 to z; end 3; 1 unchanged");
    EXPECT_EQ(added(current, {exception(0, "a.test", "z")}),
              "add @a.test beside 1 beside 2 beside 3; 0 unchanged");
}

TEST(Difference, what_is_over_is_not_there) {
    Exception removed = exception(1, "a.test"), expired = exception(2, "b.test");
    removed.removed = now - day;
    expired.until = now;
    EXPECT_EQ(replaced({removed, expired}, {exception(0, "a.test")}), "add @a.test; 0 unchanged");
}

TEST(Difference, only_what_may_end_is_ended) {
    const List current = {exception(1, "a.test"), exception(2, "b.test")};
    const auto found = difference(
        current, List{exception(0, "a.test", "x")}, [](const Exception& e) { return e.id == 2; },
        now);
    EXPECT_EQ(told(found), "add @a.test beside 1; end 2; 0 unchanged");
}

TEST(Difference, becomes_what_the_store_is_to_do) {
    const List current = {exception(1, "a.test"), exception(2, "b.test")};
    const List wanted = {exception(0, "c.test"), exception(0, "a.test", "x")};
    const AllowChange change = change_of(
        difference(current, wanted, [](const Exception&) { return true; }, now), "f\n.csv");
    ASSERT_EQ(change.add.size(), 2U);
    EXPECT_EQ(change.add[0].recipient.text(), "@c.test");
    EXPECT_EQ(change.add[1].reason, "x");
    ASSERT_EQ(change.end.size(), 2U);
    EXPECT_EQ(change.end[0].id, 1);
    EXPECT_EQ(change.end[0].reason, "f?.csv says otherwise now");
    EXPECT_EQ(change.end[1].id, 2);
    EXPECT_EQ(change.end[1].reason, "no longer in f?.csv");
}

} // namespace
} // namespace surehop
