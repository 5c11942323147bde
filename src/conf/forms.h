// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/ip_range.h"
#include "base/result.h"
#include "rules/address_pattern.h"

#include <string>
#include <string_view>

// The forms that the texts of the configuration have. Each function takes what was written and
// gives the one form in which the rest of the house takes it, or an error: a sentence that begins
// with what was written and says what is wrong with it. What to write instead stands in the table's
// row.

namespace surehop {

Result<std::string> absolute_path(std::string_view text);
Result<std::string> absolute_path_or_none(std::string_view text); // "" stays ""
Result<std::string> socket_path(std::string_view text);           // fits into a sockaddr_un
Result<std::string> socket_text(std::string_view text);
Result<std::string> metrics_socket(
    std::string_view text); // TCP, or nothing           // unix:/path or inet:PORT@ADDRESS

Result<std::string> domain_text(std::string_view text);  // A-labels
Result<std::string> address_text(std::string_view text); // canonical, no port
Result<std::string> server_text(std::string_view text);  // 127.0.0.1:53 or [::1]:53
Result<std::string> range_text(std::string_view text);
Result<IpRange> range_of(std::string_view text);
Result<std::string> any_text(std::string_view text);
Result<std::string> lower_text(std::string_view text); // in lower case

// Stands in replies and headers, between quotes: printable ASCII without " and \.
Result<std::string> quotable_text(std::string_view text);
// An RFC 5322 §2.2 field name, but none that mail needs: incoming headers of this name are removed.
Result<std::string> header_name(std::string_view text);

Result<AddressPattern> recipient_pattern(std::string_view text); // not <>
Result<AddressPattern> domain_pattern(std::string_view text);    // only domains: no local part

} // namespace surehop
