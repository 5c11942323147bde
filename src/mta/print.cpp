// SPDX-License-Identifier: Apache-2.0
#include "mta/print.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace surehop {

namespace {

constexpr std::string_view unix_scheme = "unix:", inet_scheme = "inet:";

// unix:surehop/milter.sock, unix:/run/surehop/milter.sock, inet:127.0.0.1:8460
std::string for_postfix(const std::string& ours, const std::string& queue_directory) {
    const std::string_view text = ours;
    if (text.starts_with(unix_scheme)) {
        const std::string queue = queue_directory + "/";
        std::string_view path = text.substr(unix_scheme.size());
        if (path.starts_with(queue))
            path.remove_prefix(queue.size());
        return fmt::format("unix:{}", path);
    }
    const std::string_view rest = text.substr(std::min(inet_scheme.size(), text.size()));
    const auto at = rest.find('@');
    const std::string_view port = rest.substr(0, at);
    const std::string_view host = at == std::string_view::npos ? "127.0.0.1" : rest.substr(at + 1);
    return host.find(':') == std::string_view::npos ? fmt::format("inet:{}:{}", host, port)
                                                    : fmt::format("inet:[{}]:{}", host, port);
}

// local:/run/surehop/milter.sock, inet:8460@127.0.0.1
std::string for_sendmail(const std::string& ours) {
    return ours.starts_with(unix_scheme) ? "local:" + ours.substr(unix_scheme.size()) : ours;
}

std::string first_socketmap(const Wiring& surehop) {
    return surehop.socketmap.empty() ? "unix:" SUREHOP_RUNSTATEDIR "/surehop/socketmap.sock"
                                     : surehop.socketmap.front();
}

bool is_outside(const std::string& ours, const std::string& queue_directory) {
    return ours.starts_with(unix_scheme) && !ours.starts_with("unix:" + queue_directory + "/");
}

// "# words" stay, settings become "#settings".
std::string commented(std::string_view text) {
    std::string out;
    text.remove_suffix(text.ends_with('\n') ? 1 : 0);
    for (const std::string_view line : split(text, '\n'))
        out += fmt::format("{}{}\n", line.starts_with('#') ? "" : "#", line);
    return out;
}

} // namespace

std::string print_postfix(const Wiring& surehop, const std::string& queue_directory) {
    const bool newer = surehop.lock == Lock::postfix310;
    const std::string map = first_socketmap(surehop);
    std::string out = fmt::format(
        "# Postfix {} with surehop: lines of main.cf. `surehop doctor --mta postfix --print` "
        "makes\n"
        "# them from surehop.toml. Write them in place of the lines of the same names (Postfix "
        "warns of\n"
        "# two), then `postfix reload`; `surehop doctor --mta postfix` says what still stands in "
        "the way.\n\n",
        newer ? "3.10 and later" : "3.4 to 3.9");
    if (is_outside(surehop.milter, queue_directory) || is_outside(map, queue_directory))
        out +=
            fmt::format("# These sockets are outside {}: services in the chroot (master.cf, fifth\n"
                        "# column; Debian's default) cannot reach them. Have surehop listen in a "
                        "folder in there.\n\n",
                        queue_directory);
    const std::string milter = for_postfix(surehop.milter, queue_directory);
    out += fmt::format(
        "# The gate: each recipient is judged at RCPT. Paths count from the queue directory, so "
        "that\n"
        "# they hold inside the chroot and outside. Other milters come before surehop's.\n"
        "smtpd_milters = {0}\n"
        "non_smtpd_milters = {0}\n"
        "# While surehopd is down nobody's mail is accepted, and nothing passes unjudged.\n"
        "milter_default_action = tempfail\n\n"
        "# The lock: each delivery asks for the policy of its next hop, and surehop's is the only "
        "one.\n"
        "smtp_tls_policy_maps = socketmap:{1}:{2}\n"
        "# Where surehop has none, DANE by Postfix itself, else TLS where there is TLS.\n"
        "smtp_tls_security_level = dane\n"
        "smtp_dns_support_level = dnssec\n"
        "smtp_host_lookup = dns\n"
        "smtp_tls_mandatory_protocols = {3}\n"
        "# Empty by default, and then no certificate is valid. The file is read before the "
        "chroot.\n"
        "smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n\n"
        "# Not longer than [mta] queue_lifetime: that is how long promises hold.\n"
        "maximal_queue_lifetime = {4}\n"
        "bounce_queue_lifetime = {4}\n\n"
        "# From 3.10 on: else a sender waives all of this by the header \"TLS-Required: No\".\n"
        "{5}tls_required_enable = no\n",
        milter, for_postfix(map, queue_directory), newer ? "postfix310" : "postfix",
        newer ? ">=TLSv1.2" : "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1",
        format_duration(surehop.queue_lifetime), newer ? "" : "#");
    return out + "\n" + commented(print_second_smtpd(surehop, queue_directory));
}

