// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cmd/surehop_answerer.h"

#include <string>

// `surehop doctor` and its options.

namespace surehop {

struct DoctorQuestion {
    std::string mta; // postfix, sendmail or ""
    bool print = false;
    std::string postfix_config;
    std::string sendmail_cf = "/etc/mail/sendmail.cf";
    bool json = false;
};

// The exit status: 0 healthy, 1 a check has failed, 64 and above could not be done.
int doctor(const DoctorQuestion& question, const AnswererPlace& place);

} // namespace surehop
