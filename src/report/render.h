// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <string>

// A report (report/report_json.h) for those who read it. Pure.

namespace surehop {

std::string report_text(const Json& report);

// RFC 4180: "section,name,detail,count", a line for each figure, none of them derived from others,
// so that shares can be worked out again from it.
std::string report_csv(const Json& report);

} // namespace surehop
