// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"

#include <string>
#include <string_view>

// What the CLI shows people, made from the same JSON that --json prints. Lines of text; strangers'
// text is made printable.

namespace surehop {

std::string explain_text(const Json& explained);
std::string facts_text(const Json& shown);
std::string facts_list_text(const Json& list);
std::string exception_text(const Json& exception);
std::string exceptions_text(const Json& list);
std::string import_text(const Json& result);
std::string promises_text(const Json& list);
std::string released_text(const Json& list);
std::string trace_text(const Json& rows);
std::string quarantine_list_text(const Json& result);
std::string quarantine_text(const Json& result);         // of recheck and discard
std::string quarantine_release_text(const Json& result); // and how to release it all the same
std::string doctor_text(const Json& report);
std::string members_text(const Json& object); // "name  value", a line each
std::string status_text(const Json& status);  // the same, and whether anything is wrong

// For those who make them. A member as text, "" for null or missing; a member, null if missing; a
// line.
std::string at(const Json& object, const char* name);
const Json& part(const Json& object, const char* name);
std::string row(std::string_view name, const std::string& value);

} // namespace surehop
