// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mta/finding.h"
#include "mta/postfix_config.h"
#include "mta/postfix_socket.h"
#include "mta/surroundings.h"
#include "mta/wiring.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Would this Postfix undo what surehop guarantees? Each check is a row of a table; what all of them
// look at is handed in. What stands in its tables is in mta/postfix_tables.h.

namespace surehop {

struct PostfixSeen {
    const PostfixConfig& postfix;
    const Wiring& surehop;
    const Surroundings& around;
};

// One sentence for each check that has found nothing, and a finding for each line that is wrong.
Findings examine_postfix(const PostfixSeen& seen);

struct PostfixCheck {
    std::string_view name;
    std::string_view good; // what holds where nothing is found
    std::function<void(const PostfixSeen&, Findings&)> look;
};
// The three groups of them: what binds delivery, how Postfix looks up and judges certificates, and
// what brings mail before the gate.
std::vector<PostfixCheck> postfix_lock_checks();
std::vector<PostfixCheck> postfix_tls_checks();
std::vector<PostfixCheck> postfix_gate_checks();

// Calls `look` for main.cf, if a delivering service goes by it, and for each that has a line of its
// own about one of these parameters.
void each_delivery(const PostfixConfig& config, const std::vector<std::string_view>& parameters,
                   const std::function<void(const PostfixView&)>& look);

// Calls `look` for main.cf, and for each service that has a line of its own about this parameter.
void each_view(const PostfixConfig& config, std::string_view parameter,
               const std::function<void(const PostfixView&)>& look);

// Whether smtp(8) as it is seen here is in the chroot; of main.cf, whether any is.
bool delivers_from_chroot(const PostfixView& view);

// Whether that milter is surehop's, seen from inside the chroot, or from outside.
bool is_our_milter(const PostfixMilter& milter, const PostfixSeen& seen, bool chrooted);
bool is_our_milter(const PostfixMilter& milter, const PostfixSeen& seen); // from either

} // namespace surehop
