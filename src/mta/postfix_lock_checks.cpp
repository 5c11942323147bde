// SPDX-License-Identifier: Apache-2.0

// What binds delivery: that Postfix asks surehop first, understands the answer, and asks for as
// long as surehop keeps its promises.

#include "base/text.h"
#include "mta/postfix_checks.h"
#include "mta/postfix_socket.h"

#include <fmt/format.h>

namespace surehop {

namespace {

bool is_for_postfix(Lock lock) { return lock == Lock::postfix || lock == Lock::postfix310; }

void lock(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view check = "lock";
    const PostfixConfig& postfix = seen.postfix;
    const bool newer = postfix.at_least(3, 10);
    const std::string fitting =
        fmt::format("lock = \"{}\"", newer ? "postfix310" : "postfix"); // of surehop.toml
    if (!is_for_postfix(seen.surehop.lock))
        return out.failed(check,
                          fmt::format("[mta] lock is \"{}\": nothing that surehop accepts is bound "
                                      "at delivery by Postfix",
                                      name_of(seen.surehop.lock)),
                          fitting);
    if (!postfix.at_least(3, 4))
        return out.failed(check,
                          "Postfix before 3.4 does not know the policies that surehop answers with "
                          "(servername=): all mail under one is deferred; take a newer Postfix");
    if (seen.surehop.lock == Lock::postfix310 && !newer)
        return out.failed(check,
                          fmt::format("[mta] lock is \"postfix310\", but this is Postfix {}.{}: it "
                                      "takes every policy with an MTA-STS attribute for invalid, "
                                      "and defers the mail",
                                      postfix.version().at(0), postfix.version().at(1)),
                          fitting);
    if (seen.surehop.lock == Lock::postfix310 && !postfix.at_least(3, 10, 5))
        out.warning(check,
                    "Postfix 3.10 before 3.10.5 does not check MX hosts against the patterns "
                    "of an MTA-STS policy; the names that surehop lists still bind; update "
                    "Postfix");
}

// Who connects: the service itself, or proxymap for it.
bool is_chrooted(const PostfixView& view, const PostfixSocketmap& map) {
    if (map.proxied) {
        const PostfixService* proxy = view.config().service("proxymap", "unix");
        return proxy != nullptr && proxy->chrooted;
    }
    return delivers_from_chroot(view);
}

const std::string* which_of_ours(const PostfixSeen& seen, const PostfixSocketmap& map,
                                 bool chrooted) {
    for (const std::string& ours : seen.surehop.socketmap)
        if (is_same_socket(map.socket, ours, seen.postfix, chrooted, seen.around))
            return &ours;
    return nullptr;
}

// "socketmap:unix:surehop/socketmap.sock:postfix", as the line should be.
std::optional<std::string> our_table(const PostfixSeen& seen, bool chrooted) {
    for (const std::string& ours : seen.surehop.socketmap)
        if (const auto socket = spelt_for_postfix(ours, seen.postfix, chrooted, seen.around))
            return fmt::format("socketmap:{}:{}", *socket,
                               is_for_postfix(seen.surehop.lock) ? name_of(seen.surehop.lock)
                                                                 : name_of(Lock::postfix));
    return std::nullopt;
}

// Tables of the administrator's own stay, behind ours; another policy server's does not.
std::string other_tables(const std::vector<std::string>& tables) {
    std::string out;
    for (const std::string& one : tables)
        if (!postfix_socketmap(one))
            out += ", " + one;
    return out;
}

void policy_map(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view check = "policy-map", parameter = "smtp_tls_policy_maps";
    each_delivery(seen.postfix, {parameter}, [&](const PostfixView& view) {
        const auto tables = postfix_list(view.value(parameter));
        const bool in_chroot = is_chrooted(view, {});
        const auto ours = our_table(seen, in_chroot);
        const std::string remedy =
            ours ? view.set(parameter, *ours + other_tables(tables))
                 : fmt::format("[listen] socketmap = [\"unix:{}/surehop/socketmap.sock\"]",
                               seen.postfix.value("queue_directory"));
        if (tables.empty())
            return out.failed(check,
                              fmt::format("{} is empty: nothing holds delivery to what surehop has "
                                          "promised",
                                          view.spell(parameter)),
                              remedy);
        for (std::size_t i = 0; i < tables.size(); ++i) {
            const auto map = postfix_socketmap(tables[i]);
            if (!map || which_of_ours(seen, *map, is_chrooted(view, *map)) == nullptr)
                continue;
            if (i > 0)
                out.failed(check,
                           fmt::format("{} asks {} before surehop: what that answers stands, "
                                       "however weak",
                                       view.spell(parameter), printable(tables.front())),
                           remedy);
            if (is_for_postfix(seen.surehop.lock) && map->name != name_of(seen.surehop.lock))
                out.failed(check,
                           fmt::format("{} asks for the map '{}', but [mta] lock is \"{}\": the "
                                       "answers are not those that promises were made for",
                                       view.spell(parameter), printable(map->name, 40),
                                       name_of(seen.surehop.lock)),
                           remedy);
            return;
        }
        out.failed(
            check,
            fmt::format("{} does not ask surehop ({}): nothing holds delivery to what it has "
                        "promised{}",
                        view.spell(parameter), printable(view.value(parameter)),
                        in_chroot ? "; services in the chroot count all paths from the queue "
                                    "directory"
                                  : ""),
            remedy);
    });
    if (!seen.postfix.value("smtp_tls_per_site").empty())
        out.warning(check,
                    "smtp_tls_per_site is obsolete, and decides by host name wherever "
                    "smtp_tls_policy_maps is empty",
                    "postconf -X smtp_tls_per_site");
}

// ---- sockets ----

void reached(const PostfixSeen& seen, std::string_view check, const std::string& path,
             Findings& out) {
    const std::string owner = seen.postfix.value("mail_owner");
    const std::string user = owner.empty() ? "postfix" : owner;
    const auto slash = path.rfind('/');
    const std::string folder = path.substr(0, slash == std::string::npos ? 0 : slash);
    switch (seen.around.connectable(path, user)) {
    case Connectable::yes:
        return;
    case Connectable::missing:
        return out.failed(check, fmt::format("{} is not there: all mail is deferred", path),
                          "systemctl start surehopd");
    case Connectable::unseen:
        return out.warning(
            check, fmt::format("whether {} may connect to {} cannot be seen from here; run this as "
                               "root",
                               user, path));
    case Connectable::not_a_socket:
        return out.failed(check, fmt::format("{} is no socket: all mail is deferred", path),
                          fmt::format("rm {}; systemctl restart surehopd", path));
    case Connectable::forbidden:
        return out.failed(
            check,
            fmt::format("the user {} may not connect to {}: all mail is deferred", user, path),
            fmt::format("install -d -o surehop -g {} -m 2750 {}", user, folder));
    }
}

void policy_socket(const PostfixSeen& seen, Findings& out) {
    each_delivery(seen.postfix, {"smtp_tls_policy_maps"}, [&](const PostfixView& view) {
        for (const std::string& table : postfix_list(view.value("smtp_tls_policy_maps"))) {
            const auto map = postfix_socketmap(table);
            if (map && !map->socket.path.empty() &&
                which_of_ours(seen, *map, is_chrooted(view, *map)) != nullptr)
                reached(seen, "policy-socket",
                        path_seen(seen.postfix, map->socket.path, is_chrooted(view, *map)), out);
        }
    });
}

void milter_socket(const PostfixSeen& seen, Findings& out) {
    std::vector<std::string> lists;
    for (const char* name : {"smtpd_milters", "non_smtpd_milters"})
        each_view(seen.postfix, name,
                  [&](const PostfixView& view) { lists.push_back(view.value(name)); });
    for (const std::string& list : lists)
        for (const PostfixMilter& milter : postfix_milters(list))
            for (const bool chrooted : {false, true})
                if (is_our_milter(milter, seen, chrooted) && !milter.socket->path.empty())
                    return reached(seen, "milter-socket",
                                   path_seen(seen.postfix, milter.socket->path, chrooted), out);
}

// ---- time ----

void queue_lifetime(const PostfixSeen& seen, Findings& out) {
    for (const char* name : {"maximal_queue_lifetime", "bounce_queue_lifetime"}) {
        const std::string value = seen.postfix.value(name);
        const auto lifetime = postfix_time(value, 'd');
        const std::string ours = format_duration(seen.surehop.queue_lifetime);
        if (!lifetime)
            out.failed("queue-lifetime",
                       fmt::format("{} is '{}', which is no time", name, printable(value, 40)),
                       fmt::format("postconf -e '{} = {}'", name, ours));
        else if (*lifetime > seen.surehop.queue_lifetime)
            out.failed("queue-lifetime",
                       fmt::format("{} is {}, longer than [mta] queue_lifetime ({}): promises end "
                                   "while Postfix still tries; or raise queue_lifetime",
                                   name, value, ours),
                       fmt::format("postconf -e '{} = {}'", name, ours));
    }
}

// ---- the sender's waiver ----

// RFC 8689: from 3.10 on Postfix obeys "TLS-Required: No" without asking its policy map.
void tls_required(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view check = "tls-required", parameter = "tls_required_enable";
    if (!seen.postfix.knows(parameter))
        return;
    each_view(seen.postfix, parameter, [&](const PostfixView& view) {
        if (!postfix_yes(view.value(parameter)))
            return;
        const std::string remedy = view.set(parameter, "no");
        if (!seen.surehop.refuses_waiver)
            out.failed(check,
                       fmt::format("{} is yes and [mta] tls_required is \"off\": with the header "
                                   "'TLS-Required: No' any sender has a message sent in clear, and "
                                   "surehop is not asked",
                                   view.spell(parameter)),
                       remedy);
        else
            out.warning(check,
                        fmt::format("{} is yes: surehop refuses 'TLS-Required: No' where it sees "
                                    "the header, but mail that does not pass the milter is sent in "
                                    "clear, and surehop is not asked",
                                    view.spell(parameter)),
                        remedy);
    });
}

} // namespace

std::vector<PostfixCheck> postfix_lock_checks() {
    return {
        {"lock", "this version of Postfix understands what [mta] lock answers", lock},
        {"policy-map", "every delivery by SMTP asks surehop first, by the name of [mta] lock",
         policy_map},
        {"policy-socket", "Postfix may connect to the socket of its policy map", policy_socket},
        {"milter-socket", "Postfix may connect to the milter's socket", milter_socket},
        {"queue-lifetime", "Postfix gives up before a promise ends", queue_lifetime},
        {"tls-required", "no sender can waive protection by a header", tls_required},
    };
}

} // namespace surehop
