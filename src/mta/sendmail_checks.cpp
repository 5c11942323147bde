// SPDX-License-Identifier: Apache-2.0
#include "mta/sendmail_checks.h"

#include "address/ip_range.h"
#include "base/text.h"
#include "mta/print.h"
#include "mta/resolv_conf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace surehop {

namespace {

std::vector<std::string> filters(std::string_view list) { // "surehop, other;third"
    std::vector<std::string> out;
    std::string word;
    for (const char c : list) {
        if (c == ',' || c == ';' || c == ' ' || c == '\t') {
            if (!word.empty())
                out.push_back(std::exchange(word, {}));
        } else {
            word += c;
        }
    }
    if (!word.empty())
        out.push_back(std::move(word));
    return out;
}

// "local:/path", "unix:/path", "inet:8460@127.0.0.1" and ours mean the same place.
bool is_same_place(const std::string& theirs, const std::string& ours, const Surroundings& around) {
    for (const std::string_view scheme : {"local:", "unix:"})
        if (theirs.starts_with(scheme))
            return ours.starts_with("unix:") &&
                   around.real_path(theirs.substr(scheme.size())) ==
                       around.real_path(ours.substr(std::string_view("unix:").size()));
    if (theirs.starts_with('/'))
        return ours.starts_with("unix:") &&
               around.real_path(theirs) ==
                   around.real_path(ours.substr(std::string_view("unix:").size()));
    const auto at = theirs.find('@');
    if (theirs.starts_with("inet:") && at != std::string::npos && theirs.substr(at) == "@localhost")
        return ours.starts_with(theirs.substr(0, at + 1)) && is_loopback(ours.substr(at + 1));
    return theirs == ours || (theirs.starts_with("inet6:") && "inet:" + theirs.substr(6) == ours);
}

const SendmailMilter* our_milter(const SendmailSeen& seen) {
    for (const SendmailMilter& one : seen.sendmail.milters())
        if (const auto socket = one.equates.find('S');
            socket != one.equates.end() &&
            is_same_place(socket->second, seen.surehop.milter, seen.around))
            return &one;
    return nullptr;
}

void lock(const SendmailSeen& seen, Findings& out) {
    if (seen.surehop.lock != Lock::sendmail)
        out.failed("lock",
                   fmt::format("[mta] lock is \"{}\": nothing that surehop accepts is bound at "
                               "delivery by Sendmail",
                               name_of(seen.surehop.lock)),
                   "lock = \"sendmail\"");
}

// ---- the gate ----

void milter(const SendmailSeen& seen, Findings& out) {
    constexpr std::string_view check = "milter";
    const SendmailMilter* ours = our_milter(seen);
    const std::string remedy = sendmail_milter_line(seen.surehop);
    if (ours == nullptr)
        return out.failed(check, "no X line names surehop's socket: no mail is judged", remedy);
    const auto listed = filters(seen.sendmail.option("InputMailFilters"));
    if (std::find(listed.begin(), listed.end(), ours->name) == listed.end())
        out.failed(check,
                   fmt::format("InputMailFilters ('{}') does not name {}: no mail is judged",
                               printable(seen.sendmail.option("InputMailFilters")), ours->name),
                   remedy);
    for (const std::string& one : seen.sendmail.options("DaemonPortOptions")) {
        const auto equates = sendmail_equates(one);
        const auto own = equates.find('I');
        if (own == equates.end())
            continue;
        const auto names = filters(own->second);
        if (std::find(names.begin(), names.end(), ours->name) == names.end())
            out.failed(
                check,
                fmt::format("DaemonPortOptions has filters of its own ('{}') without {}: "
                            "what comes in there is not judged",
                            printable(one), ours->name),
                fmt::format("DAEMON_OPTIONS(`Name=..., InputMailFilters={}')dnl", ours->name));
    }
}

void milter_default(const SendmailSeen& seen, Findings& out) {
    const SendmailMilter* ours = our_milter(seen);
    if (ours == nullptr)
        return;
    const auto flag = ours->equates.find('F');
    const std::string flags = flag == ours->equates.end() ? "" : flag->second;
    if (flags != "T" && flags != "R" && flags != "4")
        out.failed("milter-default",
                   fmt::format("F= of the filter {} is '{}': while surehop is down or slow, mail "
                               "passes unjudged",
                               ours->name, printable(flags, 20)),
                   sendmail_milter_line(seen.surehop));
}

void milter_timeout(const SendmailSeen& seen, Findings& out) {
    const SendmailMilter* ours = our_milter(seen);
    if (ours == nullptr)
        return;
    const auto times = ours->equates.find('T');
    if (times == ours->equates.end())
        return; // 10 s by itself
    for (const std::string_view one : split(times->second, ';')) {
        const std::string_view part = trim(one);
        if (!part.starts_with("R:"))
            continue;
        const auto time = sendmail_time(part.substr(2), 's');
        if (!time || *time < Seconds{10})
            out.failed(
                "milter-timeout",
                fmt::format("the filter {} has T={}: a recipient whose next hop is looked up "
                            "may take longer, and then F= decides",
                            ours->name, printable(times->second, 60)),
                sendmail_milter_line(seen.surehop));
    }
}

void milter_order(const SendmailSeen& seen, Findings& out) {
    const SendmailMilter* ours = our_milter(seen);
    const auto listed = filters(seen.sendmail.option("InputMailFilters"));
    if (ours == nullptr || listed.empty() || listed.back() == ours->name)
        return;
    const auto found = std::find(listed.begin(), listed.end(), ours->name);
    if (found == listed.end())
        return;
    std::string sorted;
    for (const std::string& one : listed)
        if (one != ours->name)
            sorted += one + ",";
    out.warning("milter-order",
                fmt::format("{} comes after surehop: recipients and headers that it adds are not "
                            "judged, only held to what is published at delivery",
                            printable(*std::next(found), 60)),
                fmt::format("define(`confINPUT_MAIL_FILTERS', `{}{}')dnl", sorted, ours->name));
}

void milter_macros(const SendmailSeen& seen, Findings& out) {
    struct Needed {
        const char *option, *define, *macro, *what;
    };
    constexpr std::array<Needed, 4> needed = {
        {{"Milter.macros.envrcpt", "ENVRCPT", "{rcpt_addr}", "where the mail goes"},
         {"Milter.macros.envrcpt", "ENVRCPT", "{rcpt_host}", "where the mail goes"},
         {"Milter.macros.envrcpt", "ENVRCPT", "{rcpt_mailer}", "where the mail goes"},
         {"Milter.macros.envfrom", "ENVFROM", "{auth_authen}", "who has authenticated"}}};
    for (const Needed& one : needed) {
        const auto given = filters(seen.sendmail.option(one.option));
        if (std::find(given.begin(), given.end(), one.macro) == given.end())
            out.warning("milter-macros",
                        fmt::format("O {} lacks {}: surehop asks for it by itself, but where that "
                                    "is not granted it is not told {}",
                                    one.option, one.macro, one.what),
                        fmt::format("define(`confMILTER_MACROS_{0}', "
                                    "confMILTER_MACROS_{0}``, {1}'')dnl",
                                    one.define, one.macro));
    }
}

// ---- the lock ----

void sts_map(const SendmailSeen& seen, Findings& out) {
    constexpr std::string_view check = "sts-map";
    const SendmailMap* map = seen.sendmail.map("sts");
    const std::string remedy = sendmail_sts_line(seen.surehop);
    if (map == nullptr)
        return out.failed(check,
                          "there is no map sts (FEATURE(`sts')): nothing holds delivery to what "
                          "surehop has found",
                          remedy);
    // What it asks under is the name of the map itself: sts.
    const auto& ours = seen.surehop.socketmap;
    if (map->type != "socket" || std::none_of(ours.begin(), ours.end(), [&](const auto& one) {
            return is_same_place(map->rest, one, seen.around);
        }))
        return out.failed(check,
                          fmt::format("the map sts ('{} {}') does not ask surehop", map->type,
                                      printable(map->rest)),
                          remedy);
    if (std::find(map->options.begin(), map->options.end(), "-T<TMPF>") == map->options.end())
        out.failed(check,
                   "the map sts lacks -T<TMPF>: while surehop is down, delivery goes on as if "
                   "nothing were published",
                   remedy);
}

// FEATURE(`sts') looks at the certificate once for each connection, for one of its recipients.
void sts_recipients(const SendmailSeen& seen, Findings& out) {
    const std::string rules = seen.sendmail.ruleset("Local_tls_rcpt");
    if (rules.find("$(sts") == std::string::npos ||
        rules.find("TLS_connection") == std::string::npos)
        out.failed(
            "sts-recipients",
            "there is no Local_tls_rcpt that looks at the certificate for each recipient: one "
            "who shares the MX host of another is sent mail over a connection that was good "
            "enough for that one",
            "the lines after MAILER() that 'surehop doctor --mta sendmail --print' prints");
    if (seen.sendmail.option("ConnectionCacheSize") != "0")
        out.failed("sts-recipients",
                   "O ConnectionCacheSize is not 0: a connection that was good enough for one "
                   "message carries the next one, too",
                   "define(`confMCI_CACHE_SIZE', `0')dnl");
}

void sts(const SendmailSeen& seen, Findings& out) {
    if (!same_ignoring_case(seen.sendmail.option("StrictTransportSecurity"), "true"))
        out.failed("sts",
                   "O StrictTransportSecurity is not true: Sendmail does not obey the map sts",
                   sendmail_sts_line(seen.surehop));
}

bool has_flag(std::string_view flags, char flag) { return flags.find(flag) != flags.npos; }

// ClientPortOptions=M=...: S no STARTTLS, M no MTA-STS, D no DANE.
void client_options(const SendmailSeen& seen, Findings& out) {
    for (const std::string& one : seen.sendmail.options("ClientPortOptions")) {
        const auto equates = sendmail_equates(one);
        const auto flags = equates.find('M');
        if (flags == equates.end())
            continue;
        for (const auto& [flag, what] :
             {std::pair{'S', "TLS is never used"}, std::pair{'M', "the map sts is not asked"},
              std::pair{'D', "DANE is not used"}})
            if (has_flag(flags->second, flag))
                out.failed("client-options",
                           fmt::format("ClientPortOptions ('{}') has {}: {} on delivery",
                                       printable(one), flag, what),
                           "CLIENT_OPTIONS without that letter after M=");
    }
}

// The source of the access map; the map itself cannot be listed without Sendmail's library.
void access(const SendmailSeen& seen, Findings& out) {
    constexpr std::string_view check = "access";
    const SendmailMap* map = seen.sendmail.map("access");
    if (map == nullptr)
        return;
    const std::string file = map->rest;
    const auto text = seen.around.read(file);
    if (!text)
        return out.warning(
            check, fmt::format("{}, the source of the access map ({}), cannot be read: what "
                               "Try_TLS and Clt_Features say there is not known",
                               file.empty() ? "-" : printable(file), map->type));
    for (const SendmailEntry& entry : sendmail_table(*text)) {
        const std::string key = lower(entry.key);
        const auto wrong = [&](const char* why) {
            out.failed(check,
                       fmt::format("{} has '{} {}': {}", file, printable(entry.key, 80),
                                   printable(entry.value, 40), why),
                       fmt::format("take the line out, then: makemap hash {0} < {0}", file));
        };
        const bool no = same_ignoring_case(entry.value, "NO");
        if (key.starts_with("try_tls:") && no)
            wrong("TLS is never tried with it, and what is under a policy of MTA-STS fails");
        if (key.starts_with("sts:") && no)
            wrong("its MTA-STS policy is not looked at");
        if (key.starts_with("clt_features:")) {
            if (has_flag(entry.value, 'M'))
                wrong("M has the map sts not asked");
            if (has_flag(entry.value, 'S'))
                wrong("S has TLS not used");
            if (has_flag(entry.value, 'D'))
                wrong("D has DANE not used");
        }
    }
}

// Sendmail loads its authorities only where both are set, as was seen with 8.17 and 8.18.
void certificates(const SendmailSeen& seen, Findings& out) {
    constexpr std::string_view check = "certificates";
    constexpr const char* file_remedy =
        "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl";
    constexpr const char* folder_remedy = "define(`confCACERT_PATH', `/etc/ssl/certs')dnl";
    constexpr std::string_view follows = "no certificate is valid, and all mail under an MTA-STS "
                                         "policy is deferred";
    const std::string file = seen.sendmail.option("CACertFile");
    const std::string folder = seen.sendmail.option("CACertPath");
    if (file.empty())
        out.failed(check, fmt::format("O CACertFile is not set: {}", follows), file_remedy);
    else if (const auto text = seen.around.read(file);
             !text || text->find("-----BEGIN") == std::string::npos)
        out.failed(check,
                   fmt::format("O CACertFile is {}, in which there are no certificates to be "
                               "read: {}",
                               file, follows),
                   file_remedy);
    if (folder.empty())
        out.failed(check,
                   fmt::format("O CACertPath is not set, without which Sendmail does not read "
                               "CACertFile either: {}",
                               follows),
                   folder_remedy);
    else if (!seen.around.exists(folder))
        out.failed(check,
                   fmt::format("O CACertPath is {}, which is not there: {}", folder, follows),
                   folder_remedy);
}

void dane(const SendmailSeen& seen, Findings& out) {
    const auto version = seen.sendmail.version();
    const std::string value = lower(seen.sendmail.option("DANE"));
    if (version < std::array<std::uint32_t, 2>{8, 18} || value == "true" || value == "always")
        return;
    out.warning("dane",
                "O DANE is not true: this Sendmail does not look at TLSA records, and surehop "
                "cannot make it do so",
                "define(`confDANE', `true')dnl");
}

void queue_lifetime(const SendmailSeen& seen, Findings& out) {
    constexpr std::array<std::pair<const char*, const char*>, 5> options = {
        {{"Timeout.queuereturn", "confTO_QUEUERETURN"},
         {"Timeout.queuereturn.normal", "confTO_QUEUERETURN_NORMAL"},
         {"Timeout.queuereturn.urgent", "confTO_QUEUERETURN_URGENT"},
         {"Timeout.queuereturn.non-urgent", "confTO_QUEUERETURN_NONURGENT"},
         {"Timeout.queuereturn.dsn", "confTO_QUEUERETURN_DSN"}}};
    const std::string ours = format_duration(seen.surehop.queue_lifetime);
    for (const auto& [option, define] : options) {
        std::string value = seen.sendmail.option(option);
        if (value.empty() && option == options.front().first)
            value = "5d"; // Sendmail's own
        if (value.empty())
            continue;
        const auto time = sendmail_time(value, 'd');
        if (!time || *time > seen.surehop.queue_lifetime)
            out.failed(
                "queue-lifetime",
                fmt::format("O {} is {}, longer than [mta] queue_lifetime ({}): promises end "
                            "while Sendmail still tries; or raise queue_lifetime",
                            option, printable(value, 30), ours),
                fmt::format("define(`{}', `{}')dnl", define, ours));
    }
}

void resolver(const SendmailSeen& seen, Findings& out) {
    examine_resolv_conf("/etc/resolv.conf", "Sendmail", "nameserver 127.0.0.1", seen.surehop,
                        seen.around, out);
}

void sockets(const SendmailSeen& seen, Findings& out) {
    constexpr std::string_view scheme = "unix:";
    std::vector<std::string> all = seen.surehop.socketmap;
    all.push_back(seen.surehop.milter);
    for (const std::string& one : all) {
        // Sendmail connects as root.
        if (one.starts_with(scheme) &&
            seen.around.connectable(one.substr(scheme.size()), "root") == Connectable::missing)
            out.failed("sockets",
                       fmt::format("Sendmail cannot connect to {}", one.substr(scheme.size())),
                       "systemctl start surehopd");
    }
}

struct Check {
    std::string_view name, good;
    void (*look)(const SendmailSeen&, Findings&);
};

constexpr std::array<Check, 16> checks = {
    {{"lock", "[mta] lock is Sendmail's", lock},
     {"milter", "all that comes in by SMTP passes surehop's milter", milter},
     {"milter-default", "nothing passes unjudged while surehop is down", milter_default},
     {"milter-timeout", "Sendmail waits for surehop's look-ups", milter_timeout},
     {"milter-order", "no filter comes after surehop's", milter_order},
     {"milter-macros", "Sendmail says where mail goes, and who has authenticated", milter_macros},
     {"sts-map", "every delivery by SMTP asks surehop", sts_map},
     {"sts", "Sendmail obeys the answer", sts},
     {"sts-recipients", "and for each recipient", sts_recipients},
     {"client-options", "no option keeps deliveries from TLS", client_options},
     {"access", "no line of the access map keeps deliveries from TLS", access},
     {"certificates", "Sendmail has authorities to check certificates with", certificates},
     {"dane", "DANE is Sendmail's own where it knows it; surehop does not promise it", dane},
     {"queue-lifetime", "Sendmail gives up before a promise ends", queue_lifetime},
     {"mta-resolver", "Sendmail asks the resolver that surehop asks", resolver},
     {"sockets", "Sendmail may connect to surehop's sockets", sockets}}};

} // namespace

Findings examine_sendmail(const SendmailSeen& seen) {
    Findings out;
    for (const Check& check : checks)
        out.look(check.name, check.good, [&] { check.look(seen, out); });
    return out;
}

} // namespace surehop
