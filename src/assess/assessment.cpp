// SPDX-License-Identifier: Apache-2.0
#include "assess/assessment.h"

#include <algorithm>
#include <array>
#include <functional>

namespace surehop {

namespace {

constexpr std::array every_level = {Level::dane, Level::authenticated, Level::verified,
                                    Level::encrypted};

using Test = std::function<bool(const Host&)>;

bool reachable(const Host& host) { return host.addresses.state == State::present; }

bool has_dane(const Host& host) {
    return reachable(host) && host.tlsa.state == State::present && host.usable() > 0;
}

// No MTA gets to a host without address, whatever else is known of it.
bool dead(const Host& host) { return host.addresses.state == State::absent; }

// RFC 7672 §2.1.2: with a TLSA look-up that failed, the host must not be used on weaker terms.
bool dane_unknown(const Host& host) { return host.tlsa.state == State::unknown; }

// The look-up that failed, if one did.
std::optional<Reason> failure(const Host& host) {
    if (host.addresses.state == State::unknown)
        return host.addresses.reason;
    return dane_unknown(host) ? std::optional(host.tlsa.reason) : std::nullopt;
}

class Assessor {
  public:
    Assessor(const NextHop& next_hop, const Facts& facts) : next_hop_(next_hop), facts_(facts) {}

    Assessment assess() {
        out_.offers.reserve(every_level.size());
        out_.enforced = facts_.sts.standing.state == State::present &&
                        facts_.sts.policy.mode == mtasts::Mode::enforce;
        if (facts_.null_mx)
            out_.no_mail = Reason::null_mx;
        else if (facts_.mx && facts_.mx->reason == Reason::no_such_domain)
            out_.no_mail = Reason::no_such_domain;
        else if (next_hop_.kind() == HopKind::address)
            bare_address();
        else if (facts_.mx && facts_.mx->state == State::unknown)
            none_offered(facts_.mx->reason, true);
        else if (std::none_of(facts_.hosts.begin(), facts_.hosts.end(), reachable))
            no_host();
        else {
            dane();
            authenticated();
            tls_alone();
        }
        if (out_.enforced && out_.no_mail) // whoever hides the MX hosts must not lift the policy
            out_.wait = out_.no_mail;
        return std::move(out_);
    }

  private:
    // The level over the hosts that pass, or nothing when none does.
    std::optional<Offer> over(Level level, const Test& serves) const {
        Offer made;
        made.level = level;
        made.until = facts_.until; // never beyond the end of the MTA-STS policy: see inquiry
        made.most_preferred = false;
        made.hosts.reserve(facts_.hosts.size());
        const auto best = std::find_if(facts_.hosts.begin(), facts_.hosts.end(), reachable);
        bool surely_left_out = false;
        for (const Host& host : facts_.hosts) {
            if (serves(host)) {
                if (made.hosts.empty())
                    made.preference = host.preference;
                made.hosts.push_back(host.name.text());
                made.most_preferred |= host.preference == best->preference;
            } else if (!dead(host)) {
                made.every_host = false;
                if (const auto failed = failure(host))
                    made.unsure = failed;
                else
                    surely_left_out = true;
            }
        }
        if (surely_left_out)
            made.unsure.reset();
        return made.hosts.empty() ? std::nullopt : std::optional(std::move(made));
    }

    // Offers it; false when no host passes.
    bool offer(Level level, const Test& serves) {
        auto made = over(level, serves);
        if (!made)
            return false;
        out_.offers.push_back(*std::move(made));
        return true;
    }

    void missing(Level level, Reason reason, bool unknown = false) {
        out_.miss({level, reason, unknown});
    }

    void none_offered(Reason reason, bool unknown) {
        if (unknown || out_.enforced)
            out_.wait = reason;
        for (const Level level : every_level)
            missing(level, reason, unknown);
    }

    // Nothing is published for an address (RFC 7672 §2.2.2, RFC 8461 §3.4); TLS alone can be asked.
    void bare_address() {
        for (const Level level : {Level::dane, Level::authenticated, Level::verified})
            missing(level, Reason::next_hop_address);
        Offer encrypted;
        encrypted.level = Level::encrypted;
        encrypted.hosts = {next_hop_.name()};
        encrypted.until = facts_.until;
        out_.offers.push_back(std::move(encrypted));
    }

    void no_host() {
        for (const Host& host : facts_.hosts)
            if (host.addresses.state == State::unknown)
                return none_offered(host.addresses.reason, true);
        none_offered(facts_.hosts.empty() ? Reason::mx_unusable
                                          : facts_.hosts.front().addresses.reason,
                     false);
    }

    // RFC 7672 §2.2.1: for the domain only if the MX RRset itself is secure. The inquiry has asked
    // for TLSA records only then, so each host's own standing already says why there are none.
    void dane() {
        const bool from_secure_names = !facts_.mx || facts_.mx_secure == true;
        if (from_secure_names && offer(Level::dane, has_dane))
            return;
        Missing row{Level::dane, Reason::tlsa_none, false};
        const auto first = std::ranges::find_if_not(facts_.hosts, dead); // one is reachable
        for (const Host& host : facts_.hosts) {
            if (dead(host))
                continue;
            const bool failed = host.addresses.state == State::unknown;
            const Standing& standing = failed ? host.addresses : host.tlsa;
            const bool unknown = standing.state == State::unknown;
            if (&host == &*first || (unknown && !row.unknown))
                row.reason =
                    standing.state == State::present ? Reason::tlsa_unusable : standing.reason;
            row.unknown |= unknown;
        }
        out_.miss(row);
    }

