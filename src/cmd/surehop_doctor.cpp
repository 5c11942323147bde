// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_doctor.h"

#include "cmd/clock_check.h"
#include "cmd/engine.h"
#include "cmd/local_files.h"
#include "cmd/mta_doctor.h"
#include "cmd/surehop_print.h"
#include "cmd/surehop_request.h"
#include "conf/load.h"
#include "mta/print.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <optional>

namespace surehop {

namespace {

constexpr int exit_unhealthy = 1;

// What surehop's configuration says of the mail server; the error has been told.
std::optional<Wiring> wiring(const AnswererPlace& place) {
    const Loaded loaded = load_file(place.config);
    for (const Problem& problem : loaded.errors)
        (void)complain(problem.line(), EX_CONFIG);
    return loaded ? std::optional(wiring_of(*loaded.settings)) : std::nullopt;
}

Result<Findings> examine_mta(const DoctorQuestion& question, const Wiring& surehop,
                             const MtaParts& parts) {
    return question.mta == "postfix" ? doctor_postfix(question.postfix_config, surehop, parts)
                                     : doctor_sendmail(question.sendmail_cf, surehop, parts);
}

int print(const DoctorQuestion& question, const Wiring& surehop, const MtaParts& parts) {
    const std::string text =
        question.mta == "postfix"
            ? print_postfix(surehop, queue_directory(question.postfix_config, parts))
            : print_sendmail(surehop);
    fmt::print("{}", question.json ? print_json(Json{{"configuration", text}}, 2) + "\n" : text);
    return EX_OK;
}

} // namespace

int doctor(const DoctorQuestion& question, const AnswererPlace& place) {
    if (question.mta.empty() && question.print)
        return complain("--print needs --mta postfix or --mta sendmail", EX_USAGE);
    const LocalFiles files;
    std::optional<Answerer> answerer;
    const MtaParts parts{[](const std::vector<std::string>& words) { return run_program(words); },
                         files, [&](const Json& asked) { return answerer->ask(asked); }};
    std::optional<Wiring> surehop;
    if (!question.mta.empty() && !(surehop = wiring(place)))
        return EX_CONFIG;
    if (question.print)
        return print(question, *surehop, parts);

    int status = EX_OK;
    answerer = Answerer::open(place, false, status); // it tries to write
    if (!answerer)
        return status;
    auto report = answerer->ask(Json{{"do", "doctor"}});
    if (!report)
        return complain(report.error(), EX_UNAVAILABLE);
    report->at("checks").push_back(clock_check(SystemClock().now()));
    if (surehop) {
        const auto findings = examine_mta(question, *surehop, parts);
        if (!findings)
            return complain(findings.error(), EX_UNAVAILABLE);
        for (const Finding& one : findings->all())
            report->at("checks").push_back(to_json(one));
        report->at("healthy") = report->at("healthy") == true && findings->healthy();
    }
    if (question.json)
        fmt::print("{}\n", print_json(*report, 2));
    else
        fmt::print("{}", doctor_text(*report));
    return report->at("healthy") == true ? EX_OK : exit_unhealthy;
}

} // namespace surehop
