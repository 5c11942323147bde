// SPDX-License-Identifier: Apache-2.0
#include "store/facts_memory.h"

#include "facts/stored_facts.h"
#include "support/sample_facts.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace surehop {
namespace {

FactsPtr full(const std::string& name) {
    return std::make_shared<const Facts>(test::full_facts(name));
}

std::string name(int number) { return "d" + std::to_string(number) + ".example"; }

void keep(FactsMemory& memory, int number) {
    const FactsPtr facts = full(name(number));
    memory.keep(name(number), facts, to_store(*facts).size(), {});
}

std::string held(const FactsMemory& memory) { // a star: ready
    std::string all;
    memory.each([&](const FactsMemory::Held& one) {
        all += one.key.substr(1, 1) + (one.facts ? "* " : " ");
    });
    return all;
}

TEST(FactsMemory, the_latest_are_ready_and_the_others_are_held_as_on_disk) {
    FactsMemory memory({.ready = 2, .in_memory = 4});
    for (int i = 1; i <= 5; ++i)
        keep(memory, i);
    EXPECT_EQ(held(memory), "5* 4* 3 2 ");
    EXPECT_EQ(memory.find(name(1)), nullptr);

    const auto* second = memory.find(name(2));
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->facts, nullptr);
    const auto read = from_store(second->stored);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, *full(name(2)));
    EXPECT_EQ(held(memory), "5* 4* 2 3 ");
    keep(memory, 2);
    EXPECT_EQ(held(memory), "2* 5* 4 3 ");
    ASSERT_NE(memory.find(name(5)), nullptr);
    EXPECT_EQ(held(memory), "5* 2* 4 3 ");
    keep(memory, 6);
    EXPECT_EQ(held(memory), "6* 5* 2 4 ") << "the one that was not used for longest went";
}

TEST(FactsMemory, what_is_ready_is_bounded_in_octets) {
    const std::size_t one = to_store(*full(name(1))).size();
    FactsMemory memory({.ready = 10, .ready_octets = 2 * one});
    for (int i = 1; i <= 4; ++i)
        keep(memory, i);
    EXPECT_EQ(held(memory), "4* 3* 2 1 ");
    memory.drop(name(4));
    memory.drop(name(1));
    keep(memory, 5);
    EXPECT_EQ(held(memory), "5* 3* 2 ");
    memory.keep(name(6), full(name(6)), 3 * one, {});
    EXPECT_EQ(held(memory), "6* 5 3 2 ") << "the latest is ready whatever it takes";
}

TEST(FactsMemory, who_only_looks_changes_nothing) {
    FactsMemory memory({.ready = 1, .in_memory = 2});
    keep(memory, 1);
    keep(memory, 2);
    ASSERT_NE(memory.look_at(name(1)), nullptr);
    EXPECT_EQ(memory.look_at(name(1))->facts, nullptr);
    EXPECT_EQ(memory.look_at(name(3)), nullptr);
    EXPECT_EQ(held(memory), "2* 1 ");
}

TEST(FactsMemory, what_is_known_of_the_use_stays) {
    FactsMemory memory({.ready = 1, .in_memory = 3});
    keep(memory, 1);
    memory.find(name(1))->use = {test::ten_o_clock, 7};
    keep(memory, 2);
    const auto* first = memory.find(name(1));
    EXPECT_EQ(first->use.last, test::ten_o_clock);
    EXPECT_EQ(first->use.times, 7U);
}

TEST(FactsMemory, kept_again_is_held_once) {
    FactsMemory memory({.ready = 1, .in_memory = 3});
    keep(memory, 1);
    keep(memory, 2);
    memory.keep(name(1), full("other.example"), 100, {});
    EXPECT_EQ(held(memory), "1* 2 ");
    EXPECT_EQ(*memory.find(name(1))->facts, *full("other.example"));
    keep(memory, 2);
    EXPECT_EQ(held(memory), "2* 1 ");
}

TEST(FactsMemory, dropped_is_gone) {
    FactsMemory memory({.ready = 1, .in_memory = 3});
    for (int i = 1; i <= 3; ++i)
        keep(memory, i);
    EXPECT_TRUE(memory.drop(name(1)));
    EXPECT_TRUE(memory.drop(name(3)));
    EXPECT_FALSE(memory.drop(name(3)));
    EXPECT_EQ(held(memory), "2 ");
    keep(memory, 4);
    EXPECT_EQ(held(memory), "4* 2 ");
}

TEST(FactsMemory, octets_bound_it_too_and_the_latest_stays) {
    const std::size_t one = to_store(*full(name(1))).size();
    FactsMemory memory({.ready = 2, .in_memory = 10, .memory_octets = 3 * one});
    for (int i = 1; i <= 5; ++i)
        keep(memory, i);
    EXPECT_EQ(held(memory), "5* 4* 3 ");
    memory.keep(name(6), full(name(6)), 4 * one, {});
    EXPECT_EQ(held(memory), "6* ");
    memory.drop(name(6));
    keep(memory, 7);
    keep(memory, 8);
    EXPECT_EQ(held(memory), "8* 7* ");
}

TEST(FactsMemory, limits_of_nothing_hold_the_latest) {
    FactsMemory memory({.ready = 0, .in_memory = 0, .memory_octets = 0});
    keep(memory, 1);
    keep(memory, 2);
    EXPECT_EQ(held(memory), "2* ");
    EXPECT_NE(memory.find(name(2)), nullptr);
}

TEST(FactsMemory, what_is_longer_than_a_row_is_held_as_long_as_it_is_ready) {
    FactsMemory memory({.ready = 1, .in_memory = 3});
    memory.keep(name(1), full(name(1)), FactsMemory::longest_row + 1, {});
    EXPECT_NE(memory.find(name(1)), nullptr);
    keep(memory, 2);
    EXPECT_EQ(memory.find(name(1)), nullptr);
    memory.keep(name(3), full(name(3)), FactsMemory::longest_row, {});
    keep(memory, 4);
    EXPECT_EQ(held(memory), "4* 3 2 ");
}

} // namespace
} // namespace surehop
