// SPDX-License-Identifier: Apache-2.0

// The next hops that Sendmail's configuration names.

#include "base/text.h"
#include "mta/sendmail_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace surehop {

namespace {

// "a.test:[b.test]:[IPv6:::1]"
std::vector<std::string> hosts_of(std::string_view text) {
    std::vector<std::string> out(1);
    bool inside = false;
    for (const char c : text) {
        inside = c == '[' || (inside && c != ']');
        if (c == ':' && !inside)
            out.emplace_back();
        else
            out.back() += c;
    }
    std::erase(out, "");
    return out;
}

} // namespace

NamedHops named_hops(const SendmailSeen& seen) {
    NamedHops out;
    constexpr std::array<std::string_view, 5> inside = {"local", "error", "discard", "prog",
                                                        "nullclient"};
    // "esmtp:[relay.example]", or only the host; more than one separated by colons.
    const auto add = [&](const std::string& where, std::string_view text,
                         const std::string& recipient) {
        const auto colon = text.find(':');
        std::string_view host = text;
        if (colon != std::string_view::npos && !text.starts_with('[')) {
            const std::string mailer = lower(text.substr(0, colon));
            if (std::find(inside.begin(), inside.end(), mailer) != inside.end())
                return;
            host = text.substr(colon + 1);
        }
        if (host.find('%') != std::string_view::npos)
            return out.findings.warning(
                "next-hops", fmt::format("{} computes its next hop ('{}'): it is not known", where,
                                         printable(text, 60)));
        for (const std::string& one : hosts_of(host))
            out.hops.push_back({one, where, recipient, ""});
    };
    if (const std::string smart = seen.sendmail.macro('S'); !smart.empty()) {
        out.findings.failed("next-hops",
                            fmt::format("SMART_HOST is {}: Sendmail holds it to the MTA-STS policy "
                                        "of each recipient's domain, which it cannot meet, so that "
                                        "mail is deferred until it bounces",
                                        printable(smart, 60)),
                            "take out SMART_HOST, and let this Sendmail deliver");
        add("SMART_HOST", smart, "");
    }
    for (const char* option : {"FallbackMXhost", "FallbackSmartHost"})
        if (const std::string host = seen.sendmail.option(option); !host.empty()) {
            out.findings.warning("fallback-relay",
                                 fmt::format("O {} is {}: mail that goes there is not judged by "
                                             "what its destination publishes",
                                             option, printable(host, 60)),
                                 fmt::format("take out the line that sets {}", option));
            add(option, host, "");
        }
    const SendmailMap* table = seen.sendmail.map("mailertable");
    if (table == nullptr)
        return out;
    const auto text = seen.around.read(table->rest);
    if (!text)
        out.findings.warning("next-hops",
                             fmt::format("{}, the source of the mailertable ({}), cannot be read: "
                                         "which next hops it names is not known",
                                         printable(table->rest), table->type));
    for (const SendmailEntry& entry : sendmail_table(text.value_or("")))
        add(fmt::format("mailertable ({})", printable(entry.key, 80)), entry.value,
            entry.key == "."
                ? ""
                : (entry.key.starts_with('.') ? "postmaster@any" : "postmaster@") + entry.key);
    return out;
}

} // namespace surehop
