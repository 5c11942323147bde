// SPDX-License-Identifier: Apache-2.0

// How Postfix's SMTP client looks up and judges: whether the policies that surehop answers with can
// be carried out at all, and what becomes of mail for which it has none.

#include "base/text.h"
#include "mta/postfix_checks.h"
#include "mta/resolv_conf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace surehop {

namespace {

void dns_support(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view parameter = "smtp_dns_support_level";
    each_delivery(seen.postfix, {parameter, "disable_dns_lookups"}, [&](const PostfixView& view) {
        if (postfix_yes(view.value("disable_dns_lookups")) && view.value(parameter).empty())
            return out.failed("dns-support",
                              fmt::format("{} is yes: mail goes to the hosts of this machine's "
                                          "files, and DANE cannot be used",
                                          view.spell("disable_dns_lookups")),
                              view.set(parameter, "dnssec"));
        if (view.value(parameter) != "dnssec")
            out.failed("dns-support",
                       fmt::format("{} is '{}': the policy dane-only cannot be carried out, and "
                                   "mail for every destination with DANE is deferred",
                                   view.spell(parameter), view.value(parameter)),
                       view.set(parameter, "dnssec"));
    });
}

void security_level(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view check = "security-level", parameter = "smtp_tls_security_level";
    each_delivery(seen.postfix, {parameter}, [&](const PostfixView& view) {
        const std::string level = view.value(parameter);
        const std::string remedy = view.set(parameter, "dane");
        if (level.empty() || level == "none")
            out.failed(check,
                       fmt::format("{} is '{}': where surehop has no policy, mail leaves in clear "
                                   "even if the destination offers TLS",
                                   view.spell(parameter), level),
                       remedy);
        else if (level == "may")
            out.warning(check,
                        fmt::format("{} is may: where surehop has no policy, the TLSA records of a "
                                    "destination are not looked at",
                                    view.spell(parameter)),
                        remedy);
    });
}

void dane_insecure_mx(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view parameter = "smtp_tls_dane_insecure_mx_policy";
    each_delivery(
        seen.postfix, {parameter, "smtp_tls_security_level"}, [&](const PostfixView& view) {
            if (view.value(parameter) == "may" && view.value("smtp_tls_security_level") == "dane")
                out.warning("dane-insecure-mx",
                            fmt::format("{} is may: where surehop has no policy, the TLSA "
                                        "records of hosts behind unsigned MX records are "
                                        "not looked at",
                                        view.spell(parameter)),
                            view.set(parameter, "dane"));
        });
}

void host_lookup(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view parameter = "smtp_host_lookup";
    each_delivery(seen.postfix, {parameter}, [&](const PostfixView& view) {
        const auto methods = postfix_list(view.value(parameter));
        if (std::find(methods.begin(), methods.end(), "dns") == methods.end())
            out.failed("host-lookup",
                       fmt::format("{} is '{}': addresses do not come from DNS, and mail for every "
                                   "destination with DANE is deferred",
                                   view.spell(parameter), printable(view.value(parameter), 40)),
                       view.set(parameter, "dns"));
        else if (methods.size() > 1)
            out.failed("host-lookup",
                       fmt::format("{} is '{}': an address that DNS does not give is taken from "
                                   "/etc/hosts and its like, without DNSSEC",
                                   view.spell(parameter), printable(view.value(parameter), 40)),
                       view.set(parameter, "dns"));
    });
}

// Each makes Postfix refuse DANE altogether, so that what is under dane-only is deferred.
void dane_possible(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view check = "dane-possible";
    each_delivery(seen.postfix, {"ignore_mx_lookup_error", "smtp_dns_resolver_options"},
                  [&](const PostfixView& view) {
                      if (postfix_yes(view.value("ignore_mx_lookup_error")))
                          out.failed(check,
                                     fmt::format("{} is yes: a failed look-up of MX records sends "
                                                 "mail elsewhere, and Postfix refuses DANE",
                                                 view.spell("ignore_mx_lookup_error")),
                                     view.set("ignore_mx_lookup_error", "no"));
                      if (!view.value("smtp_dns_resolver_options").empty())
                          out.failed(check,
                                     fmt::format("{} is '{}': names are completed with this site's "
                                                 "domain, and Postfix refuses DANE",
                                                 view.spell("smtp_dns_resolver_options"),
                                                 view.value("smtp_dns_resolver_options")),
                                     view.set("smtp_dns_resolver_options", ""));
                  });
}

// What OpenSSL finds in such a folder: certificates under the hashes of their names.
bool holds_authorities(const std::string& folder, const Surroundings& around) {
    const auto names = around.names(folder);
    constexpr std::size_t hash = 8; // "a94d09e5.0"
    return std::any_of(names.begin(), names.end(), [](const std::string& name) {
        return name.find('.') == hash && name.find_first_not_of("0123456789abcdef") == hash;
    });
}

// smtp(8) reads CAfile before it enters the chroot; in CApath it looks up one certificate at a time
// when it needs it, which is inside.
void certificates(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view check = "certificates";
    constexpr std::string_view system_file = "/etc/ssl/certs/ca-certificates.crt";
    each_delivery(
        seen.postfix, {"smtp_tls_CAfile", "smtp_tls_CApath"}, [&](const PostfixView& view) {
            const std::string file = view.value("smtp_tls_CAfile");
            const std::string folder = view.value("smtp_tls_CApath");
            const std::string remedy =
                view.set(view.overrides("smtp_tls_CApath") && file.empty() ? "smtp_tls_CApath"
                                                                           : "smtp_tls_CAfile",
                         system_file);
            if (file.empty() && folder.empty()) {
                // OpenSSL's own are a folder too, which the chroot has not.
                if (!postfix_yes(view.value("tls_append_default_CA")) || delivers_from_chroot(view))
                    out.failed(check,
                               "smtp_tls_CAfile and smtp_tls_CApath are empty: no "
                               "certificate is valid, and all mail under an MTA-STS "
                               "policy is deferred",
                               remedy);
                return;
            }
            if (!file.empty()) {
                const auto text = seen.around.read(file);
                if (!text || text->find("-----BEGIN") == std::string::npos)
                    out.failed(check,
                               fmt::format("{} is {}, in which there are no certificates "
                                           "to be read: smtp(8) does TLS without them, "
                                           "and mail under an MTA-STS policy is deferred",
                                           view.spell("smtp_tls_CAfile"), file),
                               remedy);
                return;
            }
            const std::string seen_there = delivers_from_chroot(view)
                                               ? seen.postfix.value("queue_directory") + folder
                                               : folder;
            if (!holds_authorities(seen_there, seen.around))
                out.failed(
                    check,
                    fmt::format("{} is {}, but in {} there are no certificates under their "
                                "hashes{}: none is valid, and all mail under an MTA-STS "
                                "policy is deferred",
                                view.spell("smtp_tls_CApath"), folder, seen_there,
                                delivers_from_chroot(view) ? ", and smtp is in the chroot" : ""),
                    remedy);
        });
}

void more_authorities(const PostfixSeen& seen, Findings& out) {
    each_delivery(seen.postfix, {"smtp_tls_trust_anchor_file"}, [&](const PostfixView& view) {
        if (!view.value("smtp_tls_trust_anchor_file").empty())
            out.failed("trust-anchors",
                       fmt::format("{} is {}: certificates of MX hosts must come from what is in "
                                   "it, and from no public authority",
                                   view.spell("smtp_tls_trust_anchor_file"),
                                   printable(view.value("smtp_tls_trust_anchor_file"))),
                       view.set("smtp_tls_trust_anchor_file", ""));
    });
}

void default_authorities(const PostfixSeen& seen, Findings& out) {
    each_delivery(seen.postfix, {"tls_append_default_CA"}, [&](const PostfixView& view) {
        if (postfix_yes(view.value("tls_append_default_CA")))
            out.warning("default-ca",
                        fmt::format("{} is yes: the authorities that OpenSSL finds by itself are "
                                    "trusted in addition to smtp_tls_CAfile, and from inside the "
                                    "chroot they may not be found",
                                    view.spell("tls_append_default_CA")),
                        view.set("tls_append_default_CA", "no"));
    });
}

void sts_patterns(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view parameter = "smtp_tls_enforce_sts_mx_patterns";
    if (seen.surehop.lock != Lock::postfix310 || !seen.postfix.knows(parameter))
        return;
    each_delivery(seen.postfix, {parameter}, [&](const PostfixView& view) {
        if (!postfix_yes(view.value(parameter)))
            out.failed(
                "sts-patterns",
                fmt::format("{} is no: Postfix uses MX hosts that an MTA-STS policy does not "
                            "name",
                            view.spell(parameter)),
                view.set(parameter, "yes"));
    });
}

// Whether the list leaves out what is older than TLS 1.2: ">=TLSv1.2", or exclusions.
bool excludes_old(const std::string& value) {
    std::set<std::string> excluded;
    for (const std::string& word : postfix_list(value)) {
        for (const std::string_view one : split(word, ':')) {
            const std::string name = lower(one);
            if (name == ">=tlsv1.2" || name == ">=tlsv1.3" || name == "tlsv1.2" ||
                name == "tlsv1.3")
                return true;
            if (name.starts_with('!'))
                excluded.insert(name.substr(1));
        }
    }
    return excluded.contains("tlsv1") && excluded.contains("tlsv1.1");
}

void protocols(const PostfixSeen& seen, Findings& out) {
    constexpr std::string_view parameter = "smtp_tls_mandatory_protocols";
    each_delivery(seen.postfix, {parameter}, [&](const PostfixView& view) {
        if (!excludes_old(view.value(parameter)))
            out.warning("protocols",
                        fmt::format("{} is '{}': TLS 1.0 and 1.1 are good enough for DANE",
                                    view.spell(parameter), printable(view.value(parameter), 60)),
                        view.set(parameter, seen.postfix.at_least(3, 6)
                                                ? ">=TLSv1.2"
                                                : "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"));
    });
}

// ---- the resolver ----

void resolver(const PostfixSeen& seen, Findings& out) {
    std::set<std::string> files;
    for (const PostfixService& service : seen.postfix.services())
        if (service.program == "smtp")
            files.insert(
                (service.chrooted ? seen.postfix.value("queue_directory") : std::string()) +
                "/etc/resolv.conf");
    for (const std::string& file : files)
        examine_resolv_conf(file, "Postfix",
                            file == "/etc/resolv.conf"
                                ? "nameserver 127.0.0.1"
                                : fmt::format("cp /etc/resolv.conf {}; postfix reload", file),
                            seen.surehop, seen.around, out);
}

} // namespace

std::vector<PostfixCheck> postfix_tls_checks() {
    return {
        {"dns-support", "Postfix looks up with DNSSEC", dns_support},
        {"security-level", "mail without a policy of surehop's is sent over TLS where there is TLS",
         security_level},
        {"dane-insecure-mx", "TLSA records behind unsigned MX records are looked at",
         dane_insecure_mx},
        {"host-lookup", "addresses come from DNS alone", host_lookup},
        {"dane-possible", "nothing keeps Postfix from DANE", dane_possible},
        {"certificates", "Postfix has authorities to check certificates with", certificates},
        {"trust-anchors", "no authorities of the site's own stand in their place",
         more_authorities},
        {"default-ca", "no authorities are added", default_authorities},
        {"sts-patterns", "MX hosts are held to the names that surehop lists", sts_patterns},
        {"protocols", "TLS 1.2 is the oldest where TLS is demanded", protocols},
        {"mta-resolver", "Postfix asks the resolver that surehop asks", resolver},
    };
}

} // namespace surehop
