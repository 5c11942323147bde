// SPDX-License-Identifier: Apache-2.0

// The admin CLI: one noun and one verb become one request to the daemon, or, with --offline, to the
// same code in this process. See surehop(8).

#include "base/text.h"
#include "cmd/engine.h"
#include "cmd/surehop_allow.h"
#include "cmd/surehop_answerer.h"
#include "cmd/surehop_doctor.h"
#include "cmd/surehop_ledger.h"
#include "cmd/surehop_print.h"
#include "cmd/surehop_quarantine.h"
#include "cmd/surehop_report.h"
#include "cmd/surehop_request.h"
#include "cmd/surehop_survey.h"
#include "conf/load.h"
#include "conf/show.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace surehop {
namespace {

constexpr int exit_no = 1;      // falls short, no mail, unhealthy, nothing found
constexpr int exit_unknown = 2; // explain: could not be told

struct Common {
    std::string config = SUREHOP_SYSCONFDIR "/surehop/surehop.toml";
    std::string socket;
    bool json = false;
    bool offline = false;
};

int show(const Common& common, const Request& request, const Json& result) {
    if (request.take)
        return request.take(result);
    const int status = request.status == nullptr ? EX_OK : request.status(result);
    if (common.json)
        fmt::print("{}\n", print_json(result, 2));
    else
        fmt::print(status < EX__BASE ? stdout : stderr, "{}", request.text(result));
    return status;
}

AnswererPlace place_of(const Common& common) {
    return {common.config, common.config != Common().config, common.socket, common.offline};
}

int answer(const Common& common, const Request& request) {
    int status = EX_OK;
    auto answerer = Answerer::open(place_of(common), request.reads_only, status);
    if (!answerer)
        return status;
    const auto result = answerer->ask(request.ask);
    return result ? show(common, request, *result) : complain(result.error(), EX_UNAVAILABLE);
}

int outcome_status(const Json& explained) {
    const std::string outcome = explained.at("verdict").value("outcome", std::string());
    if (outcome == "meets")
        return EX_OK;
    return outcome == "unknown" ? exit_unknown : exit_no;
}

int health_status(const Json& status) { return status.at("troubles").empty() ? EX_OK : exit_no; }

int config_command(const Common& common, const std::string& verb) {
    if (verb == "defaults") {
        fmt::print("{}", common.json ? print_json(defaults_json(), 2) + "\n" : defaults_text());
        return EX_OK;
    }
    const Loaded loaded = load_file(common.config);
    if (verb == "check") {
        fmt::print("{}", common.json ? print_json(check_json(loaded, common.config), 2) + "\n"
                                     : check_text(loaded, common.config));
        return loaded ? EX_OK : EX_CONFIG;
    }
    for (const Problem& problem : loaded.errors)
        (void)complain(problem.line(), EX_CONFIG);
    if (!loaded)
        return EX_CONFIG;
    fmt::print("{}", common.json ? print_json(show_json(*loaded.settings), 2) + "\n"
                                 : show_text(*loaded.settings));
    return EX_OK;
}

// The command line: every leaf sets `run`.
class CommandLine {
  public:
    CommandLine() {
        app_.add_option("-c,--config", common_.config, "surehopd's configuration")
            ->capture_default_str();
        app_.add_option("--socket", common_.socket,
                        "the control socket; by default the one that the configuration names");
        app_.add_flag("--json", common_.json, "print JSON");
        app_.add_flag("--offline", common_.offline,
                      "open the store directly, when surehopd does not run");
        app_.set_version_flag("--version", "surehop " SUREHOP_VERSION);
        app_.require_subcommand(1);
        app_.fallthrough();
        explain();
        facts();
        allow();
        quarantine();
        small_ones();
        doctor();
        ledger();
        report();
        survey();
        config();
    }

    int run(int count, char** words) {
        try {
            app_.parse(count, words);
            return run_();
        } catch (const CLI::RequiredError& error) {
            if (!misspelt())
                app_.exit(error);
            return EX_USAGE;
        } catch (const CLI::ParseError& error) {
            return app_.exit(error) == 0 ? EX_OK : EX_USAGE;
        }
    }

  private:
    // Says so where a word is no command; the library would only say that one is missing.
    bool misspelt() const {
        const CLI::App* group = &app_;
        while (!group->get_subcommands().empty())
            group = group->get_subcommands().front();
        const auto words = app_.remaining(true);
        if (words.empty() || words.front().starts_with('-'))
            return false;
        std::vector<std::string> names;
        for (const CLI::App* one : group->get_subcommands([](const CLI::App*) { return true; }))
            names.push_back(one->get_name());
        const std::vector<std::string_view> known(names.begin(), names.end());
        const auto near = nearest(words.front(), known);
        (void)complain(fmt::format("there is no command '{}'; {}", printable(words.front(), 40),
                                   near ? fmt::format("did you mean '{}'?", *near)
                                        : "the commands are " + join(names, ", ")),
                       EX_USAGE);
        return true;
    }

