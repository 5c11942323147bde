// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix_tables.h"

#include "base/text.h"
#include "mta/postfix_socket.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace surehop {

namespace {

constexpr std::array<std::string_view, 8> listable = {"hash", "btree", "lmdb",   "cdb",
                                                      "dbm",  "sdbm",  "inline", "texthash"};
constexpr std::array<std::string_view, 3> of_patterns = {"regexp", "pcre", "cidr"};

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// "key<blank>value", as postmap -s prints and texthash has them.
std::vector<TableEntry> entries_of(std::string_view text) {
    std::vector<TableEntry> out;
    for (std::string_view line : split(text, '\n')) {
        line = trim(line);
        const auto end = line.find_first_of(" \t");
        if (!line.empty())
            out.push_back(
                {std::string(line.substr(0, end)),
                 end == std::string_view::npos ? "" : std::string(trim(line.substr(end)))});
    }
    return out;
}

// A line of regexp_table(5), pcre_table(5) or cidr_table(5).
TableEntry pattern_line(std::string_view line) {
    std::size_t end = 0;
    const std::size_t opens = line.find_first_not_of("! \t");
    if (opens == std::string_view::npos)
        return {};
    if (!is_letter_or_digit(line[opens]) && line[opens] != ':' && line[opens] != '[')
        for (end = opens + 1; end < line.size() && line[end] != line[opens]; ++end)
            if (line[end] == '\\')
                ++end;
    end = std::min(line.find_first_of(" \t", std::min(end, line.size())), line.size());
    return {std::string(line.substr(0, end)), std::string(trim(line.substr(end)))};
}

ListedTable patterns_of(const std::string& table, const std::string& text) {
    std::vector<TableEntry> out;
    for (const std::string_view raw : split(text, '\n')) {
        const bool folded = raw.starts_with(' ') || raw.starts_with('\t');
        std::string_view line = trim(raw);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.empty() || line.starts_with('#'))
            continue;
        if (folded && !out.empty()) {
            out.back().value += fmt::format(" {}", line);
            continue;
        }
        const std::string word = lower(line.substr(0, 5));
        if (word.starts_with("if ") || word.starts_with("if/") || word.starts_with("if!") ||
            word == "endif")
            continue;
        out.push_back(pattern_line(line));
    }
    for (const TableEntry& one : out)
        if (one.value.find('$') != std::string::npos)
            return Error{
                fmt::format("{} computes '{}' from what matches", table, printable(one.value, 60))};
    return out;
}

// From 3.7 on patterns may stand in main.cf: cidr:{{192.0.2.0/24 DISABLE}, {...}}.
std::string lines_within(std::string_view braces) {
    std::string out;
    const auto inside = [](std::string_view text) {
        return text.size() >= 2 && text.starts_with('{') && text.ends_with('}')
                   ? trim(text.substr(1, text.size() - 2))
                   : text;
    };
    for (const std::string& one : postfix_list(inside(braces)))
        out += fmt::format("{}\n", inside(one));
    return out;
}

} // namespace

ListedTable list_table(const std::string& table, const Surroundings& around,
                       const std::function<Result<std::string>(const std::string&)>& postmap) {
    std::string name = table;
    constexpr std::string_view proxy = "proxy:";
    while (name.starts_with(proxy))
        name.erase(0, proxy.size());
    const auto colon = name.find(':');
    if (colon == std::string::npos)
        return Error{fmt::format("'{}' is no table", printable(table, 60))};
    const std::string_view type = std::string_view(name).substr(0, colon);
    const std::string rest = name.substr(colon + 1);
    if (type == "static") {
        std::string_view value = rest; // static:value, static:{ value with blanks }
        if (value.starts_with('{') && value.ends_with('}'))
            value = trim(value.substr(1, value.size() - 2));
        return std::vector<TableEntry>{{"*", std::string(value)}};
    }
    if (is_one_of(type, of_patterns)) {
        if (rest.starts_with('{'))
            return patterns_of(fmt::format("the inline {} table", type), lines_within(rest));
        const auto text = around.read(rest);
        if (!text)
            return Error{fmt::format("{} cannot be read", printable(rest))};
        return patterns_of(printable(name), *text);
    }
    if (!is_one_of(type, listable))
        return Error{fmt::format("tables of type {} cannot be listed", printable(type, 30))};
    const auto printed = postmap(name);
    if (!printed)
        return Error{printed.error()};
    return entries_of(*printed);
}

