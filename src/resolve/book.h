// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "facts/facts.h"

#include <string>
#include <string_view>

namespace surehop {

// Where learnt facts are kept. Implemented by the store.
class FactsBook {
  public:
    virtual ~FactsBook() = default;
    // Null when never learnt. An error is neither: what is known cannot be read now, and may be a
    // policy that binds, so that nothing may be put in its place.
    virtual Result<FactsPtr> read(std::string_view key) = 0;
    virtual void put(const std::string& key, FactsPtr facts) = 0;

    // As read(), and takes note that it was used: what is used is kept, and kept fresh. For
    // whoever judges. Null also when it cannot be read: then it is learnt, and ends as unknown.
    virtual FactsPtr use(std::string_view key, Time /*now*/) { return find(key); }

    // For whoever learns what he does not find: that goes by read(), and ends as unknown.
    FactsPtr find(std::string_view key) {
        const auto facts = read(key);
        return facts ? *facts : nullptr;
    }
};

} // namespace surehop
