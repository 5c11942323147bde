// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mta/postfix_checks.h"
#include "mta/postfix_tables.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>

// A Postfix whose wiring is whole, to be broken by tests.

namespace surehop::test {

struct Files : Surroundings {
    std::map<std::string, std::string> texts{
        {"/etc/ssl/certs/ca-certificates.crt", "-----BEGIN CERTIFICATE-----"},
        {"/etc/resolv.conf", "nameserver 127.0.0.1\n"},
        {"/var/spool/postfix/etc/resolv.conf", "search example.com\nnameserver 127.0.0.1\n"}};
    std::set<std::string> folders;
    std::map<std::string, Connectable> sockets;

    bool exists(const std::string& path) const override {
        return texts.contains(path) || folders.contains(path);
    }
    std::vector<std::string> names(const std::string& folder) const override {
        std::vector<std::string> out;
        for (const auto& [path, text] : texts)
            if (path.starts_with(folder + "/"))
                out.push_back(path.substr(folder.size() + 1));
        return out;
    }
    std::optional<std::string> read(const std::string& path) const override {
        const auto found = texts.find(path);
        return found == texts.end() ? std::nullopt : std::optional(found->second);
    }
    std::string real_path(const std::string& path) const override { return path; }
    Connectable connectable(const std::string& path, const std::string&) const override {
        const auto found = sockets.find(path);
        return found == sockets.end() ? Connectable::yes : found->second;
    }
};

struct PostfixSite {
    std::string version = "3.7.11";
    std::map<std::string, std::string> main{
        {"queue_directory", "/var/spool/postfix"},
        {"compatibility_level", "3.6"},
        {"mail_owner", "postfix"},
        {"cleanup_service_name", "cleanup"},
        {"smtp_tls_policy_maps", "socketmap:unix:surehop/socketmap.sock:postfix"},
        {"smtp_tls_per_site", ""},
        {"smtp_tls_security_level", "dane"},
        {"smtp_tls_dane_insecure_mx_policy", "dane"},
        {"smtp_dns_support_level", "dnssec"},
        {"smtp_dns_resolver_options", ""},
        {"disable_dns_lookups", "no"},
        {"ignore_mx_lookup_error", "no"},
        {"smtp_host_lookup", "dns"},
        {"smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt"},
        {"smtp_tls_CApath", ""},
        {"smtp_tls_trust_anchor_file", ""},
        {"tls_append_default_CA", "no"},
        {"smtp_tls_mandatory_protocols", ">=TLSv1.2"},
        {"maximal_queue_lifetime", "5d"},
        {"bounce_queue_lifetime", "5d"},
        {"smtpd_milters", "unix:surehop/milter.sock"},
        {"non_smtpd_milters", "unix:surehop/milter.sock"},
        {"smtpd_milter_maps", ""},
        {"milter_default_action", "tempfail"},
        {"milter_protocol", "6"},
        {"milter_command_timeout", "30s"},
        {"milter_rcpt_macros", "i {rcpt_addr} {rcpt_host} {rcpt_mailer}"},
        {"milter_mail_macros", "i {auth_type} {auth_authen} {auth_author} {mail_addr}"},
        {"receive_override_options", ""},
        {"content_filter", ""},
        {"relayhost", ""},
        {"relay_transport", "relay"},
        {"default_transport", "smtp"},
        {"local_transport", "local:mail.example.com"},
        {"virtual_transport", "virtual"},
        {"smtp_fallback_relay", ""},
        {"transport_maps", ""}};
    std::string services =
        "smtp       inet  n       -       y       -       -       smtpd\n"
        "submission inet  n       -       y       -       -       smtpd -o syslog_name=postfix/s\n"
        "pickup     unix  n       -       y       60      1       pickup\n"
        "cleanup    unix  n       -       y       -       0       cleanup\n"
        "proxymap   unix  -       -       n       -       -       proxymap\n"
        "smtp       unix  -       -       y       -       -       smtp\n"
        "relay      unix  -       -       y       -       -       smtp\n"
        "error      unix  -       -       y       -       -       error\n"
        "local      unix  -       n       n       -       -       local\n"
        "virtual    unix  -       n       n       -       -       virtual\n"
        "maildrop   unix  -       n       n       -       -       pipe flags=D argv=/bin/x -d "
        "${u}\n";
    std::string overrides = "submission/inet/syslog_name = postfix/s\n";
    Wiring surehop{Lock::postfix,
                   std::chrono::days{5},
                   true,
                   "unix:/var/spool/postfix/surehop/milter.sock",
                   {"unix:/var/spool/postfix/surehop/socketmap.sock"},
                   {"127.0.0.1:53"},
                   {}};
    Files files;
    std::map<std::string, std::string> postmap; // what `postmap -s` prints

    // "smtp_host_lookup = native", or "relay/unix/smtp_host_lookup = native"
    PostfixSite& write(const std::string& line) {
        const auto equals = line.find(" =");
        const std::string name = line.substr(0, equals);
        const std::string value = line.size() > equals + 3 ? line.substr(equals + 3) : "";
        if (name.find('/') == std::string::npos)
            main[name] = value;
        else
            overrides += fmt::format("{} = {}\n", name, value);
        return *this;
    }
    PostfixSite& with_310() {
        version = "3.10.13";
        surehop.lock = Lock::postfix310;
        return write("smtp_tls_policy_maps = socketmap:unix:surehop/socketmap.sock:postfix310")
            .write("tls_required_enable = no")
            .write("smtp_tls_enforce_sts_mx_patterns = yes")
            .write("milter_default_action = shutdown");
    }

    Result<PostfixConfig> config() const {
        std::string text;
        for (const auto& [name, value] : main)
            text += fmt::format("{} = {}\n", name, value);
        return PostfixConfig::parse(text, services, overrides, version);
    }
    ListedTable list(const std::string& table) const {
        return list_table(table, files, [&](const std::string& name) -> Result<std::string> {
            const auto found = postmap.find(name);
            return found == postmap.end() ? Result<std::string>(Error{"open: no such file"})
                                          : Result<std::string>(found->second);
        });
    }
    Findings examine() const {
        const auto postfix = config();
        if (!postfix) {
            Findings out;
            out.failed("config", postfix.error());
            return out;
        }
        const PostfixSeen seen{*postfix, surehop, files};
        Findings out = examine_postfix(seen);
        examine_milter_maps(seen, [&](const std::string& table) { return list(table); }, out);
        return out;
    }
    NamedHops hops() const {
        const auto postfix = config();
        return named_hops({*postfix, surehop, files},
                          [&](const std::string& table) { return list(table); });
    }
};

// "failed policy-map" and so on, of all that is not ok.
inline std::set<std::string> troubles(const Findings& findings) {
    std::set<std::string> out;
    for (const Finding& one : findings.all())
        if (one.state != FindingState::ok)
            out.insert(fmt::format("{} {}", name_of(one.state), one.check));
    return out;
}

inline std::optional<Finding> find(const Findings& findings, const std::string& check) {
    for (const Finding& one : findings.all())
        if (one.check == check && one.state != FindingState::ok)
            return one;
    return std::nullopt;
}

} // namespace surehop::test
