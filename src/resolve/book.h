// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "facts/facts.h"

#include <string>
#include <string_view>

namespace surehop {

// Where learnt facts are kept. Implemented by the store.
class FactsBook {
  public:
    virtual ~FactsBook() = default;
    virtual FactsPtr find(std::string_view key) = 0; // null when never learnt
    virtual void put(const std::string& key, FactsPtr facts) = 0;
};

} // namespace surehop