// ---- next hops

namespace {

// "unix:private/dovecot-lmtp", "inet:127.0.0.1:24": what lmtp(8) reaches without a network.
bool stays_here(std::string_view hop) {
    if (hop.starts_with("inet:"))
        hop.remove_prefix(5);
    return hop.starts_with("unix:") || hop.starts_with("127.") || hop.starts_with("[127.") ||
           hop.starts_with("localhost") || hop.starts_with("[::1]") ||
           hop.starts_with("[IPv6:::1]") || hop.starts_with("[localhost]");
}

class HopFinder {
  public:
    HopFinder(const PostfixSeen& seen, const Tables& tables) : seen_(seen), tables_(tables) {}

    NamedHops find() {
        add_hop("relayhost", value("relayhost"), "", "");
        for (const char* name : {"relay_transport", "default_transport", "local_transport",
                                 "virtual_transport", "mailbox_transport", "fallback_transport"})
            add_transport(name, value(name), "", "");
        filters();
        fallback_relays();
        table("transport_maps", Of::transports, Key::recipient);
        table("fallback_transport_maps", Of::transports, Key::recipient);
        table("mailbox_transport_maps", Of::transports, Key::recipient);
        table("sender_dependent_default_transport_maps", Of::transports, Key::sender);
        table("sender_dependent_relayhost_maps", Of::next_hops, Key::sender);
        return std::move(out_);
    }

  private:
    enum class Of { transports, next_hops };
    enum class Key { recipient, sender };

    std::string value(std::string_view name) const { return seen_.postfix.value(name); }

    void add_hop(const std::string& where, std::string_view text, const std::string& recipient,
                 const std::string& sender) {
        for (const std::string& one : postfix_list(text))
            out_.hops.push_back({one, where, recipient, sender});
    }

    // "transport:nexthop", where each part may be missing.
    void add_transport(const std::string& where, std::string_view text,
                       const std::string& recipient, const std::string& sender) {
        text = trim(text);
        const auto colon = text.find(':');
        std::string transport(text.substr(0, colon));
        const std::string_view hop =
            colon == std::string_view::npos ? "" : trim(text.substr(colon + 1));
        if (transport.empty() && hop.empty())
            return;
        if (transport.empty()) {
            const std::string by_default = value("default_transport");
            transport = by_default.substr(0, by_default.find(':'));
        }
        const PostfixService* service = seen_.postfix.service(transport, "unix");
        if (service == nullptr)
            return out_.findings.warning(
                "next-hops",
                fmt::format("{} names the transport '{}', which master.cf has not: its "
                            "mail is deferred",
                            where, printable(transport, 40)));
        constexpr std::array<std::string_view, 5> inside = {"local", "virtual", "error", "retry",
                                                            "discard"};
        if (service->program == "lmtp" && !stays_here(hop))
            return out_.findings.failed(
                "next-hops",
                fmt::format("{} hands mail to {} by LMTP, for which Postfix asks nobody for a "
                            "policy: surehop cannot bind it",
                            where, printable(hop, 60)),
                "deliver it by smtp, or over a unix: socket on this machine");
        if (service->program == "lmtp")
            return;
        if (service->program == "smtp")
            return add_hop(where, hop, recipient, sender);
        if (std::find(inside.begin(), inside.end(), service->program) == inside.end())
            out_.findings.warning(
                "next-hops",
                fmt::format("{} hands mail to {}, run by {}(8): where that sends it, surehop "
                            "neither sees nor binds",
                            where, printable(transport, 40), printable(service->program, 40)));
    }

