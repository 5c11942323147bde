// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "cmd/surehop_print.h"

#include <fmt/format.h>

#include <array>

namespace surehop {

namespace {

std::string notes(const Json& exception, std::string_view margin) {
    std::string out;
    for (const Json& note : part(exception, "notes"))
        out += fmt::format("{}{}\n", margin, printable(note.get<std::string>(), 600));
    return out;
}

// "@example.org from @clinic.example"
std::string who(const Json& exception) {
    const std::string sender = at(exception, "sender");
    return at(exception, "recipient") + (sender.empty() ? "" : " from " + sender);
}

std::string terms(const Json& exception) {
    const std::string ticket = at(exception, "ticket");
    return fmt::format("down to {}{} until {}: {} (owner {}{})", at(exception, "lowest"),
                       part(exception, "override_published") == true ? " whatever it publishes"
                                                                     : "",
                       at(exception, "until"), at(exception, "reason"), at(exception, "owner"),
                       ticket.empty() ? "" : ", ticket " + ticket);
}

std::string state(const Json& exception) {
    const std::string name = at(exception, "state");
    return name == "to-come" ? "to come" : name;
}

// What of an exception is other than before: "until 2026-… becomes 2027-…".
std::string differences(const Json& before, const Json& after) {
    std::string out;
    constexpr std::array names = {
        "lowest", "override_published", "reason", "owner", "ticket", "from", "until"};
    for (const char* name : names) {
        const std::string old = at(before, name), now = at(after, name);
        // Of one that has begun, when it did says nothing.
        const bool begun = std::string_view(name) == "from" && old < now;
        if (old != now && !begun)
            out += fmt::format("{}{} {} becomes {}", out.empty() ? "" : "; ", name,
                               old.empty() ? "(none)" : old, now.empty() ? "(none)" : now);
    }
    return out;
}

} // namespace

std::string exception_text(const Json& e) {
    std::string out;
    constexpr std::array names = {"id",         "state",   "recipient",     "sender", "lowest",
                                  "reason",     "owner",   "ticket",        "from",   "until",
                                  "created_by", "removed", "removed_reason"};
    for (const char* name : names)
        if (const std::string value = at(e, name); !value.empty())
            out += row(name, value);
    if (part(e, "override_published") == true)
        out += row("published", "overridden: at delivery, what it publishes does not count");
    for (const Json& note : part(e, "notes"))
        out += row("note", printable(note.get<std::string>(), 600));
    return out;
}

std::string exceptions_text(const Json& all) {
    std::string out;
    for (const Json& one : part(all, "exceptions")) {
        const std::string removed = at(one, "removed");
        out += fmt::format("{:>4}  {:<7} {} {}", at(one, "id"), state(one), who(one), terms(one));
        if (!removed.empty())
            out += fmt::format("; removed {}: {}", removed, at(one, "removed_reason"));
        else if (state(one) == "to come")
            out += "; begins " + at(one, "from");
        if (part(one, "ends_soon") == true)
            out += "; ENDS WITHIN 14 DAYS";
        out += "\n";
    }
    if (out.empty())
        out = "there are no such exceptions\n";
    if (const Json& ended = part(all, "ended_not_shown"); ended.is_number() && ended > 0)
        out += fmt::format("{} more that {} ended: --all shows them too\n", print_json(ended),
                           ended == 1 ? "has" : "have");
    return out;
}

std::string import_text(const Json& result) {
    std::string out;
    const Json& problems = part(result, "problems");
    for (const Json& one : problems)
        out += fmt::format("surehop: {}\n", printable(one.at("told").get<std::string>(), 700));
    if (!problems.empty())
        return out + "surehop: nothing was imported\n";
    const bool dry = part(result, "dry_run") == true;
    for (const Json& one : part(result, "add")) {
        const std::string id = at(one, "id");
        out += fmt::format("add     {:>5} {} {}\n", id, who(one), terms(one));
        for (const Json& other : part(one, "beside"))
            out += fmt::format("              exception {} for the same stays beside it\n",
                               print_json(other));
        out += notes(one, "              ");
    }
    for (const Json& one : part(result, "change")) {
        const Json& before = part(one, "end");
        const Json& after = part(one, "add");
        out += fmt::format("change  {:>5} {}: {}\n", at(before, "id"), who(before),
                           differences(before, after));
    }
    for (const Json& one : part(result, "end"))
        out += fmt::format("end     {:>5} {} {}\n", at(one, "id"), who(one), terms(one));
    out += fmt::format("{}{} added, {} changed, {} ended, {} unchanged",
                       dry ? "nothing was changed; without --dry-run: " : "",
                       part(result, "add").size(), part(result, "change").size(),
                       part(result, "end").size(), at(result, "unchanged"));
    if (const std::string over = at(result, "over"); over != "0" && !over.empty())
        out += fmt::format(", {} in the file over already", over);
    return out + "\n";
}

} // namespace surehop
