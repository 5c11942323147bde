// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "cmd/quarantine_desk.h"
#include "cmd/surehop_answerer.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

// `surehop quarantine ...`: its commands and their options. Postfix is asked and told here, as the
// user who calls; the daemon runs no program.

namespace surehop {

class QuarantineCommands {
  public:
    struct Line {
        std::function<void(std::function<int()>)> run; // what the command given does
        std::function<AnswererPlace()> place;          // of whoever is asked
    };
    // `group`: the command `quarantine`. This must outlive it.
    QuarantineCommands(CLI::App& group, Line line, const bool& json);

  private:
    using Job = std::function<Result<Json>(QuarantineDesk&)>;
    CLI::App* verb(const char* name, const char* help);
    void does(CLI::App* command, std::string (*text)(const Json&), Job job, bool changes = true);
    void release();
    int at_desk(std::string (*text)(const Json&), const Job& job, bool changes) const;

    CLI::App& group_;
    Line line_;
    const bool& json_;
    std::string configuration_, id_, reason_;
    std::vector<std::string> ids_;
    bool dry_run_ = false;
    ExceptionTerms terms_;
};

} // namespace surehop
