// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "cmd/run_program.h"
#include "conf/settings.h"
#include "mta/finding.h"
#include "mta/postfix_tables.h"
#include "mta/surroundings.h"
#include "mta/wiring.h"

#include <functional>
#include <string>
#include <vector>

// `surehop doctor --mta`: reads the mail server's effective configuration, has it checked, and asks
// surehop about each next hop that it names. For the command line; the daemon runs no program.

namespace surehop {

Wiring wiring_of(const Settings& settings);

struct MtaParts {
    std::function<Result<Ran>(const std::vector<std::string>& words)> run;
    const Surroundings& around;
    std::function<Result<Json>(const Json& question)> ask; // the daemon, or its code in here
};

// `folder`: of `postconf -c`; "" for Postfix's own. Errors: postconf cannot be run, or what it
// prints not be read.
Result<Findings> doctor_postfix(const std::string& folder, const Wiring& surehop,
                                const MtaParts& parts);
// Postfix's queue_directory; what it is by default where it cannot be asked.
std::string queue_directory(const std::string& folder, const MtaParts& parts);
// `file`: sendmail.cf. Errors: it cannot be read, or is none.
Result<Findings> doctor_sendmail(const std::string& file, const Wiring& surehop,
                                 const MtaParts& parts);

// What surehop would say to mail that goes there. One sentence where all is well.
Findings judge_next_hops(const std::vector<NamedHop>& hops,
                         const std::function<Result<Json>(const Json& question)>& ask);

Json to_json(const Finding& finding); // as one of doctor's checks: name, state, text, remedy

} // namespace surehop
