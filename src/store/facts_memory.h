// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "facts/facts.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

// The next hops used most recently. Some thousands of these are ready; the others are held as they
// are on disk, in half the room. Who shares it between threads locks, and reads what is not ready
// under no lock: strangers write policies that take long to read.

namespace surehop {

struct FactsLimits {
    std::size_t ready = 4'000;                        // next hops
    std::size_t ready_octets = std::size_t{4} << 20U; // of their stored form; they may take tenfold
    std::size_t in_memory = 44'000;                   // with those; others cost a read from disk
    std::size_t memory_octets = std::size_t{64} << 20U; // of the stored form of all
    std::size_t on_disk = 1'000'000;                    // next hops, give or take a few thousand
};

class FactsMemory {
  public:
    // Octets. What is longer is shortened on disk (see FactsStore::put), and held here only while
    // it is ready.
    static constexpr std::size_t longest_row = std::size_t{256} << 10U;

    explicit FactsMemory(FactsLimits limits) : limits_(limits) {}

    struct Use {
        Time last;
        std::uint32_t times = 0; // since it is in memory
    };
    struct Held {
        std::string key;
        FactsPtr facts;     // null: not ready
        std::string stored; // the same, when not ready
        std::size_t octets; // of the stored form
        Use use;
    };

    // From now on the latest of those that are ready, or of those that are not. Null: not held.
    // Valid until the next keep() or drop().
    Held* find(std::string_view key);

    // As it is, for who does not use it.
    const Held* look_at(std::string_view key) const;

    // Ready, and the latest of all. In place of what is held.
    Held& keep(std::string_view key, FactsPtr facts, std::size_t octets, Use use);
    bool drop(std::string_view key); // false: was not held

    template <typename Visit> void each(Visit visit) const { // const Held&
        for (const auto* part : {&ready_, &stored_})
            for (const Held& held : *part)
                visit(held);
    }

  private:
    using Place = std::list<Held>::iterator;
    void drop(Place place);
    void bound();

    const FactsLimits limits_;
    std::list<Held> ready_, stored_;                     // each: the latest first
    std::unordered_map<std::string_view, Place> places_; // keys live in the lists
    std::size_t ready_octets_ = 0, octets_ = 0;          // of ready_; of both
};

} // namespace surehop
