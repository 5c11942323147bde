// SPDX-License-Identifier: Apache-2.0
#include "facts/reason.h"

#include <array>

namespace surehop {

namespace {

using enum Reason;
using enum Fault;

// One row per reason, in the order of the enum: reason_row relies on it, reason_test proves it.
constexpr auto rows = std::to_array<ReasonRow>({
    {none, ours, "", ""},
    {dns_timeout, unsure, "dns-timeout", "a DNS look-up got no answer in time"},
    {dns_unreachable, ours, "dns-unreachable", "the DNS resolver of this site cannot be reached"},
    {dns_servfail, unsure, "dns-servfail", "a DNS look-up failed"},
    {dns_bogus, theirs, "dns-bogus", "its DNSSEC signatures are not valid"},
    {dns_refused, unsure, "dns-refused", "a DNS look-up was refused"},
    {dns_malformed, theirs, "dns-malformed", "a DNS answer could not be read"},
    {dns_cname_loop, theirs, "dns-cname-loop", "its DNS aliases never end"},
    {no_such_domain, theirs, "no-such-domain", "this domain does not exist"},
    {null_mx, theirs, "null-mx", "this domain accepts no mail"},
    {mx_implicit, theirs, "mx-implicit", "it has no MX record"},
    {mx_insecure, theirs, "mx-insecure", "its MX records are not signed with DNSSEC"},
    {mx_unusable, theirs, "mx-unusable", "none of its MX hosts can be used"},
    {mx_too_many, ours, "mx-too-many", "it has more MX hosts than this site looks up"},
    {host_no_address, theirs, "host-no-address", "its mail host has no address"},
    {host_insecure, theirs, "host-insecure",
     "the address of its mail host is not signed with DNSSEC"},
    {tlsa_none, theirs, "tlsa-none", "its mail host publishes no TLSA record"},
    {tlsa_insecure, theirs, "tlsa-insecure", "its TLSA records are not signed with DNSSEC"},
    {tlsa_unusable, theirs, "tlsa-unusable", "none of its TLSA records can be used"},
    {tlsa_partial, theirs, "tlsa-partial", "not all of its mail hosts publish TLSA records"},
    {sts_txt_none, theirs, "sts-txt-none", "it publishes no MTA-STS policy"},
    {sts_txt_multiple, theirs, "sts-txt-multiple", "it publishes more than one MTA-STS record"},
    {sts_txt_syntax, theirs, "sts-txt-syntax", "its MTA-STS record is not valid"},
    {sts_fetch_tls, theirs, "sts-fetch-tls",
     "the certificate of its MTA-STS policy host is not valid"},
    {sts_fetch_connect, unsure, "sts-fetch-connect", "its MTA-STS policy host cannot be reached"},
    {sts_fetch_timeout, unsure, "sts-fetch-timeout",
     "its MTA-STS policy host did not answer in time"},
    {sts_fetch_status, theirs, "sts-fetch-status",
     "its MTA-STS policy host does not deliver the policy"},
    {sts_fetch_type, theirs, "sts-fetch-type", "its MTA-STS policy is not served as text/plain"},
    {sts_fetch_size, theirs, "sts-fetch-size", "its MTA-STS policy is too large"},
    {sts_fetch_address, theirs, "sts-fetch-address",
     "its MTA-STS policy host has a private address"},
    {sts_fetch_local, ours, "sts-fetch-local",
     "this site cannot check the certificates of policy hosts"},
    {sts_policy_syntax, theirs, "sts-policy-syntax", "its MTA-STS policy is not valid"},
    {sts_mode_testing, theirs, "sts-mode-testing", "its MTA-STS policy is in testing mode"},
    {sts_mode_none, theirs, "sts-mode-none", "its MTA-STS policy is switched off (mode none)"},
    {sts_mx_mismatch, theirs, "sts-mx-mismatch", "its MTA-STS policy allows none of its MX hosts"},
    {sts_mx_dane_fails, theirs, "sts-mx-dane-fails",
     "DANE decides for every MX host that its MTA-STS policy allows, and fails"},
    {resolver_untested, ours, "resolver-untested", "this site's resolver has not answered yet"},
    {resolver_not_validating, ours, "resolver-not-validating",
     "this site's resolver does not validate DNSSEC, so DANE cannot be used"},
    {resolver_validation_lost, ours, "resolver-validation-lost",
     "this site's resolver has stopped validating DNSSEC"},
    {nothing_published, theirs, "nothing-published", "it publishes neither DANE nor MTA-STS"},
    {no_sts_dane_unchecked, ours, "no-sts-dane-unchecked",
     "it publishes no MTA-STS policy, and this site cannot check DANE"},
    {next_hop_host, theirs, "next-hop-host",
     "for a next hop that is a single host only DANE can be published, and it publishes none"},
    {next_hop_address, theirs, "next-hop-address", "for a bare address nothing can be published"},
    {next_hop_hidden, ours, "next-hop-hidden", "where its mail really goes cannot be seen here"},
    {next_hop_invalid, ours, "next-hop-invalid",
     "the next hop given by the mail server is not valid"},
    {next_hop_nowhere, ours, "next-hop-nowhere",
     "the next hop that this site sends it to takes no mail"},
    {lock_cannot_say, ours, "lock-cannot-say",
     "this mail server cannot be told to insist on what it offers"},
    {lock_floor, ours, "lock-floor",
     "its next hop does not offer the level that all mail to it must have at delivery"},
    {look_up_running, ours, "look-up-running", "its protection is still being looked up"},
    {look_up_refused, ours, "look-up-refused", "too many look-ups are waiting"},
    {internal, ours, "internal", "surehop had an internal error"},
});

const ReasonRow& row(Reason reason) { return rows.at(static_cast<std::size_t>(reason)); }

} // namespace

std::string_view token_of(Reason reason) { return row(reason).token; }

std::optional<Reason> reason_of(std::string_view token) {
    for (const ReasonRow& r : rows)
        if (r.token == token)
            return r.reason;
    return std::nullopt;
}

std::string_view sentence_of(Reason reason) { return row(reason).sentence; }

std::string_view sentence_of_token(std::string_view token) {
    const auto reason = reason_of(token);
    return reason ? sentence_of(*reason) : std::string_view();
}

Fault fault_of(Reason reason) { return row(reason).fault; }

std::span<const ReasonRow> all_reasons() { return rows; }

} // namespace surehop
