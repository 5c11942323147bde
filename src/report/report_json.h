// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "report/tally.h"
#include "rules/exception.h"

#include <cstddef>
#include <span>
#include <string>

// The report as JSON, from which its other forms are made (report/render.h). Pure.

namespace surehop {

struct ReportTerms {
    Time since, until; // both included
    std::string head;  // of the ledger's chain, behind the last row that was counted; "": none
    std::size_t top = 20;
    bool addresses = false; // exceptions for one address are named in full
};

// `exceptions`: all there are; those that were used are said more of, and those that are about to
// end are listed.
Json report_json(const Totals& totals, std::span<const Exception> exceptions,
                 const ReportTerms& terms, Time now);

} // namespace surehop
