// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "cmd/surehop_print.h"

#include <fmt/format.h>

namespace surehop {

namespace {

constexpr std::string_view margin = "          ";
constexpr std::size_t most_shown = 20; // recipients in one line

std::string sender(const Json& message) {
    const std::string address = at(message, "sender");
    return address.empty() ? "<>" : address;
}

std::string recipients(const Json& message) {
    std::string out;
    std::size_t shown = 0;
    const Json& all = part(message, "recipients");
    for (const Json& one : all) {
        if (++shown > most_shown)
            return out + fmt::format(" and {} more", all.size() - most_shown);
        out += fmt::format("{}{}", out.empty() ? "" : ", ",
                           printable(one.is_string() ? one.get<std::string>() : "", 320));
    }
    return out;
}

std::string remarks(const Json& result) {
    std::string out;
    for (const Json& one : part(result, "promises_ended"))
        out += fmt::format("nothing held rests on the promise of {} for {} any more; it ends {}\n",
                           at(one, "level"), at(one, "next_hop"), at(one, "until"));
    for (const Json& note : part(result, "notes"))
        out += fmt::format("note: {}\n", printable(note.get<std::string>(), 600));
    if (const Json& odd = part(result, "unreadable"); odd.is_number() && odd != 0)
        out += fmt::format("note: {} of Postfix's lines about its queue cannot be read\n",
                           print_json(odd));
    if (const Json& others = part(result, "others"); others.is_number() && others != 0)
        out += fmt::format("{} more {} held, not by surehop\n", print_json(others),
                           others == 1 ? "message is" : "messages are");
    return out;
}

// "bob@sts.test: rule "patient data" requires dane, authenticated is offered: ..."
std::string finding(const Json& recipient) {
    std::string out = at(recipient, "recipient") + ": ";
    if (const std::string rule = at(recipient, "rule"); !rule.empty())
        out += fmt::format("rule \"{}\" requires {}", rule, at(recipient, "minimum"));
    // Of lower ones nobody can tell before delivery.
    if (const std::string offered = at(recipient, "offered");
        offered == "authenticated" || offered == "dane")
        out += fmt::format(", {} is offered", offered);
    if (const std::string demanded = at(recipient, "demanded"); !demanded.empty())
        out += fmt::format(", the lock demands {}", demanded);
    if (const std::string found = at(recipient, "found"); !found.empty())
        out += fmt::format("{}{}", out.ends_with(": ") ? "" : ": ", found);
    return out;
}

std::string exceptions(const Json& message) {
    std::string out;
    for (const Json& one : part(message, "exceptions")) {
        out += fmt::format("{}exception {}: {} from {} down to {} until {}\n", margin,
                           at(one, "id"), at(one, "recipient"), at(one, "sender"),
                           at(one, "lowest"), at(one, "until"));
        for (const Json& note : part(one, "notes"))
            out += fmt::format("{}  {}\n", margin, printable(note.get<std::string>(), 600));
    }
    return out;
}

std::string outcome(const Json& message) {
    std::string out = fmt::format("{:<9} {} from {}\n", at(message, "result"),
                                  at(message, "queue_id"), sender(message));
    if (const std::string error = at(message, "error"); !error.empty())
        out += fmt::format("{}{}\n", margin, error);
    for (const Json& one : part(message, "recipients"))
        if (one.is_object() && part(one, "passes") == false)
            out += fmt::format("{}{}\n", margin, finding(one));
    return out + exceptions(message);
}

} // namespace

std::string quarantine_list_text(const Json& result) {
    std::string out;
    for (const Json& message : part(result, "messages")) {
        out += fmt::format("{} since {} from {}, {} octets, to {}\n", at(message, "queue_id"),
                           at(message, "since"), sender(message), at(message, "size"),
                           recipients(message));
        for (const Json& one : part(message, "held_for"))
            out += fmt::format("{}{} ({})\n", margin, finding(one), at(one, "reference"));
    }
    if (out.empty())
        out = "no message is held by surehop\n";
    return out + remarks(result);
}

std::string quarantine_text(const Json& result) {
    std::string out;
    for (const Json& message : part(result, "messages"))
        out += outcome(message);
    if (out.empty())
        out = "no message is held by surehop\n";
    return out + remarks(result);
}

std::string quarantine_release_text(const Json& result) {
    std::string out = quarantine_text(result);
    for (const Json& message : part(result, "messages")) {
        const std::string what = at(message, "result");
        if ((what == "kept" || what == "unknown") && part(message, "exceptions").is_null())
            out += fmt::format("to release it all the same:\n    surehop quarantine release {} "
                               "--exception-until +7d --reason WHY --owner WHO\n",
                               at(message, "queue_id"));
    }
    return out;
}

} // namespace surehop
