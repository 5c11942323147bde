// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_print.h"

#include "base/text.h"

#include <fmt/format.h>

#include <array>

namespace surehop {

// The member as text: "" for null or missing.
std::string at(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null())
        return "";
    return printable(found->is_string() ? found->get<std::string>() : print_json(*found), 400);
}

const Json& part(const Json& object, const char* name) {
    static const Json nothing;
    const auto found = object.find(name);
    return found == object.end() ? nothing : *found;
}

std::string row(std::string_view name, const std::string& value) {
    return fmt::format("{:<13} {}\n", name, value);
}

namespace {

std::string end_of_promise(const Json& promise) {
    const std::string until = at(promise, "until");
    return until.empty() ? "released" : until; // of held mail
}

std::string secure(const Json& fact) {
    const Json& value = part(fact, "secure");
    if (!value.is_boolean())
        return "";
    return value.get<bool>() ? ", secure" : ", not signed";
}

std::string standing(const Json& fact) {
    const std::string reason = at(fact, "reason");
    return at(fact, "state") + (reason.empty() ? "" : " (" + reason + ")") + secure(fact);
}

std::string list(const Json& values) {
    std::string out;
    for (const Json& value : values)
        out += (out.empty() ? "" : " ") + printable(value.get<std::string>(), 300);
    return out;
}

std::string quoted(const Json& values) {
    std::vector<std::string> out;
    for (const Json& value : values)
        out.push_back(fmt::format("\"{}\"", printable(value.get<std::string>(), 80)));
    return join(out, ", ");
}

std::string host(const Json& value) {
    const Json& tlsa = part(value, "tlsa");
    std::string records = standing(tlsa);
    if (at(tlsa, "state") == "present")
        records +=
            fmt::format(", {} usable, {} unusable", at(tlsa, "usable"), at(tlsa, "unusable"));
    return fmt::format("  {:>3} {}: addresses {}; TLSA {}\n", at(value, "preference"),
                       at(value, "name"), standing(part(value, "addresses")), records);
}

std::string facts(const Json& value) {
    if (value.is_null())
        return row("facts", "none were needed, or none could be had");
    std::string out;
    const Json& mx = part(value, "mx");
    out += row("MX", mx.is_null() ? "no look-up" : standing(mx));
    for (const Json& one : part(mx.is_null() ? value : mx, "hosts"))
        out += host(one);
    const Json& sts = part(value, "mta_sts");
    std::string policy = standing(sts);
    if (at(sts, "state") == "present")
        policy += fmt::format(": {}, id {}, mx {}, until {}", at(sts, "mode"), at(sts, "id"),
                              list(part(sts, "mx")), at(sts, "expires"));
    return out + row("MTA-STS", policy);
}

std::string offers(const Json& values) {
    if (values.empty())
        return row("offers", "none");
    std::string out;
    for (const Json& offer : values)
        out += row(&offer == &values.front() ? "offers" : "",
                   fmt::format("{} through {} until {}", at(offer, "level"),
                               list(part(offer, "hosts")), at(offer, "until")));
    return out;
}

std::string hop(const Json& next_hop) {
    const std::string source = at(next_hop, "source");
    return fmt::format("{} ({}, port {}{})", at(next_hop, "name"), at(next_hop, "kind"),
                       at(next_hop, "port"), source.empty() ? "" : ", from " + source);
}

// A text as it is; an object as "name=value name=value".
std::string element(const Json& value) {
    if (!value.is_object())
        return printable(value.is_string() ? value.get<std::string>() : print_json(value), 400);
    std::string out;
    for (const auto& [name, member] : value.items())
        out += fmt::format("{}{}={}", out.empty() ? "" : " ", name, at(value, name.c_str()));
    return out;
}

} // namespace

