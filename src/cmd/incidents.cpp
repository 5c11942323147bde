// SPDX-License-Identifier: Apache-2.0
#include "cmd/incidents.h"

#include "base/log.h"

#include <fmt/format.h>

namespace surehop {

void tell_incident(Ledger& ledger, const Outage::Incident& incident, bool over, Time now) {
    LedgerRow row;
    row.time = now;
    row.kind = over ? "incident-over" : "incident";
    row.detail = fmt::format("{}: {}", name_of(incident.part), incident.text);
    if (over) {
        row.detail += fmt::format("; since {}", format_time(incident.since));
        log::info("over: {} (since {})", incident.text, format_time(incident.since));
    } else {
        log::error("{}", incident.text);
    }
    ledger.append_later({std::move(row)});
}

} // namespace surehop
