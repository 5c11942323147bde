// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mta/finding.h"
#include "mta/postfix_tables.h"
#include "mta/sendmail_config.h"
#include "mta/surroundings.h"
#include "mta/wiring.h"

#include <string_view>
#include <vector>

// Would this Sendmail undo what surehop guarantees?

namespace surehop {

struct SendmailSeen {
    const SendmailConfig& sendmail;
    const Wiring& surehop;
    const Surroundings& around;
};

// One sentence for each check that has found nothing, and a finding for each line that is wrong.
Findings examine_sendmail(const SendmailSeen& seen);

// Smart host, fallbacks, mailertable.
NamedHops named_hops(const SendmailSeen& seen);

} // namespace surehop