    CLI::App* verb(CLI::App* parent, const char* name, const char* help) {
        CLI::App* command = parent->add_subcommand(name, help);
        command->fallthrough();
        return command;
    }

    CLI::App* noun(const char* name, const char* help) {
        CLI::App* command = verb(&app_, name, help);
        command->require_subcommand(1);
        return command;
    }

    // When the command is given, sends what was collected under `what`.
    void sends(CLI::App* command, const char* what, std::string (*text)(const Json&),
               bool reads_only = true, int (*status)(const Json&) = nullptr) {
        command->callback([=, this] {
            run_ = [=, this] {
                Json ask{{"do", what}};
                for (const auto& [name, value] : fields_.items())
                    ask[name] = value;
                return answer(common_, Request{std::move(ask), text, status, reads_only, {}});
            };
        });
    }

    CLI::Option* field(CLI::App* command, const char* option, const char* name, const char* help) {
        return command->add_option_function<std::string>(
            option, [this, name](const std::string& value) { fields_[name] = value; }, help);
    }

    void explain() {
        CLI::App* command =
            verb(&app_, "explain", "what would happen to mail for ADDRESS, and why");
        field(command, "ADDRESS", "address", "the recipient")->required();
        field(command, "--from", "from", "the sender");
        field(command, "--mailer", "mailer",
              "as the MTA would give {rcpt_mailer}: smtp, local, ...");
        field(command, "--host", "host", "as the MTA would give {rcpt_host}: a next hop");
        field(command, "--user", "user", "who has authenticated; '' for nobody");
        field(command, "--client", "client", "the address from which the message comes");
        field(command, "--listener", "listener", "as the MTA would give {daemon_name}");
        command
            ->add_option_function<std::vector<std::string>>(
                "--header",
                [this](const std::vector<std::string>& lines) { fields_["header"] = lines; },
                "a header field of the message, 'Name: value'; once for each")
            ->allow_extra_args(false);
        field(command, "--size", "size", "the size of the message in octets");
        command->add_flag_callback(
            "--requiretls", [this] { fields_["requiretls"] = true; },
            "the sender asks for REQUIRETLS (RFC 8689)");
        sends(command, "explain", explain_text, true, outcome_status);
    }

    void facts() {
        CLI::App* group = noun("facts", "what is known of next hops");
        const auto one = [&](const char* name, const char* help) {
            CLI::App* command = verb(group, name, help);
            field(command, "NEXT-HOP", "next_hop", "example.org, [host], [host]:port")->required();
            return command;
        };
        sends(one("show", "what is known; looked up when it is not"), "facts show", facts_text);
        sends(one("refresh", "look it up again now"), "facts refresh", facts_text, false);
        sends(one("forget", "forget it, its MTA-STS policy too"), "facts forget", members_text,
              false);
        sends(verb(group, "list", "all that is known"), "facts list", facts_list_text);
    }

    void allow() {
        allow_.emplace(*noun("allow", "exceptions: recipients for whom less is enough"),
                       AllowCommands::Line{
                           [this](std::function<int()> run) { run_ = std::move(run); },
                           [this](const Request& request) { return answer(common_, request); }},
                       common_.json);
    }

    void quarantine() {
        quarantine_.emplace(
            *noun("quarantine", "messages that Postfix holds since they fall short"),
            QuarantineCommands::Line{[this](std::function<int()> run) { run_ = std::move(run); },
                                     [this] { return place_of(common_); }},
            common_.json);
    }

    void small_ones() {
        CLI::App* promise = noun("promise", "what was promised of deliveries still to come");
        sends(verb(promise, "list", "all live promises"), "promise list", promises_text);
        CLI::App* release = verb(promise, "release", "end the promises for a next hop");
        field(release, "NEXT-HOP", "next_hop", "as 'promise list' prints it")->required();
        field(release, "--reason", "reason", "why")->required();
        sends(release, "promise release", released_text, false);
        CLI::App* trace =
            verb(&app_, "trace", "what the ledger knows of a message or a destination");
        field(trace, "WHAT", "what", "the reference of a reply, a queue id, an address or a domain")
            ->required();
        sends(trace, "trace", trace_text, true,
              [](const Json& found) { return found.at("rows").empty() ? exit_no : EX_OK; });
        sends(verb(&app_, "status", "what the daemon runs with, and what is wrong"), "status",
              status_text, true, health_status);
        sends(verb(&app_, "reload", "read the configuration again; a bad one changes nothing"),
              "reload", members_text, false);
    }

