// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_allow.h"

#include "allow/exception_list.h"
#include "base/result.h"
#include "cmd/surehop_print.h"
#include "control/protocol.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace surehop {

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

std::string why(int error) { return std::generic_category().message(error); }

// "-": standard input. No more than a list may have, and one octet, so that too much shows.
Result<std::string> read_all(const std::string& path) {
    const bool standard = path == "-";
    const File file(standard ? nullptr : std::fopen(path.c_str(), "rbe"),
                    [](std::FILE* open) { return open != nullptr ? std::fclose(open) : 0; });
    std::FILE* from = standard ? stdin : file.get();
    std::string text;
    std::array<char, 65536> buffer{};
    std::size_t count = 0;
    if (from != nullptr)
        while (text.size() <= longest_list &&
               (count = std::fread(buffer.data(), 1, buffer.size(), from)) > 0)
            text.append(buffer.data(), count);
    if (from == nullptr || std::ferror(from) != 0)
        return Error{fmt::format("{} cannot be read: {}", path, why(errno))};
    return text;
}

// Beside it first, so that a full disk leaves the old file as it was.
Status write_all(const std::string& path, const std::string& text) {
    const std::string beside = path + ".new";
    std::FILE* file = std::fopen(beside.c_str(), "wbe");
    const bool written =
        file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const int first = errno;
    const bool closed = file != nullptr && std::fclose(file) == 0;
    if (written && closed && std::rename(beside.c_str(), path.c_str()) == 0)
        return Done{};
    const int error = written ? errno : first;
    if (file != nullptr)
        (void)std::remove(beside.c_str());
    return Error{fmt::format("{} cannot be written: {}", path, why(error))};
}

// What the daemon told of them, as it has them.
Result<std::vector<Exception>> exceptions_of(const Json& answer) {
    std::vector<Exception> out;
    const auto rows = answer.find("exceptions");
    if (rows == answer.end() || !rows->is_array())
        return Error{"surehopd's answer holds no exceptions"};
    for (const Json& row : *rows) {
        Exception one;
        auto recipient = AddressPattern::parse(text_of(row, "recipient"));
        const std::string sender = text_of(row, "sender");
        auto from_whom = AddressPattern::parse(sender.empty() ? "*" : sender);
        const auto lowest = level_of(text_of(row, "lowest"));
        const auto from = parse_time(text_of(row, "from"), {});
        const auto until = parse_time(text_of(row, "until"), {});
        if (!recipient || !from_whom || !lowest || !from || !until)
            return Error{fmt::format("surehopd's answer holds an exception that cannot be read: {}",
                                     print_json(row))};
        one.id = number_of(row, "id");
        one.recipient = *std::move(recipient);
        if (!sender.empty())
            one.sender = *std::move(from_whom);
        one.lowest = *lowest;
        one.overrides_published = flag_of(row, "override_published");
        one.reason = text_of(row, "reason");
        one.owner = text_of(row, "owner");
        one.ticket = text_of(row, "ticket");
        one.created_by = text_of(row, "created_by");
        one.from = *from;
        one.until = *until;
        out.push_back(std::move(one));
    }
    return out;
}

int import_status(const Json& result) { return result.at("problems").empty() ? EX_OK : EX_DATAERR; }

} // namespace

AllowCommands::AllowCommands(CLI::App& group, Line line, const bool& json)
    : group_(group), line_(std::move(line)), json_(json) {
    add();
    CLI::App* remove = verb("remove", "end an exception; its history stays");
    by_id(remove);
    field(remove, "--reason", "reason", "why")->required();
    sends(remove, "allow remove", exception_text, false);
    CLI::App* show = verb("show", "one exception");
    by_id(show);
    sends(show, "allow show", exception_text, true);
    list();
    export_list();
    import_list();
}

CLI::App* AllowCommands::verb(const char* name, const char* help) {
    CLI::App* command = group_.add_subcommand(name, help);
    command->fallthrough();
    return command;
}

CLI::Option* AllowCommands::field(CLI::App* command, const char* option, const char* name,
                                  const char* help) {
    return command->add_option_function<std::string>(
        option, [this, name](const std::string& value) { fields_[name] = value; }, help);
}

void AllowCommands::by_id(CLI::App* command) {
    command
        ->add_option_function<std::int64_t>(
            "ID", [this](std::int64_t id) { fields_["id"] = id; }, "its number")
        ->required();
}

Request AllowCommands::request(const char* what, std::string (*text)(const Json&),
                               bool reads_only) const {
    Json ask{{"do", what}};
    ask.update(fields_);
    return Request{std::move(ask), text, nullptr, reads_only, {}};
}

void AllowCommands::sends(CLI::App* command, const char* what, std::string (*text)(const Json&),
                          bool reads_only) {
    command->callback([=, this] {
        line_.run([=, this] { return line_.answer(request(what, text, reads_only)); });
    });
}

