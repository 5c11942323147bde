// SPDX-License-Identifier: Apache-2.0

// What brings mail before the gate: that each way into Postfix passes surehop's milter, and that
// nothing passes while surehop is down.

#include "address/ip_range.h"
#include "base/text.h"
#include "mta/postfix_checks.h"
#include "mta/postfix_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace surehop {

namespace {

bool has_ours(const std::string& list, const PostfixSeen& seen, bool chrooted) {
    const auto milters = postfix_milters(list);
    return std::any_of(milters.begin(), milters.end(), [&](const PostfixMilter& one) {
        return is_our_milter(one, seen, chrooted);
    });
}

bool skips_milters(const PostfixView& view) {
    const auto options = postfix_list(view.value("receive_override_options"));
    return std::find(options.begin(), options.end(), "no_milters") != options.end();
}

// The cleanup(8) to which a service hands its mail.
std::string cleanup_of(const PostfixView& view) {
    const std::string name = view.value("cleanup_service_name");
    return name.empty() ? "cleanup" : name;
}

std::string without_no_milters(const PostfixView& view) {
    std::string left;
    for (const std::string& one : postfix_list(view.value("receive_override_options")))
        if (one != "no_milters")
            left += (left.empty() ? "" : ", ") + one;
    return view.set("receive_override_options", left);
}

// With a before-queue filter the milter gets the envelope alone: no header, and no end of message,
// so nothing is recorded or promised.
bool is_proxied(const PostfixView& view) { return !view.value("smtpd_proxy_filter").empty(); }

bool is_gated(const PostfixService& service, const PostfixSeen& seen) {
    const PostfixView view(seen.postfix, &service);
    if (is_proxied(view))
        return false;
    return has_ours(view.value("smtpd_milters"), seen, service.chrooted) && !skips_milters(view);
}

bool is_this_machine(std::string_view host) { return is_loopback(host) || host == "localhost"; }

struct Listener {
    std::string host, port; // no host: all addresses
};

Listener listener_of(std::string_view name) {
    const auto colon = name.rfind(':');
    if (colon == std::string_view::npos)
        return {"", std::string(name)};
    std::string_view host = name.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    return {std::string(host), std::string(name.substr(colon + 1))};
}

// Whether all that comes in there goes on to a second smtpd(8) of this Postfix that is gated:
// content_filter = transport:[127.0.0.1]:10026.
bool goes_on_to_the_gate(const PostfixView& view, const PostfixSeen& seen) {
    const std::string filter = view.value("content_filter");
    const auto colon = filter.find(':');
    if (colon == std::string::npos)
        return false;
    const Listener to = listener_of(std::string_view(filter).substr(colon + 1));
    if (!is_this_machine(to.host))
        return false;
    const auto& all = seen.postfix.services();
    return std::any_of(all.begin(), all.end(), [&](const PostfixService& one) {
        const Listener at = listener_of(one.name);
        return one.program == "smtpd" && one.type == "inet" && at.port == to.port &&
               (at.host == to.host || is_this_machine(at.host)) && is_gated(one, seen);
    });
}

// As Postfix must write our milter, behind those that are there; else what to change in
// surehop.toml.
std::string milter_remedy(const PostfixView& view, std::string_view parameter,
                          const PostfixSeen& seen, bool chrooted) {
    const auto ours = spelt_for_postfix(seen.surehop.milter, seen.postfix, chrooted, seen.around);
    if (!ours)
        return fmt::format("[listen] milter = \"unix:{}/surehop/milter.sock\"",
                           seen.postfix.value("queue_directory"));
    std::string list;
    for (const PostfixMilter& one : postfix_milters(view.value(parameter)))
        if (!is_our_milter(one, seen))
            list += one.text + " ";
    return view.set(parameter, list + *ours);
}

void smtpd(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view check = "milter";
    bool told_main = false;
    for (const PostfixService& service : seen.postfix.services()) {
        if (service.program != "smtpd" || is_gated(service, seen))
            continue;
        const PostfixView view(seen.postfix, &service);
        if (goes_on_to_the_gate(view, seen))
            continue;
        if (is_proxied(view)) {
            out.failed(
                check,
                fmt::format("{} is '{}': the milter of {} sees no header and no end of the "
                            "message, so nothing is recorded or promised",
                            view.spell("smtpd_proxy_filter"),
                            printable(view.value("smtpd_proxy_filter"), 60), service.label()),
                "put surehop's milter on the smtpd behind that filter, or use content_filter "
                "in its place");
            continue;
        }
        const bool skips = skips_milters(view);
        const char* parameter = skips ? "receive_override_options" : "smtpd_milters";
        if (!view.overrides(parameter) && std::exchange(told_main, true))
            continue;
        const std::string what =
            skips ? fmt::format("{} has no_milters", view.spell(parameter))
                  : fmt::format("{} does not name surehop ('{}')", view.spell(parameter),
                                printable(view.value(parameter)));
        const std::string remedy = skips ? without_no_milters(view)
                                         : milter_remedy(view, parameter, seen, service.chrooted);
        if (view.overrides(parameter) && is_this_machine(listener_of(service.name).host))
            out.warning(check,
                        fmt::format("{}: good for what comes back from a filter, but whoever may "
                                    "connect to {} passes the gate",
                                    what, service.label()),
                        remedy);
        else
            out.failed(check,
                       fmt::format("{}: what comes in by {} is not judged", what, service.label()),
                       remedy);
    }
}

// Mail of sendmail(1) and QMQP: pickup(8) and qmqpd(8) hand it to cleanup(8), which asks the
// milter.
void non_smtpd(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view check = "non-smtpd-milter", parameter = "non_smtpd_milters";
    for (const PostfixService& service : seen.postfix.services()) {
        if (service.program != "pickup" && service.program != "qmqpd")
            continue;
        const std::string_view from = service.program == "pickup" ? "sendmail(1)" : "qmqpd(8)";
        const PostfixView view(seen.postfix, &service);
        if (goes_on_to_the_gate(view, seen))
            continue;
        for (const PostfixService& cleanup : seen.postfix.services()) {
            const PostfixView cleans(seen.postfix, &cleanup);
            if (cleanup.program != "cleanup" || cleanup.name != cleanup_of(view))
                continue;
            if (!has_ours(cleans.value(parameter), seen, cleanup.chrooted))
                out.failed(check,
                           fmt::format("{} does not name surehop ('{}'): mail from {} is not "
                                       "judged, only held to the floor at delivery",
                                       cleans.spell(parameter), printable(cleans.value(parameter)),
                                       from),
                           milter_remedy(cleans, parameter, seen, cleanup.chrooted));
            else if (skips_milters(view))
                out.failed(check,
                           fmt::format("{} has no_milters: mail from {} is not judged",
                                       view.spell("receive_override_options"), from),
                           without_no_milters(view));
        }
    }
}

void judge_action(const std::string& action, const std::string& where, const std::string& remedy,
                  const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view check = "milter-default";
    if (action == "accept")
        out.failed(
            check,
            fmt::format("{} is accept: while surehop is down or slow, mail passes unjudged", where),
            remedy);
    else if (action == "quarantine")
        out.warning(
            check,
            fmt::format("{} is quarantine: while surehop is down, mail is accepted and held "
                        "without a verdict, and nobody is told",
                        where),
            remedy);
    else if (action == "shutdown" && !seen.postfix.at_least(3, 10))
        out.failed(check,
                   fmt::format("{} is shutdown, which Postfix before 3.10 does not know", where),
                   remedy);
    else if (action != "tempfail" && action != "reject" && action != "shutdown")
        out.failed(check, fmt::format("{} is '{}', which is no action", where, action), remedy);
}

void default_action(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view parameter = "milter_default_action";
    each_view(seen.postfix, parameter, [&](const PostfixView& view) {
        judge_action(view.value(parameter), view.spell(parameter), view.set(parameter, "tempfail"),
                     seen, out);
    });
    for (const std::string_view list : {"smtpd_milters", "non_smtpd_milters"})
        each_view(seen.postfix, list, [&](const PostfixView& view) {
            for (const PostfixMilter& milter : postfix_milters(view.value(list)))
                if (milter.default_action && is_our_milter(milter, seen))
                    judge_action(*milter.default_action,
                                 fmt::format("default_action of {} in {}", printable(milter.text),
                                             view.spell(list)),
                                 milter_remedy(view, list, seen, true), seen, out);
        });
}

void protocol(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view parameter = "milter_protocol";
    each_view(seen.postfix, parameter, [&](const PostfixView& view) {
        if (view.value(parameter) != "6")
            out.failed("milter-protocol",
                       fmt::format("{} is {}: surehop cannot ask for what it needs to know of a "
                                   "recipient's next hop",
                                   view.spell(parameter), printable(view.value(parameter), 20)),
                       view.set(parameter, "6"));
    });
}

// With protocol 6 surehop's own list stands in place of these (smfi_setsymlist); they count where
// Postfix cannot be asked.
void macros(const PostfixSeen& seen, Findings& out) {
    struct Needed {
        const char* parameter;
        std::vector<std::string> names;
        const char* all;
        const char* what;
    };
    const std::array<Needed, 2> needed = {
        {{"milter_rcpt_macros",
          {"{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"},
          "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
          "where the mail goes"},
         {"milter_mail_macros",
          {"{auth_authen}"},
          "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
          "who has authenticated"}}};
    for (const Needed& one : needed)
        each_view(seen.postfix, one.parameter, [&](const PostfixView& view) {
            const auto given = postfix_list(view.value(one.parameter));
            for (const std::string& name : one.names)
                if (std::find(given.begin(), given.end(), name) == given.end())
                    return out.warning(
                        "milter-macros",
                        fmt::format("{} lacks {}: surehop asks for it by itself, but where that is "
                                    "not granted it is not told {}",
                                    view.spell(one.parameter), name, one.what),
                        view.set(one.parameter, one.all));
        });
}

void timeout(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view parameter = "milter_command_timeout";
    each_view(seen.postfix, parameter, [&](const PostfixView& view) {
        const auto time = postfix_time(view.value(parameter), 's');
        if (!time || *time < Seconds{10})
            out.failed("milter-timeout",
                       fmt::format("{} is {}: a recipient whose next hop is looked up ends the "
                                   "milter session, and milter_default_action decides the rest",
                                   view.spell(parameter), printable(view.value(parameter), 20)),
                       view.set(parameter, "30s"));
    });
}

// A milter that comes later may add recipients and take away headers when surehop has spoken.
void order(const PostfixSeen& seen, Findings& out) {
    for (const std::string_view list : {"smtpd_milters", "non_smtpd_milters"})
        each_view(seen.postfix, list, [&](const PostfixView& view) {
            const auto milters = postfix_milters(view.value(list));
            std::optional<std::string> ours;
            for (const PostfixMilter& one : milters) {
                if (is_our_milter(one, seen)) {
                    ours = one.text;
                } else if (ours) {
                    std::string sorted;
                    for (const PostfixMilter& other : milters)
                        if (other.text != *ours)
                            sorted += other.text + " ";
                    return out.warning(
                        "milter-order",
                        fmt::format("{} asks {} after surehop: recipients and headers that it adds "
                                    "are not judged, only held to the floor at delivery",
                                    view.spell(list), printable(one.text)),
                        view.set(list, sorted + *ours));
                }
            }
        });
}

} // namespace

std::vector<PostfixCheck> postfix_gate_checks() {
    return {
        {"milter", "all that comes in by SMTP passes surehop's milter", smtpd},
        {"non-smtpd-milter", "so does mail that comes in otherwise", non_smtpd},
        {"milter-default", "nothing passes unjudged while surehop is down", default_action},
        {"milter-protocol", "surehop may ask for the macros that it needs", protocol},
        {"milter-macros", "Postfix gives them by itself, too", macros},
        {"milter-timeout", "Postfix waits for surehop's look-ups", timeout},
        {"milter-order", "no milter comes after surehop's", order},
    };
}

} // namespace surehop
