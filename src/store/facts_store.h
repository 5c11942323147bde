// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "facts/facts.h"
#include "resolve/book.h"
#include "store/database.h"
#include "store/facts_memory.h"
#include "store/writer.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The facts of each next hop: memory in front of SQLite, so that they survive a restart. Keys are
// NextHop::key(). From any thread; a find that misses memory costs one prepared read.
// `put` writes memory at once and the disk through the writer; a disk that fails is reported by
// the writer and loses nothing that a look-up cannot bring back.
//
// A find by use() is remembered: in memory at once, on disk with the next put. What is not used for
// long can be dropped; policies that bind name the time of their next refresh (RFC 8461 §10.2).
//
// Both are bounded (invariant 10): whoever invents domains makes old rows go, those first in which
// no MTA-STS enforce policy binds (invariant 4). A row whose contents are damaged, or of another
// version, is as never learnt; that the disk cannot be read is an error.

namespace surehop {

class FactsStore final : public FactsBook {
  public:
    FactsStore(Database& reader, Writer& writer, FactsLimits limits = {});

    Result<FactsPtr> read(std::string_view key) override; // may be out of date
    FactsPtr use(std::string_view key, Time now) override;
    void put(const std::string& key, FactsPtr facts) override;
    Result<bool> forget(const std::string& key); // false: was not known. Error: still on disk

    using Use = FactsMemory::Use;
    std::optional<Use> use_of(std::string_view key); // none: not in memory, or not used yet

    // A next hop is in use when it was used twice since it is in memory: whoever invents a domain
    // uses it once, and where mail goes, the lock asks too. Keys that came into use since the last
    // call.
    static constexpr std::uint32_t in_use = 2;
    std::vector<std::string> came_into_use();

    // Keys whose MTA-STS policy should be fetched again, those first that wait longest; not of what
    // was last used before `used_since`.
    Result<std::vector<std::string>> policies_due(Time now, Time used_since, std::size_t most);

    // Soon: removes from disk, at most so many, what was last used before `used_since` and in which
    // nothing binds any more.
    void drop_unused(Time now, Time used_since, std::size_t most);

    struct Entry {
        std::string key;
        FactsPtr facts;
    };
    struct Listing {
        std::vector<Entry> entries; // by key, without those on disk that cannot be read
        bool more = false;
    };
    Result<Listing> list(std::size_t most = 1000); // the first

  private:
    Result<FactsPtr> look(std::string_view key, std::optional<Time> used);

    void note(FactsMemory::Held& held, std::optional<Time> used); // under mutex_

    Database& reader_;
    Writer& writer_;
    const FactsLimits limits_;
    std::mutex mutex_;
    FactsMemory memory_;
    std::uint64_t puts_ = 0;
    std::vector<std::string> came_into_use_;
    // While a forget is under way, or if a put or a forget came since a find began, what that find
    // reads from disk may be what is no longer so: it is not kept.
    std::uint64_t changes_ = 0;
    std::size_t forgetting_ = 0;
};

} // namespace surehop