void AllowCommands::add() {
    CLI::App* command = verb("add", "make an exception, in force at once");
    field(command, "RECIPIENT", "recipient",
          "user@example.org, example.org, or .example.org for the domains below it")
        ->required();
    field(command, "--lowest", "lowest", "the lowest level that is still accepted")->required();
    field(command, "--reason", "reason", "why")->required();
    field(command, "--owner", "owner", "who answers for it")->required();
    field(command, "--until", "until", "when it ends: 2027-03-31, 2027-03-31T12:00:00Z or +30d")
        ->required();
    field(command, "--begin", "from", "when it begins, if not now: 2027-01-01 or +1d");
    field(command, "--from", "sender", "only for mail from this address or domain");
    field(command, "--ticket", "ticket", "where it was decided");
    command->add_flag_callback(
        "--override-published", [this] { fields_["override_published"] = "yes"; },
        "at delivery, also in place of what the destination publishes");
    sends(command, "allow add", exception_text, false);
}

void AllowCommands::list() {
    CLI::App* command = verb("list", "the exceptions in force or to come, what ends first first");
    CLI::Option* shown = nullptr;
    const auto shows = [&](const char* option, const char* what, const char* help) {
        CLI::Option* flag =
            command->add_flag_callback(option, [this, what] { fields_["show"] = what; }, help);
        if (shown != nullptr)
            flag->excludes(shown);
        return flag;
    };
    shown = shows("--live", "live", "only those in force now");
    shown = shows("--ended", "ended", "only those that have ended");
    shows("--all", "all", "all, ended ones too")->excludes("--live");
    field(command, "--ending", "ending", "only those that end within this time: 14d");
    field(command, "--owner", "owner", "only those of this owner, or with this in the name");
    field(command, "--recipient", "recipient", "only those that cover this address");
    field(command, "--domain", "domain", "only those about this domain");
    field(command, "--ticket", "ticket", "only those of this ticket");
    sends(command, "allow list", exceptions_text, true);
}

void AllowCommands::export_list() {
    CLI::App* command = verb("export", "write those in force or to come as a list");
    command->add_option("FILE", file_, "the file; without it, standard output");
    command->add_option("--format", format_, "csv or json; by default as FILE ends, else csv");
    command->callback([this] { line_.run([this] { return ask_for_list(); }); });
}

void AllowCommands::import_list() {
    CLI::App* command = verb("import", "add what a list has; all of it, or nothing");
    command->add_option("FILE", file_, "the file; - for standard input")->required();
    command->add_option("--format", format_, "csv or json; by default as FILE ends, else csv");
    command->add_flag_callback(
        "--dry-run", [this] { fields_["dry_run"] = true; }, "only say what would change");
    command->add_flag_callback(
        "--replace", [this] { fields_["replace"] = true; },
        "end what is not in the list, and change what is there with other words");
    command->callback([this] { line_.run([this] { return read_list(); }); });
}

int AllowCommands::ask_for_list() const {
    const auto format = !format_.empty() ? list_format_of(format_)
                        : json_          ? ListFormat::json
                                         : format_of_file(file_);
    if (!format)
        return complain("--format is csv or json", EX_USAGE);
    Request list = request("allow list", nullptr, true);
    list.take = [this, as_json = *format == ListFormat::json](const Json& answer) {
        return write_list(answer, as_json);
    };
    return line_.answer(list);
}

int AllowCommands::write_list(const Json& answer, bool as_json) const {
    const auto exceptions = exceptions_of(answer);
    if (!exceptions)
        return complain(exceptions.error(), EX_UNAVAILABLE);
    const std::string text =
        as_json ? print_json(write_json(*exceptions), 2) + "\n" : write_csv(*exceptions);
    if (file_.empty()) {
        fmt::print("{}", text);
        return EX_OK;
    }
    const auto written = write_all(file_, text);
    return written ? EX_OK : complain(written.error(), EX_CANTCREAT);
}

int AllowCommands::read_list() const {
    const auto format =
        !format_.empty() ? list_format_of(format_) : std::optional(format_of_file(file_));
    if (!format)
        return complain("--format is csv or json", EX_USAGE);
    auto text = read_all(file_);
    if (!text)
        return complain(text.error(), EX_NOINPUT);
    Request import = request("allow import", import_text, false);
    import.ask["file"] = file_;
    import.ask["format"] = *format == ListFormat::csv ? "csv" : "json";
    import.ask["text"] = *std::move(text);
    import.status = import_status;
    const std::size_t size = print_json(import.ask).size();
    if (import.ask["text"].get_ref<const std::string&>().size() > longest_list ||
        size >= longest_control_change)
        return complain(fmt::format("{} is too large: a list has at most {} octets; split it",
                                    file_, longest_list),
                        EX_DATAERR);
    return line_.answer(import);
}

} // namespace surehop
