// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "binding/tls_policy.h"

#include <string>
#include <vector>

// What surehop's own configuration says of the mail server: that which both must agree on.

namespace surehop {

struct Wiring {
    Lock lock = Lock::none;
    Millis queue_lifetime{std::chrono::days{5}};
    bool refuses_waiver = true;         // [mta] tls_required = "refuse"
    std::string milter;                 // unix:/absolute/path or inet:PORT@ADDRESS
    std::vector<std::string> socketmap; // likewise
    std::vector<std::string> resolvers; // 127.0.0.1:53, [::1]:53; none: loopback
    std::vector<std::string> trusted;   // resolvers beyond loopback that are believed
};

} // namespace surehop
