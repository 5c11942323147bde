// SPDX-License-Identifier: Apache-2.0
#include "gate/route.h"

#include "address/ip_range.h"
#include "base/text.h"

#include <algorithm>
#include <array>

namespace surehop {

namespace {

// Mailers that deliver on this machine instead of sending: Postfix's local, virtual and lmtp,
// Sendmail's local, prog and its file and include mailers.
bool is_local_mailer(std::string_view mailer) {
    constexpr std::array<std::string_view, 7> local = {"local",  "virtual",   "lmtp",   "prog",
                                                       "*file*", "*include*", "discard"};
    return std::find(local.begin(), local.end(), mailer) != local.end();
}

bool is_final(const Path& recipient, const Site& site) {
    return recipient.domain() && std::find(site.final_domains.begin(), site.final_domains.end(),
                                           *recipient.domain()) != site.final_domains.end();
}

// <postmaster>, <root>: a name without a domain is this machine's own (RFC 5321 §4.1.1.3).
bool is_unqualified(const Path& recipient) { return !recipient.domain() && !recipient.literal(); }

std::string domain_text(const Path& recipient) {
    if (recipient.domain())
        return recipient.domain()->text();
    return recipient.literal().value_or("");
}

Way hidden(const Path& recipient, HopSource source, Reason reason = Reason::next_hop_hidden) {
    return {{NextHop::hidden(domain_text(recipient))}, source, reason};
}

// Sendmail asks its lock by the recipient's domain, and so a route of that domain holds there.
bool is_sendmails_key(const NextHop& next_hop, const Route& route, const Site& site) {
    return site.lock == Lock::sendmail && next_hop.kind() == HopKind::domain &&
           std::any_of(route.domains.begin(), route.domains.end(), [&](const AddressPattern& one) {
               return one.matches_domain(*next_hop.domain());
           });
}

// Wherever Sendmail then connects: another host cannot be bound, and is internal only where the
// domain is.
Way as_bound(Way way, const Path& recipient, const Site& site) {
    if (site.lock != Lock::sendmail || way.reason != Reason::none || is_unqualified(recipient))
        return way;
    auto asked = recipient.domain() ? Result<NextHop>(NextHop::of_domain(*recipient.domain()))
                                    : NextHop::parse("[" + *recipient.literal() + "]");
    if (!asked)
        return hidden(recipient, way.source, Reason::next_hop_invalid);
    NextHop key = judged(*std::move(asked), site);
    if (key.kind() != HopKind::internal && way.next_hops != std::vector{key})
        return hidden(recipient, way.source, Reason::lock_cannot_say);
    way.next_hops = {std::move(key)};
    return way;
}

constexpr std::size_t most_next_hops = 16; // in one list of the MTA's; each costs look-ups

// What the MTA said. A smart host's domain stands in place of the recipient's (RFC 8461 §3.4).
Way told(const Context& context, const Site& site) {
    const std::string mailer = lower(context.mailer);
    if (is_local_mailer(mailer)) {
        if (is_final(context.recipient, site) || is_unqualified(context.recipient))
            return {{NextHop::internal(domain_text(context.recipient))}, HopSource::rcpt_host};
        // What local and virtual expand to comes by the lock again; lmtp(8) delivers, and asks
        // nobody for a policy.
        return hidden(context.recipient, HopSource::rcpt_host,
                      mailer == "lmtp" ? Reason::lock_cannot_say : Reason::next_hop_hidden);
    }
    // Postfix says `error` for a virtual alias domain, which may expand to anywhere.
    if (mailer == "error" || context.host.empty())
        return hidden(context.recipient, HopSource::rcpt_host);
    const auto list = next_hop_list(context.host);
    if (list.empty() || list.size() > most_next_hops)
        return hidden(context.recipient, HopSource::rcpt_host, Reason::next_hop_invalid);
    Way way{{}, HopSource::rcpt_host};
    for (const std::string_view text : list) {
        auto hop = NextHop::parse(text);
        if (!hop)
            way.reason = Reason::next_hop_invalid;
        way.next_hops.push_back(hop ? judged(*std::move(hop), site)
                                    : NextHop::hidden(domain_text(context.recipient)));
    }
    return as_bound(std::move(way), context.recipient, site);
}

} // namespace

NextHop judged(NextHop next_hop, const Site& site) {
    const bool internal =
        (next_hop.kind() == HopKind::address && is_loopback(next_hop.name())) ||
        std::any_of(site.routes.begin(), site.routes.end(), [&](const Route& route) {
            return route.internal && ((route.next_hop && *route.next_hop == next_hop) ||
                                      is_sendmails_key(next_hop, route, site));
        });
    return internal ? NextHop::internal(next_hop.key()) : std::move(next_hop);
}

Way find_way(const Context& context, const Site& site) {
    if (!context.mailer.empty())
        return told(context, site);
    const Path& recipient = context.recipient;
    for (const Route& route : site.routes) {
        const bool holds =
            std::any_of(route.domains.begin(), route.domains.end(),
                        [&](const AddressPattern& p) { return p.matches(recipient); });
        if (!holds)
            continue;
        if (route.internal)
            return {{NextHop::internal(domain_text(recipient))}, HopSource::route};
        if (route.next_hop)
            return as_bound({{judged(*route.next_hop, site)}, HopSource::route}, recipient, site);
    }
    if (is_final(recipient, site) || is_unqualified(recipient))
        return {{NextHop::internal(domain_text(recipient))}, HopSource::recipient_domain};
    if (recipient.domain())
        return {{judged(NextHop::of_domain(*recipient.domain()), site)},
                HopSource::recipient_domain};
    auto literal = NextHop::parse("[" + *recipient.literal() + "]");
    if (!literal)
        return hidden(recipient, HopSource::recipient_domain, Reason::next_hop_invalid);
    return {{judged(*std::move(literal), site)}, HopSource::recipient_domain};
}

} // namespace surehop