    void authenticated() {
        const StsFacts& sts = facts_.sts;
        if (sts.standing.state != State::present)
            return missing(Level::authenticated, sts.standing.reason,
                           sts.standing.state == State::unknown);
        if (sts.policy.mode == mtasts::Mode::testing) // RFC 8461 §5: guarantees nothing
            return missing(Level::authenticated, Reason::sts_mode_testing);
        if (sts.policy.mode == mtasts::Mode::none)
            return missing(Level::authenticated, Reason::sts_mode_none);
        // RFC 8461 §4.1 names the hosts; §2: MTA-STS must not override a failing DANE validation,
        // so a host whose TLSA records decide, or may decide, is left to them.
        const auto allowed = [&](const Host& host) {
            return reachable(host) && sts.policy.allows(host.name) && !dane_unknown(host);
        };
        out_.sts_alone = over(Level::authenticated, allowed);
        if (offer(Level::authenticated,
                  [&](const Host& host) { return allowed(host) && !has_dane(host); }))
            return;
        Missing row{Level::authenticated, Reason::sts_mx_mismatch, false};
        for (const Host& host : facts_.hosts)
            if (sts.policy.allows(host.name)) {
                const bool lost = host.addresses.state == State::unknown;
                if (lost || dane_unknown(host)) {
                    row.reason = lost ? host.addresses.reason : host.tlsa.reason;
                    row.unknown = true;
                } else if (!row.unknown) {
                    row.reason = has_dane(host) ? Reason::sts_mx_dane_fails : host.addresses.reason;
                }
            }
        out_.miss(row);
    }

    // Neither `verify` nor `encrypt` can leave a host out: not one that MTA-STS forbids, nor one
    // whose TLSA look-up failed, which must not be used at all (RFC 7672 §2.1.2).
    void tls_alone() {
        const auto& hosts = facts_.hosts;
        const auto failed = std::find_if(hosts.begin(), hosts.end(), [](const Host& host) {
            return reachable(host) && dane_unknown(host);
        });
        std::optional<Missing> obstacle;
        if (failed != hosts.end())
            obstacle = Missing{Level::none, failed->tlsa.reason, true};
        if (out_.offers.empty()) {
            const bool none_left = std::none_of(hosts.begin(), hosts.end(), [](const Host& host) {
                return reachable(host) && !dane_unknown(host);
            });
            if (out_.enforced) // RFC 8461 §5: the policy is in force, and says whom it leaves
                obstacle = out_.missing.back();
            if (out_.enforced || none_left)
                out_.wait = obstacle->reason;
        }
        for (const Level level : {Level::verified, Level::encrypted})
            if (obstacle)
                missing(level, obstacle->reason, obstacle->unknown);
            else
                offer(level, reachable);
    }

    const NextHop& next_hop_;
    const Facts& facts_;
    Assessment out_;
};

// DANE was not even tried by the domain, as opposed to tried and broken.
bool without_dane(Reason reason) {
    switch (reason) {
    case Reason::tlsa_none:
    case Reason::mx_insecure:
    case Reason::host_insecure:
    case Reason::tlsa_insecure:
        return true;
    default:
        return false;
    }
}

} // namespace

void Assessment::miss(Missing row) {
    const auto weaker = std::ranges::find_if(
        missing, [&](const Missing& other) { return other.level < row.level; });
    missing.insert(weaker, row);
}

const Offer* Assessment::at_least(Level minimum) const {
    return !offers.empty() && offers.front().level >= minimum ? &offers.front() : nullptr;
}

Missing Assessment::why_not(Level minimum) const {
    const Missing* strongest = nullptr; // of those that would do
    const Missing* weakest = nullptr;
    for (const Missing& row : missing) { // strongest first
        if (row.level < minimum)
            continue;
        if (row.unknown)
            return row;
        if (strongest == nullptr)
            strongest = &row;
        weakest = &row;
    }
    if (weakest == nullptr)
        return {minimum, Reason::internal, true};
    Missing best = *weakest;
    if (weakest->level == Level::authenticated && weakest->reason == Reason::sts_txt_none) {
        if (without_dane(strongest->reason))
            best.reason = Reason::nothing_published;
        else if (strongest->reason == Reason::resolver_not_validating)
            best.reason = Reason::no_sts_dane_unchecked; // it may well publish DANE
        else
            best.reason = strongest->reason;
    } else if (weakest->reason == Reason::next_hop_host && !without_dane(strongest->reason)) {
        best.reason = strongest->reason;
    }
    return best;
}

Assessment assess(const NextHop& next_hop, const Facts& facts, Time now) {
    Assessment out = Assessor(next_hop, facts).assess();
    // The caller asks for fresh facts first; what is over by now is not offered all the same.
    if (out.sts_alone && out.sts_alone->until <= now)
        out.sts_alone.reset();
    std::erase_if(out.offers, [&](const Offer& offer) {
        if (offer.until > now)
            return false;
        out.miss({offer.level, Reason::look_up_running, true});
        return true;
    });
    return out;
}

} // namespace surehop
