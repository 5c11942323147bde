// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "rules/context.h"

namespace surehop {

// What `surehop explain` asks about: a recipient, and as much of the message as is told. Without
// header and size the message has not spoken yet, as at RCPT. "header_all": false says that a field
// of the header is not among those given.
struct Asked {
    Context context; // its fields point into this
    Fields fields;
};

// Fills `asked`. The error names the option.
Status read_question(const Json& request, Asked& asked);

} // namespace surehop
