// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mta/wiring.h"

#include <string>

// What an administrator writes into the mail server's configuration, made from surehop's own. With
// the configuration of README.md these are the files in contrib/postfix and contrib/sendmail.

namespace surehop {

// Lines of main.cf, and, as comments, the second smtpd(8). Paths below the queue directory are
// written as Postfix counts them.
std::string print_postfix(const Wiring& surehop, const std::string& queue_directory);
// Lines of main.cf and master.cf by which the gate stands behind alias expansion.
std::string print_second_smtpd(const Wiring& surehop, const std::string& queue_directory);
std::string print_sendmail(const Wiring& surehop); // lines of sendmail.mc

std::string sendmail_milter_line(const Wiring& surehop);
std::string sendmail_sts_line(const Wiring& surehop);

} // namespace surehop
