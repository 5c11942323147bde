// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <string>

// The key under which the ledger hashes addresses: the only secret that surehop has. A file of
// mode 0600 with at least 32 octets; blanks and line ends around them do not count.

namespace surehop {

// `make`: a file that does not exist is made, of random hexadecimal digits, and belongs to whom its
// folder belongs to. Errors name the file and the remedy: it cannot be read or made, others may
// read it, it is too short.
Result<std::string> ledger_key(const std::string& path, bool make);

} // namespace surehop
