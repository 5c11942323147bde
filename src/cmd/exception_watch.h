// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/allowlist.h"
#include "store/database.h"
#include "store/ledger.h"

#include <cstdint>
#include <set>

// Tells in log and ledger, once each, that an exception is about to end (kind "allow-ending") and
// that it has (kind "allow-ended"). What the ledger has is told already, across restarts too. Does
// not wait for the disk.

namespace surehop {

class ExceptionWatch {
  public:
    ExceptionWatch(Database& reader, const Allowlist& allowlist, Ledger& ledger)
        : reader_(reader), allowlist_(allowlist), ledger_(ledger) {}

    void tick(Time now); // often: it looks once a minute

  private:
    bool read_ledger();
    void tell(const Exception& exception, Time now, bool ended);

    Database& reader_;
    const Allowlist& allowlist_;
    Ledger& ledger_;
    bool ready_ = false; // the ledger has been read
    Time looked_{};
    std::set<std::int64_t> ending_, ended_; // told
};

} // namespace surehop