    void filters() {
        each_view(seen_.postfix, "content_filter", [&](const PostfixView& view) {
            add_transport(view.spell("content_filter"), view.value("content_filter"), "", "");
        });
    }

    void fallback_relays() {
        each_delivery(seen_.postfix, {"smtp_fallback_relay"}, [&](const PostfixView& view) {
            const std::string name = view.spell("smtp_fallback_relay");
            const std::string relay = view.value("smtp_fallback_relay");
            if (relay.empty())
                return;
            out_.findings.warning(
                "fallback-relay",
                fmt::format("{} is {}: mail that goes there is held to the floor of that host, not "
                            "to what was promised for its destination",
                            name, printable(relay)),
                view.set("smtp_fallback_relay", ""));
            add_hop(name, relay, "", "");
        });
    }

    // An address for which this key of a table holds; "" where it is a pattern or holds for any.
    static std::string address_for(const std::string& key) {
        if (key.find_first_of("*/()\\^$|") != std::string::npos)
            return "";
        if (key.starts_with('@'))
            return "postmaster" + key;
        if (key.find('@') != std::string::npos)
            return key;
        if (key.starts_with('.'))
            return "postmaster@any" + key;
        return key.find('.') == std::string::npos ? "" : "postmaster@" + key;
    }

    void table(const char* name, Of of, Key key) {
        for (const std::string& one : postfix_list(value(name))) {
            const ListedTable listed = tables_(one);
            if (!listed) {
                out_.findings.warning(
                    "next-hops", fmt::format("{}: {}; which next hops it names is not known, try "
                                             "'surehop explain --mailer smtp --host NEXT-HOP'",
                                             name, listed.error()));
                continue;
            }
            for (const TableEntry& entry : *listed) {
                const std::string where = fmt::format("{} ({})", name, printable(entry.key, 80));
                const std::string address = address_for(entry.key);
                const std::string recipient = key == Key::recipient ? address : "";
                const std::string sender = key == Key::sender ? address : "";
                if (same_ignoring_case(entry.value, "DUNNO"))
                    continue;
                if (of == Of::transports)
                    add_transport(where, entry.value, recipient, sender);
                else
                    add_hop(where, entry.value, recipient, sender);
            }
        }
    }

    const PostfixSeen& seen_;
    const Tables& tables_;
    NamedHops out_;
};

} // namespace

NamedHops named_hops(const PostfixSeen& seen, const Tables& tables) {
    return HopFinder(seen, tables).find();
}

void examine_milter_maps(const PostfixSeen& seen, const Tables& tables, Findings& out) {
    constexpr std::string_view check = "milter-maps", parameter = "smtpd_milter_maps";
    const auto names_ours = [&](const std::string& list) {
        const auto milters = postfix_milters(list);
        return std::any_of(milters.begin(), milters.end(),
                           [&](const PostfixMilter& one) { return is_our_milter(one, seen); });
    };
    const auto examine = [&](const PostfixView& view) {
        for (const std::string& table : postfix_list(view.value(parameter))) {
            const ListedTable listed = tables(table);
            if (!listed) {
                out.warning(check,
                            fmt::format("{}: {}; which clients it takes past the gate (DISABLE) is "
                                        "not known",
                                        view.spell(parameter), listed.error()),
                            view.set(parameter, ""));
                continue;
            }
            for (const TableEntry& entry : *listed)
                if (!names_ours(entry.value))
                    out.failed(check,
                               fmt::format("{} has '{} {}': mail from such a client is not judged",
                                           view.spell(parameter), printable(entry.key, 60),
                                           printable(entry.value, 60)),
                               view.set(parameter, ""));
        }
    };
    out.look(check, "no client is taken past the milter",
             [&] { each_view(seen.postfix, parameter, examine); });
}

} // namespace surehop
