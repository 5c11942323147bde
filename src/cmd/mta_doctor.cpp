// SPDX-License-Identifier: Apache-2.0
#include "cmd/mta_doctor.h"

#include "base/text.h"
#include "mta/postfix_checks.h"
#include "mta/postfix_config.h"
#include "mta/sendmail_checks.h"
#include "mta/sendmail_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>

namespace surehop {

namespace {

constexpr std::size_t most_next_hops = 1000;

Result<std::string> printed_by(const MtaParts& parts, const char* program,
                               const std::string& folder, std::vector<std::string> arguments) {
    std::vector<std::string> words{program};
    if (!folder.empty()) {
        words.emplace_back("-c");
        words.push_back(folder);
    }
    words.insert(words.end(), arguments.begin(), arguments.end());
    const auto ran = parts.run(words);
    if (!ran)
        return Error{ran.error()};
    if (ran->status != 0) {
        std::string said = ran->err;
        std::replace(said.begin(), said.end(), '\n', ' ');
        return Error{fmt::format("{} has failed: {}", join(words, " "),
                                 said.empty() ? fmt::format("exit status {}", ran->status)
                                              : printable(trim(said), 300))};
    }
    return ran->out;
}

Result<PostfixConfig> postfix_of(const std::string& folder, const MtaParts& parts) {
    const std::array<std::vector<std::string>, 4> questions = {
        {{"-x"}, {"-M"}, {"-Px"}, {"-dh", "mail_version"}}};
    std::array<std::string, 4> answers;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        auto printed = printed_by(parts, "postconf", folder, questions.at(i));
        if (!printed)
            return Error{fmt::format("{}; name Postfix's configuration folder with "
                                     "--postfix-config, or run this where Postfix is",
                                     printed.error())};
        answers.at(i) = *std::move(printed);
    }
    return PostfixConfig::parse(answers[0], answers[1], answers[2], answers[3]);
}

Json question_about(const NamedHop& hop) {
    // An address that no rule names: the last resort judges it.
    return {{"do", "explain"},
            {"address", hop.recipient.empty() ? "postmaster@any-domain.invalid" : hop.recipient},
            {"from", hop.sender},
            {"mailer", "smtp"},
            {"host", hop.next_hop}};
}

void judge(const NamedHop& hop, const Json& said, Findings& out) {
    constexpr const char* check = "next-hops";
    const Json& verdict = said.at("verdict");
    const std::string outcome = verdict.value("outcome", std::string());
    if (said.at("next_hop").value("kind", std::string()) == "internal" || outcome == "meets")
        return;
    const std::string reason = verdict.value("reason", std::string());
    const std::string route =
        fmt::format("[[route]] next_hop = \"{}\", scope = \"internal\"; only if it is inside the "
                    "house",
                    hop.next_hop);
    const std::string minimum = said.at("requirement").value("minimum", std::string());
    const std::string start =
        fmt::format("{} sends mail to {}, which ", hop.where, printable(hop.next_hop, 80));
    if (outcome == "unknown")
        return out.warning(check, fmt::format("{}cannot be judged now ({}); '{}' is required",
                                              start, reason, minimum));
    const std::string text = fmt::format("{}does not meet '{}' ({}): that mail is refused at RCPT, "
                                         "or stays in the queue",
                                         start, minimum, reason);
    if (said.at("requirement").value("mode", std::string()) == "enforce")
        out.failed(check, text, route);
    else
        out.warning(check, text + ", once the mode is enforce", route);
}

} // namespace

Wiring wiring_of(const Settings& settings) {
    return {settings.mta.lock,
            settings.mta.queue_lifetime,
            settings.mta.tls_required == WaiverHandling::refuse,
            settings.listen.milter,
            settings.listen.socketmap,
            settings.resolver.servers,
            settings.resolver.trusted};
}

Findings judge_next_hops(const std::vector<NamedHop>& hops,
                         const std::function<Result<Json>(const Json&)>& ask) {
    Findings out;
    const std::span asked(hops.data(), std::min(hops.size(), most_next_hops));
    std::set<std::string> seen; // the same question once
    for (const NamedHop& hop : asked) {
        const Json question = question_about(hop);
        if (!seen.insert(print_json(question)).second)
            continue;
        const auto said = ask(question);
        if (said)
            judge(hop, *said, out);
        else
            out.warning("next-hops", fmt::format("{} sends mail to {}: {}", hop.where,
                                                 printable(hop.next_hop, 80), said.error()));
    }
    if (hops.size() > asked.size())
        out.warning("next-hops", fmt::format("of {} next hops that are named, only {} were judged",
                                             hops.size(), asked.size()));
    if (out.size() == 0)
        out.ok("next-hops", hops.empty()
                                ? "no next hop is named: mail goes where MX records say"
                                : fmt::format("{} that are named are internal or meet what is "
                                              "required",
                                              seen.size()));
    return out;
}

Result<Findings> doctor_postfix(const std::string& folder, const Wiring& surehop,
                                const MtaParts& parts) {
    const auto postfix = postfix_of(folder, parts);
    if (!postfix)
        return Error{postfix.error()};
    const PostfixSeen seen{*postfix, surehop, parts.around};
    Findings out = examine_postfix(seen);
    const Tables tables = [&](const std::string& table) {
        return list_table(table, parts.around, [&](const std::string& name) {
            return printed_by(parts, "postmap", folder, {"-s", name});
        });
    };
    examine_milter_maps(seen, tables, out);
    const NamedHops named = named_hops(seen, tables);
    out.add(named.findings);
    out.add(judge_next_hops(named.hops, parts.ask));
    return out;
}

std::string queue_directory(const std::string& folder, const MtaParts& parts) {
    const auto printed = printed_by(parts, "postconf", folder, {"-hx", "queue_directory"});
    const std::string path(printed ? trim(printed->substr(0, printed->find('\n'))) : "");
    return path.starts_with('/') ? path : "/var/spool/postfix";
}

Result<Findings> doctor_sendmail(const std::string& file, const Wiring& surehop,
                                 const MtaParts& parts) {
    const auto text = parts.around.read(file);
    if (!text)
        return Error{fmt::format("{} cannot be read; name it with --sendmail-cf", file)};
    const auto sendmail = SendmailConfig::parse(*text);
    if (!sendmail)
        return Error{fmt::format("{}: {}", file, sendmail.error())};
    const SendmailSeen seen{*sendmail, surehop, parts.around};
    Findings out = examine_sendmail(seen);
    const NamedHops named = named_hops(seen);
    out.add(named.findings);
    out.add(judge_next_hops(named.hops, parts.ask));
    return out;
}

Json to_json(const Finding& finding) {
    Json out{{"name", finding.check}, {"state", name_of(finding.state)}, {"text", finding.text}};
    if (!finding.remedy.empty())
        out["remedy"] = finding.remedy;
    return out;
}

} // namespace surehop
