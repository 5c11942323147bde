// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mta/finding.h"
#include "mta/surroundings.h"
#include "mta/wiring.h"

#include <string>

// Whether the mail server asks the resolver that surehop asks: delivery rests on what the mail
// server finds by itself, the AD bit included.

namespace surehop {

// `mta`: how to call it. `remedy`: the line that mends it.
void examine_resolv_conf(const std::string& file, const char* mta, const std::string& remedy,
                         const Wiring& surehop, const Surroundings& around, Findings& out);

} // namespace surehop
