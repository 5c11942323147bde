// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "conf/load.h"

#include <string>

// `surehop config check|show|defaults` as functions: text for people, Json for programs.

namespace surehop {

// One line per problem ("file:1:2: error: ..." / "warning: ..."), then one line with the result.
std::string check_text(const Loaded& loaded, const std::string& file);
// {"file", "ok", "hash", "mode", "errors": [{"line", "column", "text"}], "warnings": [...]}
Json check_json(const Loaded& loaded, const std::string& file);

// The effective settings as a file that loads to the same settings; each line says in a comment
// where its value comes from: "line 12", "default" or "as in [policy]".
std::string show_text(const Settings& settings);
// {"file", "hash", "settings": {"mta": {"lock": {"value", "origin", "line"}}, "rule": [{...}]}}
Json show_json(const Settings& settings);

// Every setting with its help, range and default, as a file that loads to the defaults.
std::string defaults_text();
// [{"section", "key", "type", "range", "default", "help"}]
Json defaults_json();

} // namespace surehop
