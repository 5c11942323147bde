// SPDX-License-Identifier: Apache-2.0
#include "store/facts_memory.h"

#include "facts/stored_facts.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

namespace surehop {

FactsMemory::Held* FactsMemory::find(std::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end())
        return nullptr;
    const Place place = found->second;
    if (place->facts) {
        ready_.splice(ready_.begin(), ready_, place);
        return &*place;
    }
    auto facts = from_store(place->stored);
    if (!facts) { // longer than what is ever read back: on disk it is shortened
        drop(place);
        return nullptr;
    }
    place->facts = std::make_shared<const Facts>(*std::move(facts));
    place->stored = std::string();
    ready_.splice(ready_.begin(), stored_, place);
    bound();
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
    places_.erase(place->key);
    auto& part = place->facts ? ready_ : stored_;
    part.erase(place);
}

// The latest stays whatever the limits are.
void FactsMemory::bound() {
    while (ready_.size() > std::max<std::size_t>(limits_.ready, 1)) {
        const Place last = std::prev(ready_.end());
        last->stored = to_store(*last->facts);
        last->facts.reset();
        stored_.splice(stored_.begin(), ready_, last);
    }
    while (places_.size() > 1 &&
           (places_.size() > limits_.in_memory || octets_ > limits_.memory_octets))
        drop(std::prev((stored_.empty() ? ready_ : stored_).end()));
}

} // namespace surehop
