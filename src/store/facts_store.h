// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "facts/facts.h"
#include "resolve/book.h"
#include "store/database.h"
#include "store/writer.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// The facts of each next hop: memory in front of SQLite, so that they survive a restart. Keys are
// NextHop::key(). From any thread; a find that misses memory costs one prepared read.
// `put` writes memory at once and the disk through the writer; a disk that fails is reported by
// the writer and loses nothing that a look-up cannot bring back.
//
// Both are bounded (invariant 10): whoever invents domains makes old rows go, those first in which
// no MTA-STS enforce policy binds (invariant 4). A row whose contents are damaged, or of another
// version, is as never learnt; that the disk cannot be read is an error.

namespace surehop {

struct FactsLimits {
    std::size_t in_memory = 100'000;                     // next hops
    std::size_t memory_octets = std::size_t{256} << 20U; // of their stored form
    std::size_t on_disk = 1'000'000;                     // next hops, give or take a few thousand
};

class FactsStore final : public FactsBook {
  public:
    FactsStore(Database& reader, Writer& writer, FactsLimits limits = {});

    Result<FactsPtr> read(std::string_view key) override; // may be out of date
    void put(const std::string& key, FactsPtr facts) override;
    Result<bool> forget(const std::string& key); // false: was not known. Error: still on disk

    struct Entry {
        std::string key;
        FactsPtr facts;
    };
    std::vector<Entry> list(std::size_t most = 1000); // by key

  private:
    struct Held {
        std::string key;
        FactsPtr facts;
        std::size_t octets;
    };
    using Place = std::list<Held>::iterator;

    // Under mutex_:
    void keep(std::string_view key, FactsPtr facts, std::size_t octets);
    void drop(Place place);

    Database& reader_;
    Writer& writer_;
    const FactsLimits limits_;
    std::mutex mutex_;
    std::list<Held> recent_;                             // most recently used first
    std::unordered_map<std::string_view, Place> memory_; // keys live in recent_
    std::size_t octets_ = 0;
    std::uint64_t puts_ = 0;
    // While a forget is under way, or if one began since a find did, what that find reads from disk
    // may be what is being forgotten: it is not kept.
    std::uint64_t forgets_ = 0;
    std::size_t forgetting_ = 0;
};

} // namespace surehop
