// SPDX-License-Identifier: Apache-2.0
#include "conf/table.h"

#include "base/text.h"
#include "conf/forms.h"
#include "conf/lenses.h"

#include <fmt/format.h>

#include <array>

namespace surehop {

namespace {

using namespace lenses;

constexpr auto falls_short_words =
    std::to_array<std::string_view>({"reject", "quarantine", "defer", "tag"});
constexpr auto unknown_words =
    std::to_array<std::string_view>({"defer", "reject", "quarantine", "tag", "accept"});
constexpr auto mode_words = std::to_array<std::string_view>({"audit", "enforce"});

constexpr std::string_view socket_form = "unix:/absolute/path or inet:PORT@ADDRESS";
constexpr std::string_view path_form = "an absolute path";
constexpr std::string_view domain_form = "a domain such as example.org";
constexpr std::string_view ascii_form = "printable ASCII without \" and \\";

constexpr std::uint64_t seconds = 1000, minutes = 60 * seconds, hours = 60 * minutes,
                        days = 24 * hours;

// The order is that of surehop.toml(5) and of `surehop config`.
constexpr auto rows = std::to_array<Row>({
    {.section = "mta",
     .key = "lock",
     .type = Type::word,
     .words = lock_names,
     .initial = "none",
     .help = "Which mail server binds its deliveries by asking surehop",
     .lens = word_at<&Settings::mta, &Settings::Mta::lock, lock_names>},
    {.section = "mta",
     .key = "queue_lifetime",
     .type = Type::duration,
     .least = 1 * minutes,
     .most = 100 * days,
     .initial = "5d",
     .help = "How long the mail server keeps trying to deliver a message",
     .lens = duration_at<&Settings::mta, &Settings::Mta::queue_lifetime>},
    {.section = "mta",
     .key = "final_domains",
     .type = Type::list,
     .most = 1000,
     .form = domain_form,
     .help = "Domains that are delivered on this machine: their mail is not transport",
     .lens = list_at<&Settings::mta, &Settings::Mta::final_domains, Domain::parse>},
    {.section = "mta",
     .key = "tls_required",
     .type = Type::word,
     .words = waiver_names,
     .initial = "refuse",
     .help = "What happens to a message by which its sender waives protection (TLS-Required: No)",
     .lens = word_at<&Settings::mta, &Settings::Mta::tls_required, waiver_names>},

    {.section = "policy",
     .key = "minimum",
     .type = Type::word,
     .words = level_names,
     .initial = "authenticated",
     .help = "The lowest level at which mail may leave",
     .lens = minimum},
    {.section = "policy",
     .key = "least_tls",
     .type = Type::word,
     .words = tls_version_names,
     .initial = "1.2",
     .help = "The oldest version of TLS that the mail server may use where a minimum is bound",
     .lens = least_tls},
    {.section = "policy",
     .key = "falls_short",
     .type = Type::word,
     .words = falls_short_words,
     .initial = "reject",
     .help = "What happens to a recipient whose destination stays below the minimum",
     .lens = action<&Requirement::falls_short>},
    {.section = "policy",
     .key = "unknown",
     .type = Type::word,
     .words = unknown_words,
     .initial = "defer",
     .help = "What happens to a recipient of whose destination not enough can be learnt",
     .lens = action<&Requirement::unknown>},
    {.section = "policy",
     .key = "mode",
     .type = Type::word,
     .words = mode_words,
     .absent = Absent::required,
     .initial = "audit",
     .help = "Whether decisions are only recorded, or carried out",
     .lens = mode},
    {.section = "policy",
     .key = "help",
     .least = 0,
     .most = 100,
     .form = ascii_form,
     .help = "Whom a refused sender may ask; stands in the reply",
     .lens = words_for_people<&Requirement::help>},

    {.section = "rule",
     .key = "name",
     .most = 64,
     .form = ascii_form,
     .absent = Absent::required,
     .help = "Names the rule in replies, logs and the ledger; unique",
     .lens = words_for_people<&Requirement::rule>},
    {.section = "rule",
     .key = "sender",
     .type = Type::list,
     .most = 1000,
     .form = "user@example.org, @example.org, *.example.org, <>, * or file:/path",
     .absent = Absent::nothing,
     .help = "Envelope senders for whom the rule holds; without it, every sender",
     .lens = addresses<&Rule::senders, AddressPattern::parse>},
    {.section = "rule",
     .key = "recipient",
     .type = Type::list,
     .most = 1000,
     .form = "user@example.org, @example.org, *.example.org, * or file:/path",
     .absent = Absent::nothing,
     .help = "Recipients for whom the rule holds; without it, every recipient",
     .lens = addresses<&Rule::recipients, recipient_pattern>},
    {.section = "rule",
     .key = "user",
     .type = Type::list,
     .most = 200,
     .form = "the name with which somebody authenticates, or *",
     .absent = Absent::nothing,
     .help = "Authenticated users for whom the rule holds; * is any of them",
     .lens = block_list_at<&Settings::rules, &Rule::users, lower_text>},
    {.section = "rule",
     .key = "client",
     .type = Type::list,
     .most = 1000,
     .form = "10.0.0.0/8, 2001:db8::/32 or one address",
     .absent = Absent::nothing,
     .help = "Addresses from which the message comes in",
     .lens = block_list_at<&Settings::rules, &Rule::clients, range_of>},
    {.section = "rule",
     .key = "listener",
     .type = Type::list,
     .form = "the mail server's name for where it listens: {daemon_name}",
     .absent = Absent::nothing,
     .help = "Where the message comes in",
     .lens = block_list_at<&Settings::rules, &Rule::listeners, any_text>},
    {.section = "rule",
     .key = "header",
     .type = Type::table,
     .most = 1000,
     .form = "{ \"X-Classification\" = \"(?i)confidential|secret\" }",
     .absent = Absent::nothing,
     .help = "Header fields that match these expressions, all of them",
     .lens = fields},
    {.section = "rule",
     .key = "larger_than",
     .type = Type::number,
     .least = 1,
     .most = 1'000'000'000'000,
     .absent = Absent::nothing,
     .initial = "10000000",
     .help = "The size in octets that the whole message exceeds",
     .lens = larger_than},
    {.section = "rule",
     .key = "hours",
     .type = Type::list,
     .form = "Mon-Fri 08:00-18:00, Sat 00:00-24:00 or 22:00-06:00",
     .absent = Absent::nothing,
     .help = "When the message comes in, in the time zone of this machine",
     .lens = block_list_at<&Settings::rules, &Rule::hours, Hours::parse>},
    {.section = "rule",
     .key = "minimum",
     .type = Type::word,
     .words = level_names,
     .absent = Absent::as_policy,
     .help = "As in [policy]",
     .lens = minimum},
    {.section = "rule",
     .key = "least_tls",
     .type = Type::word,
     .words = tls_version_names,
     .absent = Absent::as_policy,
     .help = "As in [policy]",
     .lens = least_tls},
    {.section = "rule",
     .key = "falls_short",
     .type = Type::word,
     .words = falls_short_words,
     .absent = Absent::as_policy,
     .help = "As in [policy]",
     .lens = action<&Requirement::falls_short>},
    {.section = "rule",
     .key = "unknown",
     .type = Type::word,
     .words = unknown_words,
     .absent = Absent::as_policy,
     .help = "As in [policy]",
     .lens = action<&Requirement::unknown>},
    {.section = "rule",
     .key = "mode",
     .type = Type::word,
     .words = mode_words,
     .absent = Absent::as_policy,
     .help = "As in [policy]",
     .lens = mode},
    {.section = "rule",
     .key = "help",
     .least = 0,
     .most = 100,
     .form = ascii_form,
     .absent = Absent::as_policy,
     .help = "As in [policy]",
     .lens = words_for_people<&Requirement::help>},

    {.section = "route",
     .key = "domain",
     .type = Type::list,
     .most = 1000,
     .form = "example.org, *.example.org or *",
     .absent = Absent::nothing,
     .help =
         "Recipients' domains for which the route holds where the mail server names no next hop",
     .lens = block_list_at<&Settings::routes, &Route::domains, domain_pattern>},
    {.section = "route",
     .key = "next_hop",
     .most = 300,
     .form = "example.org, [mx.example.org] or [192.0.2.1], with or without :PORT",
     .absent = Absent::nothing,
     .help = "Where their mail goes; or, without domain, the next hop that the route describes",
     .lens = route_next_hop},
    {.section = "route",
     .key = "scope",
     .type = Type::word,
     .words = scope_words,
     .initial = "transport",
     .help = "Whether the hop is judged (transport) or belongs to the house (internal)",
     .lens = route_scope},

    {.section = "listen",
     .key = "milter",
     .form = socket_form,
     .initial = "unix:" SUREHOP_RUNSTATEDIR "/surehop/milter.sock",
     .help = "Where the mail server's milter connections are accepted",
     .lens = text_at<&Settings::listen, &Settings::Listen::milter, socket_text>},
    {.section = "listen",
     .key = "socketmap",
     .type = Type::list,
     .form = socket_form,
     .initial = "unix:" SUREHOP_RUNSTATEDIR "/surehop/socketmap.sock",
     .help = "Where the mail server asks for the TLS policy of a next hop",
     .lens = list_at<&Settings::listen, &Settings::Listen::socketmap, socket_text>},
    {.section = "listen",
     .key = "peers",
     .type = Type::list,
     .most = 1000,
     .form = "10.0.0.0/8, 2001:db8::/32 or one address",
     .help = "Who may ask over TCP, beside this machine itself",
     .lens = list_at<&Settings::listen, &Settings::Listen::peers, range_of>},
    {.section = "listen",
     .key = "control",
     .form = path_form,
     .initial = SUREHOP_RUNSTATEDIR "/surehop/control.sock",
     .help = "The socket over which surehop(8) talks to the daemon",
     .lens = text_at<&Settings::listen, &Settings::Listen::control, socket_path>},
    {.section = "listen",
     .key = "metrics",
     .least = 0,
     .form = "inet:PORT@ADDRESS",
     .help = "Where Prometheus reads metrics over HTTP; without it, nowhere",
     .lens = text_at<&Settings::listen, &Settings::Listen::metrics, metrics_socket>},

    {.section = "store",
     .key = "path",
     .most = 1000,
     .form = path_form,
     .initial = SUREHOP_LOCALSTATEDIR "/lib/surehop/surehop.db",
     .help = "The SQLite file with facts, exceptions and the ledger",
     .lens = text_at<&Settings::store, &Settings::Store::path, absolute_path>},

    {.section = "ledger",
     .key = "keep",
     .type = Type::duration,
     .least = 0,
     .most = 36'500 * days,
     .initial = "730d",
     .help = "For how long decisions and changes are kept; 0s: for ever",
     .lens = duration_at<&Settings::ledger, &Settings::Ledger::keep>},
    {.section = "ledger",
     .key = "addresses",
     .type = Type::word,
     .words = address_form_names,
     .initial = "full",
     .help = "What is kept of the addresses of senders and recipients",
     .lens = word_at<&Settings::ledger, &Settings::Ledger::addresses, address_form_names>},
    {.section = "ledger",
     .key = "key_file",
     .most = 1000,
     .form = path_form,
     .initial = SUREHOP_LOCALSTATEDIR "/lib/surehop/ledger.key",
     .help = "The secret under which addresses are hashed",
     .lens = text_at<&Settings::ledger, &Settings::Ledger::key_file, absolute_path>},

    {.section = "resolver",
     .key = "servers",
     .type = Type::list,
     .form = "127.0.0.1, 127.0.0.1:53, ::1 or [::1]:53",
     .help = "The DNS servers to ask",
     .lens = list_at<&Settings::resolver, &Settings::Resolver::servers, server_text>},
    {.section = "resolver",
     .key = "trusted",
     .type = Type::list,
     .form = "an address such as 192.0.2.53",
     .help = "Servers beyond loopback whose word on DNSSEC is believed",
     .lens = list_at<&Settings::resolver, &Settings::Resolver::trusted, address_text>},
    {.section = "resolver",
     .key = "bogus_names",
     .type = Type::list,
     .most = 1000,
     .form = domain_form,
     .help = "Names with broken signatures, for which a validating resolver gives SERVFAIL",
     .lens = list_at<&Settings::resolver, &Settings::Resolver::bogus_names, domain_text>},
    {.section = "resolver",
     .key = "timeout",
     .type = Type::duration,
     .least = 100,
     .most = 5 * seconds,
     .initial = "1500ms",
     .help = "How long one try of one query may take",
     .lens = duration_at<&Settings::resolver, &Settings::Resolver::timeout>},
    {.section = "resolver",
     .key = "retest",
     .type = Type::duration,
     .least = 1 * seconds,
     .most = 1 * hours,
     .initial = "1m",
     .help = "How often it is tested whether the resolver still validates",
     .lens = duration_at<&Settings::resolver, &Settings::Resolver::retest>},

    {.section = "https",
     .key = "ca_file",
     .least = 0,
     .most = 1000,
     .form = path_form,
     .help = "Certificates (PEM) that vouch for policy hosts; empty: those of the system",
     .lens = text_at<&Settings::https, &Settings::Https::ca_file, absolute_path_or_none>},
    {.section = "https",
     .key = "port",
     .type = Type::number,
     .least = 1,
     .most = 65535,
     .initial = "443",
     .help = "The port of policy hosts; another one is for tests",
     .lens = number_at<&Settings::https, &Settings::Https::port>},
    {.section = "https",
     .key = "allow_private",
     .type = Type::list,
     .form = "10.0.0.0/8, 2001:db8::/32 or one address",
     .help = "Ranges that are not public, in which policy hosts may live nevertheless",
     .lens = list_at<&Settings::https, &Settings::Https::allow_private, range_text>},
    {.section = "https",
     .key = "timeout",
     .type = Type::duration,
     .least = 1 * seconds,
     .most = 60 * seconds,
     .initial = "10s",
     .help = "How long fetching a policy may take in all",
     .lens = duration_at<&Settings::https, &Settings::Https::timeout>},

    {.section = "facts",
     .key = "shortest",
     .type = Type::duration,
     .least = 1 * seconds,
     .most = 10 * minutes,
     .initial = "5s",
     .help = "How long facts hold at least, however short their TTL",
     .lens = duration_at<&Settings::facts, &Settings::Facts::shortest>},
    {.section = "facts",
     .key = "longest",
     .type = Type::duration,
     .least = 1 * minutes,
     .most = 1 * days,
     .initial = "1h",
     .help = "How long facts hold at most, however long their TTL",
     .lens = duration_at<&Settings::facts, &Settings::Facts::longest>},
    {.section = "facts",
     .key = "keep_fresh",
     .type = Type::duration,
     .least = 0,
     .most = 7 * days,
     .initial = "1h",
     .help = "For how long after its last use a next hop is looked up ahead of time",
     .lens = duration_at<&Settings::facts, &Settings::Facts::keep_fresh>},
    {.section = "facts",
     .key = "keep_unused",
     .type = Type::duration,
     .least = 1 * days,
     .most = 1000 * days,
     .initial = "30d",
     .help = "For how long after its last use a next hop is kept",
     .lens = duration_at<&Settings::facts, &Settings::Facts::keep_unused>},

    {.section = "gate",
     .key = "wait",
     .type = Type::duration,
     .least = 100,
     .most = 4 * seconds,
     .initial = "2s",
     .help = "How long RCPT waits for a next hop of which nothing is known yet",
     .lens = duration_at<&Settings::gate, &Settings::Gate::wait>},
    {.section = "gate",
     .key = "tag_header",
     .most = 64,
     .form = "a header name of your own such as X-Surehop",
     .initial = "X-Surehop",
     .help = "The header that marks a message; one that comes in with a message is removed",
     .lens = text_at<&Settings::gate, &Settings::Gate::tag_header, header_name>},

    {.section = "allow",
     .key = "longest",
     .type = Type::duration,
     .least = 1 * hours,
     .most = 3660 * days,
     .initial = "366d",
     .help = "How far ahead the end of an exception may lie when it is made",
     .lens = duration_at<&Settings::allow, &Settings::Allow::longest>},
    {.section = "allow",
     .key = "files",
     .type = Type::list,
     .most = 190, // an author's name has room for more
     .form = path_form,
     .help =
         "Lists of exceptions (CSV, or JSON where the name ends in .json) that are kept in force",
     .lens = list_at<&Settings::allow, &Settings::Allow::files, absolute_path>},

    {.section = "log",
     .key = "level",
     .type = Type::word,
     .words = log_level_names,
     .initial = "info",
     .help = "The least important messages that are logged",
     .lens = word_at<&Settings::log, &Settings::Log::level, log_level_names>},
    {.section = "log",
     .key = "target",
     .type = Type::word,
     .words = log_target_names,
     .initial = "stderr",
     .help = "Where they go",
     .lens = word_at<&Settings::log, &Settings::Log::target, log_target_names>},
});

} // namespace

std::string_view name_of(Type type) {
    constexpr auto names =
        std::to_array<std::string_view>({"word", "text", "duration", "number", "list", "table"});
    return names.at(static_cast<std::size_t>(type));
}

std::string Row::range() const {
    switch (type) {
    case Type::word: {
        const std::vector<std::string> all(words.begin(), words.end() - 1);
        return fmt::format("{} or {}", join(all, ", "), words.back());
    }
    case Type::duration:
        return fmt::format("{} to {}", format_duration(Millis(static_cast<Millis::rep>(least))),
                           format_duration(Millis(static_cast<Millis::rep>(most))));
    case Type::number:
        return fmt::format("{} to {}", least, most);
    case Type::text:
    case Type::list:
    case Type::table:
        break;
    }
    return std::string(form);
}

std::span<const Row> all_rows() { return rows; }

std::vector<std::string_view> all_sections() {
    std::vector<std::string_view> out;
    for (const Row& row : rows)
        if (out.empty() || out.back() != row.section)
            out.push_back(row.section);
    return out;
}

std::vector<std::string_view> keys_of(std::string_view section) {
    std::vector<std::string_view> out;
    for (const Row& row : rows)
        if (row.section == section)
            out.push_back(row.key);
    return out;
}

const Row* find_row(std::string_view section, std::string_view key) {
    for (const Row& row : rows)
        if (row.section == section && row.key == key)
            return &row;
    return nullptr;
}

bool is_repeated(std::string_view section) { return section == "rule" || section == "route"; }

std::string place_prefix(std::string_view section, std::size_t index) {
    return index == 0 ? std::string(section) : fmt::format("{}[{}]", section, index);
}

std::size_t count_of(const Settings& settings, std::string_view section) {
    return section == "rule"    ? settings.rules.size()
           : section == "route" ? settings.routes.size()
                                : 1;
}

} // namespace surehop
