// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "cmd/surehop_request.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

// `surehop allow ...`: its commands and their options. Files are read and written here, as the user
// who calls; the daemon is handed what is in them.

namespace surehop {

class AllowCommands {
  public:
    struct Line {
        std::function<void(std::function<int()>)> run; // what the command given does
        std::function<int(const Request&)> answer;     // asks, prints, exit status
    };
    // `group`: the command `allow`. This must outlive it.
    AllowCommands(CLI::App& group, Line line, const bool& json);

  private:
    CLI::App* verb(const char* name, const char* help);
    CLI::Option* field(CLI::App* command, const char* option, const char* name, const char* help);
    void by_id(CLI::App* command);
    Request request(const char* what, std::string (*text)(const Json&), bool reads_only) const;
    void sends(CLI::App* command, const char* what, std::string (*text)(const Json&),
               bool reads_only);
    void add();
    void list();
    void export_list();
    void import_list();
    int ask_for_list() const;
    int write_list(const Json& answer, bool as_json) const;
    int read_list() const;

    CLI::App& group_;
    Line line_;
    const bool& json_;
    Json fields_ = Json::object();
    std::string file_, format_;
};

} // namespace surehop
