// SPDX-License-Identifier: Apache-2.0
// What several settings say together. A check that needs a setting which has failed is left out:
// one mistake, one error.
#include "address/ip_range.h"
#include "base/text.h"
#include "conf/read.h"
#include "conf/table.h"
#include "resolve/ares_dns.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

namespace surehop {

namespace {

// The requirements that say something of their own for this key: [policy] and the rules that set
// it.
template <class Visit>
void each_requirement(const Reading& reading, std::string_view key, const Visit& visit) {
    for (std::size_t i = 0; i <= reading.settings.rules.size(); ++i) {
        const Requirement& r =
            i == 0 ? reading.settings.policy : reading.settings.rules[i - 1].requirement;
        const std::string setting =
            fmt::format("{}.{}", i == 0 ? "policy" : place_prefix("rule", i), key);
        if (!reading.failed.contains(setting) &&
            (i == 0 || reading.settings.places.contains(setting)))
            visit(r, setting);
    }
}

// ---- the lock ----

void check_lock(Reading& reading) {
    const Settings& s = reading.settings;
    if (reading.failed.contains("mta.lock"))
        return;
    std::optional<Place> enforced;
    each_requirement(reading, "mode", [&](const Requirement& r, const std::string& setting) {
        if (r.mode == PolicyMode::enforce && !enforced)
            enforced = reading.place_of(setting);
    });
    if (enforced && !s.places.contains("mta.lock"))
        return reading.error(
            *enforced, "mode = \"enforce\" needs to know which mail server binds its deliveries; "
                       "write below [mta] lock = \"postfix\" (Postfix 3.4 to 3.9), \"postfix310\" "
                       "(3.10 and later), \"sendmail\", or \"none\" if nothing shall be bound");
    if (enforced && s.mta.lock == Lock::none)
        reading.warn(
            reading.place_of("mta.lock"),
            "with lock = \"none\" the gate refuses, but nothing holds deliveries to what it "
            "found; write lock = \"postfix\" once smtp_tls_policy_maps asks surehop");
    each_requirement(reading, "minimum", [&](const Requirement& r, const std::string& setting) {
        const bool bound_only = r.minimum == Level::encrypted || r.minimum == Level::verified;
        if (s.mta.lock == Lock::sendmail && (bound_only || r.minimum == Level::dane))
            reading.error(reading.place_of(setting),
                          fmt::format("minimum = \"{}\" cannot be bound with lock = \"sendmail\"; "
                                      "write \"authenticated\" or \"none\"",
                                      name_of(r.minimum)));
        if (s.mta.lock == Lock::none && bound_only && r.mode == PolicyMode::enforce)
            reading.warn(
                reading.place_of(setting),
                fmt::format("minimum = \"{}\" holds only where delivery is bound; with lock "
                            "= \"none\" it takes \"authenticated\" or \"dane\" to meet it",
                            name_of(r.minimum)));
    });
    if (s.mta.lock != Lock::none && s.listen.socketmap.empty() &&
        !reading.failed.contains("listen.socketmap")) {
        const auto text =
            fmt::format("lock = \"{}\" needs a socket over which the mail server asks; "
                        "write socketmap = [\"unix:/absolute/path\"]",
                        name_of(s.mta.lock));
        enforced ? reading.error(reading.place_of("listen.socketmap"), text)
                 : reading.warn(reading.place_of("listen.socketmap"), text);
    }
}

// ---- rules and routes ----

void check_names(Reading& reading) {
    std::map<std::string, std::size_t> seen;
    for (std::size_t i = 1; i <= reading.settings.rules.size(); ++i) {
        const std::string setting = place_prefix("rule", i) + ".name";
        const std::string& name = reading.settings.rules[i - 1].requirement.rule;
        if (reading.failed.contains(setting))
            continue;
        if (name == "default")
            reading.error(reading.place_of(setting),
                          "the name \"default\" is that of [policy]; write another name");
        const auto [first, is_new] = seen.emplace(name, i);
        if (!is_new)
            reading.error(
                reading.place_of(setting),
                fmt::format("the name \"{}\" is that of the rule in line {}; write another name",
                            name, reading.place_of(place_prefix("rule", first->second)).line));
    }
}

// Whether every address of `inner` is in `outer`; an empty set means every address.
bool covers(const AddressSet& outer, const AddressSet& inner) {
    if (outer.empty() || outer.any())
        return true;
    return !inner.empty() && std::ranges::all_of(inner.patterns(), [&](const AddressPattern& p) {
        return outer.covers(p);
    });
}

void check_reach(Reading& reading) {
    const auto& rules = reading.settings.rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const auto before = std::span(rules).first(i);
        const auto hiding = std::ranges::find_if(before, [&](const Rule& earlier) {
            return earlier.on_envelope_alone() && covers(earlier.senders, rules[i].senders) &&
                   covers(earlier.recipients, rules[i].recipients);
        });
        if (hiding == before.end())
            continue;
        const auto index = static_cast<std::size_t>(hiding - before.begin());
        reading.warn(reading.place_of(place_prefix("rule", i + 1)),
                     fmt::format("rule \"{}\" never decides, since rule \"{}\" in line {} matches "
                                 "all of it first; move it up, or remove it",
                                 rules[i].requirement.rule, hiding->requirement.rule,
                                 reading.place_of(place_prefix("rule", index + 1)).line));
    }
}

// Rules are tried one after the other, and every pair of patterns is compared below: both must end
// in time. True when there are not too many.
bool check_size(Reading& reading) {
    std::size_t count = 0;
    for (std::size_t i = 1; i <= reading.settings.rules.size(); ++i) {
        const Rule& rule = reading.settings.rules[i - 1];
        count += rule.senders.size() + rule.recipients.size();
        if (count > most_patterns || count * reading.settings.rules.size() > most_comparisons) {
            reading.error(reading.place_of(place_prefix("rule", i)),
                          fmt::format("the rules have more than {} patterns; write fewer, such as "
                                      "*.example.org for many domains",
                                      most_patterns));
            return false;
        }
    }
    return true;
}

// With a lock, a rule that looks at more than the recipient's domain may only raise (DESIGN §2).
void check_floor(Reading& reading) {
    if (reading.settings.mta.lock == Lock::none)
        return;
    const RuleSet rules(reading.settings.rules, reading.settings.policy);
    for (const RuleSet::BelowFloor& below : rules.below_floor()) {
        const std::string block = place_prefix("rule", below.rule + 1);
        const bool says_minimum = reading.settings.places.contains(block + ".minimum");
        reading.error(reading.place_of(says_minimum ? block + ".minimum" : block), below.why);
    }
}

// A version of TLS is held by the lock or by nobody.
void check_least_tls(Reading& reading) {
    const Settings& s = reading.settings;
    const auto check = [&](const Requirement& r, const std::string& block, bool lock_can_tell) {
        const std::string setting = block + ".least_tls";
        if (r.least_tls == TlsVersion::v1_2 || !s.places.contains(setting))
            return;
        if (s.mta.lock != Lock::postfix && s.mta.lock != Lock::postfix310)
            reading.error(reading.place_of(setting),
                          fmt::format("lock = \"{}\" cannot hold a version of TLS; remove "
                                      "least_tls, or write lock = \"postfix\"",
                                      name_of(s.mta.lock)));
        else if (!lock_can_tell)
            reading.error(reading.place_of(setting),
                          fmt::format("rule \"{}\" looks at more than the recipient's domain, "
                                      "which is all that the lock sees; move least_tls to "
                                      "[policy] or to a rule for the domain",
                                      r.rule));
    };
    check(s.policy, "policy", true);
    for (std::size_t i = 1; i <= s.rules.size(); ++i)
        check(s.rules[i - 1].requirement, place_prefix("rule", i),
              s.rules[i - 1].on_recipient_domain_alone());
}

// `unknown = "accept"` reads like a small thing, and takes the lock away: what passes unjudged
// cannot be held back later, so nothing at all is.
void check_passing(Reading& reading) {
    const Settings& s = reading.settings;
    const auto mixed = [](const Requirement& r) {
        return r.mode == PolicyMode::enforce && r.minimum != Level::none &&
               !passes(r.falls_short) && passes(r.unknown);
    };
    if (s.mta.lock == Lock::none)
        return;
    const auto warn = [&](const Requirement& r, const std::string& block, std::string_view whose) {
        const bool says = s.places.contains(block + ".unknown");
        reading.warn(reading.place_of(says ? block + ".unknown" : block),
                     fmt::format("{} lets pass what is unknown (unknown = \"{}\"), so the lock "
                                 "demands nothing of its domains and nothing is promised: its "
                                 "minimum {} is judged at RCPT and not held at delivery; write "
                                 "unknown = \"defer\" to have both",
                                 whose, name_of(r.unknown), name_of(r.minimum)));
    };
    if (mixed(s.policy))
        warn(s.policy, "policy", "[policy]");
    for (std::size_t i = 1; i <= s.rules.size(); ++i) {
        const Requirement& r = s.rules[i - 1].requirement;
        const std::string block = place_prefix("rule", i);
        const bool inherits = mixed(s.policy) && !s.places.contains(block + ".unknown") &&
                              !s.places.contains(block + ".falls_short");
        if (mixed(r) && !inherits)
            warn(r, block, fmt::format("rule \"{}\"", r.rule));
    }
}

void check_routes(Reading& reading) {
    for (std::size_t i = 1; i <= reading.settings.routes.size(); ++i) {
        const Route& route = reading.settings.routes[i - 1];
        const std::string block = place_prefix("route", i);
        if (reading.failed.contains(block + ".domain") ||
            reading.failed.contains(block + ".next_hop") ||
            reading.failed.contains(block + ".scope"))
            continue;
        if (route.domains.empty() && !route.next_hop)
            reading.error(reading.place_of(block),
                          "the route says neither domain nor next_hop; write one of them or both");
        else if (!route.internal && (route.domains.empty() || !route.next_hop))
            reading.error(reading.place_of(block),
                          fmt::format("the route changes nothing; write {} as well, or scope = "
                                      "\"internal\"",
                                      route.domains.empty() ? "domain" : "next_hop"));
    }
}

// ---- the world ----

void check_sockets(Reading& reading) {
    const Settings& s = reading.settings;
    std::vector<std::pair<std::string, std::string>> sockets = {
        {"listen.milter", s.listen.milter}, {"listen.control", "unix:" + s.listen.control}};
    if (!s.listen.metrics.empty())
        sockets.emplace_back("listen.metrics", s.listen.metrics);
    for (std::size_t i = 0; i < s.listen.socketmap.size(); ++i)
        sockets.emplace_back(s.places.contains("listen.socketmap")
                                 ? fmt::format("listen.socketmap[{}]", i + 1)
                                 : "listen.socketmap",
                             s.listen.socketmap[i]);
    if (std::any_of(sockets.begin(), sockets.end(), [&](const auto& socket) {
            return reading.failed.contains(socket.first.substr(0, socket.first.find('[')));
        }))
        return;
    std::map<std::string_view, std::string_view> seen;
    for (const auto& [setting, text] : sockets) {
        const auto [first, is_new] = seen.emplace(text, setting);
        if (!is_new)
            reading.error(std::max(reading.place_of(setting), reading.place_of(first->second),
                                   [](Place a, Place b) { return a.line < b.line; }),
                          fmt::format("{} and {} are the same socket {}; write different ones",
                                      first->second, setting, text));
        const auto at = text.find('@');
        if (!text.starts_with("inet:") || at == std::string::npos)
            continue;
        const std::string address = text.substr(at + 1);
        if (setting == "listen.metrics") {
            if (!is_loopback(address))
                reading.warn(reading.place_of(setting),
                             fmt::format("{} is not on loopback, and asks nobody who they are: "
                                         "whoever connects reads the metrics",
                                         text));
            continue;
        }
        if (setting != "listen.milter") { // who is nobody's peer is hung up on
            if (!is_loopback(address) && s.listen.peers.empty())
                reading.warn(reading.place_of(setting),
                             fmt::format("{} is not on loopback, and [listen] peers names nobody "
                                         "else who may ask",
                                         text));
            continue;
        }
        if (address == "0.0.0.0" || address == "::")
            reading.warn(reading.place_of(setting),
                         fmt::format("{} serves every address of this machine, and asks nobody who "
                                     "they are; write @127.0.0.1 or a unix: socket",
                                     text));
        else if (!is_loopback(address))
            reading.warn(reading.place_of(setting),
                         fmt::format("{} is not on loopback, and asks nobody who they are; let a "
                                     "firewall keep others out",
                                     text));
    }
}

void check_resolver(Reading& reading) {
    const Settings::Resolver& r = reading.settings.resolver;
    if (reading.failed.contains("resolver.servers") || reading.failed.contains("resolver.trusted"))
        return;
    std::vector<std::string> addresses;
    for (std::size_t i = 0; i < r.servers.size(); ++i) {
        const auto server = parse_dns_server(r.servers[i]);
        if (!server)
            continue;
        addresses.push_back(server->address);
        if (is_trusted(r, *server))
            continue;
        reading.warn(
            reading.place_of(fmt::format("resolver.servers[{}]", i + 1)),
            fmt::format("the word of {} on DNSSEC cannot be trusted, so it is asked only where no "
                        "other server validates, and then no destination reaches \"dane\"; use a "
                        "validating resolver on 127.0.0.1, or write trusted = [\"{}\"] if it "
                        "validates and the way to it is safe",
                        server->address, server->address));
    }
    for (std::size_t i = 0; i < r.trusted.size(); ++i)
        if (std::find(addresses.begin(), addresses.end(), r.trusted[i]) == addresses.end())
            reading.warn(reading.place_of(fmt::format("resolver.trusted[{}]", i + 1)),
                         fmt::format("{} is trusted, but not asked; write it into servers, too",
                                     r.trusted[i]));
}

void check_https(Reading& reading) {
    if (!reading.failed.contains("https.port") && reading.settings.https.port != 443)
        reading.warn(reading.place_of("https.port"),
                     fmt::format("policy hosts listen on port 443 (RFC 8461), so port {} finds no "
                                 "policy of strangers; write port = 443",
                                 reading.settings.https.port));
}

void check_facts(Reading& reading) {
    const Settings::Facts& facts = reading.settings.facts;
    if (!reading.failed.contains("facts.shortest") && !reading.failed.contains("facts.longest") &&
        facts.shortest > facts.longest)
        reading.error(reading.place_of(reading.settings.places.contains("facts.shortest")
                                           ? "facts.shortest"
                                           : "facts.longest"),
                      fmt::format("facts cannot hold at least {} and at most {}; write a shortest "
                                  "that is not above longest",
                                  format_duration(facts.shortest), format_duration(facts.longest)));
}

} // namespace

