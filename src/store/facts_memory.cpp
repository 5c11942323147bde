// SPDX-License-Identifier: Apache-2.0
#include "store/facts_memory.h"

#include "facts/stored_facts.h"

#include <iterator>
#include <utility>

namespace surehop {

FactsMemory::Held* FactsMemory::find(std::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end())
        return nullptr;
    const Place place = found->second;
    auto& part = place->facts ? ready_ : stored_;
    part.splice(part.begin(), part, place);
    return &*place;
}

const FactsMemory::Held* FactsMemory::look_at(std::string_view key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &*found->second;
}

FactsMemory::Held& FactsMemory::keep(std::string_view key, FactsPtr facts, std::size_t octets,
                                     Use use) {
    drop(key);
    ready_.push_front({std::string(key), std::move(facts), {}, octets, use});
    places_.emplace(ready_.front().key, ready_.begin());
    octets_ += octets;
    ready_octets_ += octets;
    bound();
    return ready_.front();
}

bool FactsMemory::drop(std::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end())
        return false;
    drop(found->second);
    return true;
}

void FactsMemory::drop(Place place) {
    octets_ -= place->octets;
    if (place->facts)
        ready_octets_ -= place->octets;
    places_.erase(place->key);
    auto& part = place->facts ? ready_ : stored_;
    part.erase(place);
}

// The latest stays whatever the limits are.
void FactsMemory::bound() {
    while (ready_.size() > 1 &&
           (ready_.size() > limits_.ready || ready_octets_ > limits_.ready_octets)) {
        const Place last = std::prev(ready_.end());
        if (last->octets > longest_row) {
            drop(last);
            continue;
        }
        last->stored = to_store(*last->facts);
        last->stored.shrink_to_fit();
        last->facts.reset();
        ready_octets_ -= last->octets;
        stored_.splice(stored_.begin(), ready_, last);
    }
    while (places_.size() > 1 &&
           (places_.size() > limits_.in_memory || octets_ > limits_.memory_octets))
        drop(std::prev((stored_.empty() ? ready_ : stored_).end()));
}

} // namespace surehop