    void doctor() {
        CLI::App* command = verb(&app_, "doctor", "can this site do what its configuration asks?");
        command
            ->add_option("--mta", doctor_.mta,
                         "would this mail server undo it? postfix or sendmail")
            ->check(CLI::IsMember({"postfix", "sendmail"}));
        command->add_flag("--print", doctor_.print,
                          "print what to write into its configuration, and check nothing");
        command->add_option("--postfix-config", doctor_.postfix_config,
                            "Postfix's configuration folder, if not its own default");
        command->add_option("--sendmail-cf", doctor_.sendmail_cf, "Sendmail's configuration")
            ->capture_default_str();
        command->callback([this] {
            run_ = [this] {
                doctor_.json = common_.json;
                return surehop::doctor(doctor_, place_of(common_));
            };
        });
    }

    void ledger() {
        CLI::App* group = noun("ledger", "the record of all decisions and changes");
        const auto leaf = [&](const char* name, const char* help,
                              int (*answer)(const LedgerQuestion&)) {
            CLI::App* command = verb(group, name, help);
            command->callback([this, answer] {
                run_ = [this, answer] {
                    LedgerQuestion question = ledger_;
                    question.config = common_.config;
                    question.json = common_.json;
                    return answer(question);
                };
            });
            return command;
        };
        CLI::App* verify = leaf("verify", "is every row as it was written?", ledger_verify);
        verify->add_option("--head", ledger_.noted, "a head that the log has: ID:HASH");
        verify->add_option("--file", ledger_.file, "check what 'ledger export' has written");
        leaf("head", "the last row's number and chain value", ledger_head);
        CLI::App* rows = leaf("export", "print rows as lines of JSON", ledger_export);
        rows->add_option("--since", ledger_.since, "from then on: 2026-11-01 or with a time");
        rows->add_option("--until", ledger_.until, "up to then; a day is included");
    }

    void report() {
        CLI::App* command = verb(&app_, "report", "how mail left, and what was stopped");
        command->add_option("--since", report_.since,
                            "from then on: 2026-11-01, with a time, or 7d ago; by default 30d");
        command->add_option("--until", report_.until, "up to then; a day is included");
        command->add_flag("--csv", report_.csv, "print comma-separated values");
        command->add_flag("--addresses", report_.addresses, "name recipients, not only domains");
        command->add_option("--top", report_.top, "so many domains of each kind")
            ->capture_default_str();
        command->callback([this] {
            run_ = [this] {
                report_.config = common_.config;
                report_.json = common_.json;
                return surehop::report(report_);
            };
        });
    }

    void survey() {
        CLI::App* command =
            verb(&app_, "survey", "what each minimum would have done to the mail in a log or list");
        command
            ->add_option("FILE", survey_.file, "addresses or domains, or a mail log; - for stdin")
            ->required();
        command->add_option("--from", survey_.sender, "the sender, where the file tells none");
        command
            ->add_option("--lock", survey_.lock,
                         "as if [mta] lock were this: postfix, postfix310, sendmail, none")
            ->check(CLI::IsMember({"postfix", "postfix310", "sendmail", "none"}));
        command->add_option("--minimum", survey_.minimum, "list the domains that miss this one")
            ->capture_default_str()
            ->check(CLI::IsMember({"encrypted", "verified", "authenticated", "dane"}));
        command->add_option("--top", survey_.top, "so many of them")->capture_default_str();
        command->add_option("--rate", survey_.rate, "new domains a second, at most")
            ->capture_default_str()
            ->check(CLI::Range(1, 1000));
        command->add_flag("--csv", survey_.csv, "print comma-separated values");
        command->callback([this] {
            run_ = [this] {
                survey_.json = common_.json;
                return surehop::survey(survey_, place_of(common_));
            };
        });
    }

    void config() {
        CLI::App* group = noun("config", "the configuration file");
        const auto leaf = [&](const char* name, const char* help) {
            verb(group, name, help)->callback([this, name] {
                run_ = [this, name] { return config_command(common_, name); };
            });
        };
        leaf("check", "is it valid? All problems, with file, line and column");
        leaf("show", "the settings in force, and where each comes from");
        leaf("defaults", "every setting with its default");
    }

    CLI::App app_{"Asks and administers surehopd.", "surehop"};
    Common common_;
    LedgerQuestion ledger_;
    ReportQuestion report_;
    SurveyQuestion survey_;
    DoctorQuestion doctor_;
    Json fields_ = Json::object();
    std::optional<AllowCommands> allow_;
    std::optional<QuarantineCommands> quarantine_;
    std::function<int()> run_;
};

} // namespace

int complain(const std::string& text, int status) {
    fmt::print(stderr, "surehop: {}\n", text);
    return status;
}

} // namespace surehop

int main(int count, char** words) {
    try {
        return surehop::CommandLine().run(count, words);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "surehop: %s\n", error.what());
        return EX_SOFTWARE;
    }
}
