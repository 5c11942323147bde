// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "metrics/series.h"

// What is counted on the way of a recipient, each where it happens. Names of rules are labels:
// there are as many as the configuration has.

namespace surehop {

struct Measures {
    Counters decisions{"surehop_decisions_total",
                       "Recipients judged, by outcome, the level that counted, what was done, the "
                       "rule and its mode.",
                       {"outcome", "level", "action", "rule", "mode"}};
    Durations rcpt{"surehop_rcpt_seconds", "Time to answer RCPT, waiting for look-ups included."};
    Durations end{"surehop_end_of_message_seconds",
                  "Time to answer the end of a message, with its record on disk."};
    Counters dns{"surehop_dns_queries_total",
                 "DNS questions asked, by type and what came of them.",
                 {"type", "result"}};
    Durations dns_time{"surehop_dns_query_seconds", "Time to the answer of a DNS question."};
    Counters fetches{"surehop_policy_fetches_total",
                     "MTA-STS policies asked for over HTTPS, by what came of it.",
                     {"result"}};
    Durations fetch_time{"surehop_policy_fetch_seconds", "Time to fetch an MTA-STS policy."};
    Durations lock_time{"surehop_lock_seconds",
                        "Time from a question of the mail server to the lock's answer."};

    void print(std::string& page) const {
        decisions.print(page);
        rcpt.print(page);
        end.print(page);
        dns.print(page);
        dns_time.print(page);
        fetches.print(page);
        fetch_time.print(page);
        lock_time.print(page);
    }
};

} // namespace surehop