void cross_check(Reading& reading) {
    check_lock(reading);
    check_names(reading);
    check_routes(reading);
    check_sockets(reading);
    check_resolver(reading);
    check_https(reading);
    check_facts(reading);
    // These reason about the rules as a whole.
    const bool whole =
        std::none_of(reading.failed.begin(), reading.failed.end(), [](const auto& f) {
            return f.starts_with("rule") || f.starts_with("policy.") || f == "mta.lock";
        });
    if (whole && check_size(reading)) {
        check_reach(reading);
        check_floor(reading);
        check_least_tls(reading);
        check_passing(reading);
    }
}

void finish(Settings& settings) {
    auto site = std::make_shared<Site>();
    site->rules = std::make_shared<const RuleSet>(settings.rules, settings.policy);
    site->routes = settings.routes;
    site->final_domains = settings.mta.final_domains;
    site->lock = settings.mta.lock;
    site->queue_lifetime = std::chrono::floor<Seconds>(settings.mta.queue_lifetime);
    site->wait = settings.gate.wait;
    site->refuses_waiver = settings.mta.tls_required == WaiverHandling::refuse;
    site->tag_header = settings.gate.tag_header;
    site->configuration_hash = settings.hash;
    settings.site = std::move(site);
}

bool is_trusted(const Settings::Resolver& resolver, const DnsServer& server) {
    const auto& declared = resolver.trusted;
    return is_trusted_path(server) ||
           std::find(declared.begin(), declared.end(), server.address) != declared.end();
}

} // namespace surehop
