// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "facts/facts.h"
#include "store/database.h"

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// The facts of each next hop: memory in front of SQLite, so that they survive a restart. Keys are
// NextHop::key(). From any thread; a find that misses memory costs one prepared read.
// `put` writes memory at once and the disk through the writer; a disk that fails is reported by
// the writer and loses nothing that a look-up cannot bring back.

namespace surehop {

class Writer;

class FactsStore {
  public:
    FactsStore(Database& reader, Writer& writer, std::size_t most_in_memory = 100'000);

    FactsPtr find(std::string_view key); // null when never learnt; may be out of date
    void put(const std::string& key, FactsPtr facts);
    bool forget(const std::string& key);

    struct Entry {
        std::string key;
        FactsPtr facts;
    };
    std::vector<Entry> list(std::size_t most = 1000); // by key

  private:
    FactsPtr read(std::string_view key);
    void keep(const std::string& key, FactsPtr facts); // memory only; drops the least recently used

    Database& reader_;
    Writer& writer_;
    std::size_t most_;
    std::mutex mutex_;
    std::list<std::string> recent_; // most recently used first
    struct Held {
        FactsPtr facts;
        std::list<std::string>::iterator place;
    };
    std::unordered_map<std::string, Held> memory_;
};

} // namespace surehop