std::string print_second_smtpd(const Wiring& surehop, const std::string& queue_directory) {
    return fmt::format(
        "# A gate behind alias expansion. Postfix expands virtual aliases and canonical addresses "
        "after\n"
        "# the milter has spoken: the gate sees the address that was written, and the lock alone "
        "sees\n"
        "# where it leads. With these lines mail comes in without the milter, is expanded, and "
        "goes to\n"
        "# a second smtpd(8) of the same Postfix, where the milter judges the true recipients.\n"
        "#\n"
        "# What it costs: the first server has accepted the message by then, so a refusal reaches "
        "the\n"
        "# sender as a bounce, and while surehopd is down mail waits in the queue. Nobody has\n"
        "# authenticated at the second server, and its client is 127.0.0.1: rules must not ask for "
        "user,\n"
        "# client or listener. Mail that local(8) forwards (aliases, .forward) is still seen by "
        "the lock\n"
        "# alone. A content filter of your own comes first, and hands its mail to port 10026.\n"
        "#\n"
        "# In main.cf, in place of the lines of the same names:\n"
        "smtpd_milters =\n"
        "non_smtpd_milters =\n"
        "content_filter = reinject:[127.0.0.1]:10026\n"
        "# In master.cf:\n"
        "reinject unix - - - - - smtp\n"
        "    -o disable_mime_output_conversion=yes\n"
        "    -o smtp_send_xforward_command=yes\n"
        "127.0.0.1:10026 inet n - - - - smtpd\n"
        "    -o content_filter=\n"
        "    -o smtpd_milters={}\n"
        "    -o receive_override_options=no_address_mappings,no_unknown_recipient_checks\n"
        "    -o mynetworks=127.0.0.0/8\n"
        "    -o smtpd_client_restrictions=\n"
        "    -o smtpd_helo_restrictions=\n"
        "    -o smtpd_sender_restrictions=\n"
        "    -o smtpd_relay_restrictions=permit_mynetworks,reject\n"
        "    -o smtpd_recipient_restrictions=permit_mynetworks,reject\n"
        "    -o smtpd_data_restrictions=\n"
        "    -o smtpd_end_of_data_restrictions=\n"
        "    -o smtpd_tls_security_level=none\n"
        "    -o smtpd_authorized_xforward_hosts=127.0.0.0/8\n",
        for_postfix(surehop.milter, queue_directory));
}

std::string sendmail_milter_line(const Wiring& surehop) {
    return fmt::format("INPUT_MAIL_FILTER(`surehop', `S={}, F=T, T=S:30s;R:30s;E:5m')dnl",
                       for_sendmail(surehop.milter));
}

std::string sendmail_sts_line(const Wiring& surehop) {
    return fmt::format("FEATURE(`sts', `socket -d5 -T<TMPF> {}')dnl",
                       for_sendmail(first_socketmap(surehop)));
}

std::string print_sendmail(const Wiring& surehop) {
    return fmt::format(
        "dnl Sendmail 8.17 and later with surehop: lines of sendmail.mc, before MAILER().\n"
        "dnl `surehop doctor --mta sendmail --print' makes them from surehop.toml; after make and "
        "a\n"
        "dnl restart `surehop doctor --mta sendmail' says what still stands in the way.\n"
        "dnl\n"
        "dnl The gate: each recipient is judged at RCPT. F=T: while surehopd is down nobody's mail "
        "is\n"
        "dnl accepted; without it mail passes unjudged. Other filters come before this one.\n"
        "{}\n"
        "dnl The lock: each delivery asks for the MTA-STS policy of its recipient's domain. "
        "-T<TMPF>:\n"
        "dnl while surehopd is down mail waits. It needs the access map, once in sendmail.mc.\n"
        "FEATURE(`access_db')dnl\n"
        "{}\n"
        "dnl Without authorities no certificate is valid. Sendmail loads them only where both are "
        "set.\n"
        "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl\n"
        "define(`confCACERT_PATH', `/etc/ssl/certs')dnl\n"
        "dnl Not longer than [mta] queue_lifetime: that is how long promises hold.\n"
        "define(`confTO_QUEUERETURN', `{}')dnl\n"
        "dnl No connection that was good enough for one message carries the next.\n"
        "define(`confMCI_CACHE_SIZE', `0')dnl\n"
        "dnl From 8.18 on Sendmail does DANE by itself.\n"
        "dnl define(`confDANE', `true')dnl\n"
        "dnl\n"
        "dnl After MAILER(). FEATURE(`sts') looks at the certificate once for each connection;\n"
        "dnl this does so for each recipient, since several domains may share an MX host.\n"
        "LOCAL_TLS_RCPT\n"
        "R$*\t\t\t$: $1 $| $1\n"
        "R$*@$+ $| $*\t\t$2 $| $3\n"
        "R$+. $| $*\t\t$1 $| $2\n"
        "R$+ $| $*\t\t$: $(sts $1 $: none $) $| $2\n"
        "R$* <TMPF> $| $*\t$#error $@ 4.7.0 $: 450 STS lookup temp fail\n"
        "R$* secure $* $| $*\t$@ $>\"TLS_connection\" $&{{verify}} $| <TEMP+VERIFY:128>\n"
        "R$*\t\t\t$@ ok\n",
        sendmail_milter_line(surehop), sendmail_sts_line(surehop),
        format_duration(surehop.queue_lifetime));
}

} // namespace surehop