std::string explain_text(const Json& e) {
    const Json& required = part(e, "requirement");
    const Json& exception = part(e, "exception");
    const Json& verdict = part(e, "verdict");
    std::string out = row("recipient", at(e, "recipient"));
    if (const std::string sender = at(e, "sender"); !sender.empty())
        out += row("sender", sender);
    out += row("next hop", hop(part(e, "next_hop")));
    out +=
        row("required",
            fmt::format("{}, by rule \"{}\" (falls short: {}, unknown: {}, mode: {})",
                        at(required, "minimum"), at(required, "rule"), at(required, "falls_short"),
                        at(required, "unknown"), at(required, "mode")));
    if (const Json& open = part(e, "open"); open.is_array() && !open.empty())
        out += row("still open", "which of these rules decides: " + quoted(open) +
                                     "; say more of the message (--header, --size, --user, "
                                     "--client, --listener)");
    if (!exception.is_null())
        out += row("exception", fmt::format("{}: {} is enough until {} ({})", at(exception, "id"),
                                            at(exception, "lowest"), at(exception, "until"),
                                            at(exception, "reason")));
    if (const Json& promise = part(e, "promise"); !promise.is_null())
        out += row("promise",
                   fmt::format("{} until {}", at(promise, "level"), end_of_promise(promise)));
    out += facts(part(e, "facts"));
    if (!part(e, "facts").is_null())
        out += offers(part(e, "offers"));
    const std::string reason = at(verdict, "reason");
    out +=
        row("verdict", fmt::format("{}{}: {}{}", at(verdict, "outcome"),
                                   reason.empty() ? "" : " (" + reason + ")", at(verdict, "action"),
                                   at(verdict, "action") == at(verdict, "would")
                                       ? ""
                                       : ", enforce mode would " + at(verdict, "would")));
    if (const std::string reply = at(verdict, "reply"); !reply.empty())
        out += row("reply", reply);
    return out;
}

std::string facts_text(const Json& shown) {
    return row("next hop", hop(part(shown, "next_hop"))) + facts(part(shown, "facts")) +
           offers(part(shown, "offers")) + row("learnt", at(shown, "learnt")) +
           row("until", at(shown, "until"));
}

std::string facts_list_text(const Json& all) {
    std::string out;
    for (const Json& one : part(all, "facts")) {
        const std::string level = at(one, "level"), unknown = at(one, "unknown");
        const bool expired = at(one, "state") == "expired";
        out += fmt::format("{:<40} {:<14} until {}{}\n", at(one, "next_hop"),
                           !level.empty() ? level
                           : expired      ? "expired"
                                          : "unknown",
                           at(one, "until"),
                           unknown.empty() || level.empty() ? "" : ", " + unknown + " is unknown");
    }
    if (part(all, "more") == true)
        out += "... and more; 'surehop facts show' tells of one\n";
    return out.empty() ? "no next hop is known yet\n" : out;
}

std::string promises_text(const Json& all) {
    std::string out;
    for (const Json& one : part(all, "promises"))
        out += fmt::format("{:<40} {:<14} until {}\n", at(one, "next_hop"), at(one, "level"),
                           end_of_promise(one));
    return out.empty() ? "there are no live promises\n" : out;
}

std::string released_text(const Json& all) {
    std::string out;
    for (const Json& one : part(all, "released"))
        out += fmt::format("released: {} {}, which held until {}\n", at(one, "next_hop"),
                           at(one, "level"), end_of_promise(one));
    return out;
}

std::string trace_text(const Json& rows) {
    std::string out;
    for (const Json& one : part(rows, "rows")) {
        out += fmt::format("{} {}", at(one, "time"), at(one, "kind"));
        constexpr std::array names = {"reference", "queue_id",  "sender",  "recipient", "next_hop",
                                      "rule",      "exception", "minimum", "mode",      "outcome",
                                      "level",     "offer",     "reason",  "facts",     "action",
                                      "would",     "detail"};
        for (const char* name : names)
            if (one.contains(name))
                out += fmt::format(" {}={}", name, at(one, name).empty() ? "<>" : at(one, name));
        out += "\n";
    }
    if (part(rows, "more") == true)
        out += "... and older ones\n";
    return out.empty() ? "the ledger knows nothing of that\n" : out;
}

std::string doctor_text(const Json& report) {
    std::string out;
    for (const Json& check : part(report, "checks")) {
        out += fmt::format("{:<8} {:<16} {}\n", at(check, "state"), at(check, "name"),
                           at(check, "text"));
        if (const std::string remedy = at(check, "remedy"); !remedy.empty())
            out += fmt::format("{:<8} {:<16} {}\n", "", "write:", remedy);
    }
    return out;
}

std::string members_text(const Json& object) {
    std::string out;
    for (const auto& [name, value] : object.items()) {
        if (!value.is_array()) {
            out += fmt::format("{:<24}{}\n", name, value.is_null() ? "" : element(value));
            continue;
        }
        for (const Json& one : value)
            out += fmt::format("{:<24}{}\n", name, element(one));
    }
    return out;
}

std::string status_text(const Json& status) {
    const bool well = part(status, "troubles").empty();
    return members_text(status) + (well ? fmt::format("{:<24}{}\n", "troubles", "none") : "");
}

} // namespace surehop
