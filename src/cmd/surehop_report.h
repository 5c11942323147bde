// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

// `surehop report`: reads the store itself, like `surehop ledger`. Returns the exit status, and has
// printed the report, or the error.

namespace surehop {

struct ReportQuestion {
    std::string config; // names the store
    bool json = false, csv = false;
    bool addresses = false; // name recipients, not only domains
    std::uint32_t top = 20; // domains that are listed of each kind
    std::string since, until;
};

int report(const ReportQuestion& question);

} // namespace surehop
