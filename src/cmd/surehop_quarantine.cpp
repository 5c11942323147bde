// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_quarantine.h"

#include "cmd/surehop_print.h"
#include "cmd/surehop_request.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace surehop {

namespace {

// On a terminal, where it takes a while.
void progress(std::size_t done, std::size_t all) {
    if (all > 1 && ::isatty(STDERR_FILENO) == 1)
        fmt::print(stderr, "\r{} of {} messages{}", done + 1, all, done + 1 == all ? "\n" : "");
}

} // namespace

QuarantineCommands::QuarantineCommands(CLI::App& group, Line line, const bool& json)
    : group_(group), line_(std::move(line)), json_(json) {
    group_.add_option("--postfix-config", configuration_,
                      "Postfix's configuration folder, if not its own default");
    does(
        verb("list", "the messages that Postfix holds for surehop, and why"), quarantine_list_text,
        [](QuarantineDesk& desk) { return desk.list(); }, false);

    CLI::App* recheck = verb("recheck", "judge them again; what now meets is released");
    recheck->add_option("ID", ids_, "only these messages, by queue id");
    recheck->add_flag("--dry-run", dry_run_, "only say what would be released");
    does(recheck, quarantine_text,
         [this](QuarantineDesk& desk) { return desk.recheck(ids_, dry_run_); });

    release();

    CLI::App* discard = verb("discard", "delete a message, and tell nobody");
    discard->add_option("ID", id_, "its queue id")->required();
    discard->add_option("--reason", reason_, "why")->required();
    does(discard, quarantine_text,
         [this](QuarantineDesk& desk) { return desk.discard(id_, reason_); });
}

CLI::App* QuarantineCommands::verb(const char* name, const char* help) {
    CLI::App* command = group_.add_subcommand(name, help);
    command->fallthrough();
    return command;
}

void QuarantineCommands::does(CLI::App* command, std::string (*text)(const Json&), Job job,
                              bool changes) {
    command->callback([this, text, changes, job = std::move(job)] {
        line_.run([this, text, changes, job] { return at_desk(text, job, changes); });
    });
}

void QuarantineCommands::release() {
    CLI::App* command = verb("release", "release a message that meets, or under an exception");
    command->add_option("ID", id_, "its queue id")->required();
    CLI::Option* reason = command->add_option("--reason", reason_, "why");
    CLI::Option* owner = command->add_option("--owner", terms_.owner, "who answers for it");
    CLI::Option* ticket = command->add_option("--ticket", terms_.ticket, "where it was decided");
    CLI::Option* lowest = command->add_option(
        "--lowest", terms_.lowest,
        "the lowest level accepted; by default what is published, else encrypted");
    CLI::Option* until = command->add_option(
        "--exception-until", terms_.until,
        "make an exception for each recipient that falls short, until then: 2027-03-31 or +7d");
    until->needs(reason)->needs(owner);
    owner->needs(until);
    ticket->needs(until);
    lowest->needs(until);
    does(command, quarantine_release_text, [this](QuarantineDesk& desk) {
        ExceptionTerms terms = terms_;
        terms.reason = reason_;
        return desk.release(id_, reason_, terms);
    });
}

int QuarantineCommands::at_desk(std::string (*text)(const Json&), const Job& job,
                                bool changes) const {
    int status = EX_OK;
    auto answerer = Answerer::open(line_.place(), !changes || dry_run_, status);
    if (!answerer)
        return status;
    PostfixQueue queue(configuration_);
    QuarantineDesk desk(
        {queue, [&](const Json& question) { return answerer->ask(question); }, progress});
    const auto result = job(desk);
    if (!result)
        return complain(result.error(), EX_UNAVAILABLE);
    fmt::print("{}", json_ ? print_json(*result, 2) + "\n" : text(*result));
    return quarantine_status(*result);
}

} // namespace surehop
