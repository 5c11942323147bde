// SPDX-License-Identifier: Apache-2.0
#include "binding/tls_policy.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace surehop {

namespace {

// RFC 8996: no TLS 1.0 and 1.1 where TLS is demanded. Postfix before 3.6 knows only exclusions, and
// inside a policy the protocols are separated by colons.
std::string protocols(Lock lock, TlsVersion least) {
    const bool v1_3 = least == TlsVersion::v1_3;
    if (lock == Lock::postfix310)
        return fmt::format(" protocols=>=TLSv{}", v1_3 ? "1.3" : "1.2");
    return fmt::format(" protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1{}", v1_3 ? ":!TLSv1.2" : "");
}

// Postfix checks the certificate against exactly these names, and sends the MX name as SNI
// (RFC 8461 §7.1). Never a ".suffix": in Postfix it means any depth, in RFC 8461 §4.1 one label.
std::string secure(std::span<const std::string> hosts) {
    return fmt::format("secure match={} servername=hostname", join(hosts, ":"));
}

// Sendmail rewrites the answer in a buffer of 1256 octets, one more for each token, and a ruleset
// that runs out of it says "ok": mail then goes out in clear, as was seen beyond 1100 octets. So
// no more of the most preferred hosts than fit by far; to leave out others only narrows.
constexpr std::size_t sendmail_budget = 600;

std::span<const std::string> that_fit_sendmail(std::span<const std::string> hosts) {
    std::size_t spent = 0, count = 0;
    for (const std::string& host : hosts) {
        const auto dots = static_cast<std::size_t>(std::count(host.begin(), host.end(), '.'));
        spent += host.size() + 2 * dots + 3; // each label and each dot is a token, and a colon
        if (spent > sendmail_budget)
            break;
        ++count;
    }
    return hosts.first(count);
}

// A policy of a thousand hosts makes a report that nobody reads, and Postfix takes 100 000 octets.
constexpr std::size_t longest_report = 16'000;

// The patterns are the names of the offer and not the policy's own: Postfix puts them in the place
// of match=, and a host left out because of its TLSA records (RFC 8461 §2) must stay left out.
std::string sts_attributes(const Offer& offer, const StsOrigin& origin) {
    std::string out = fmt::format(" policy_type=sts policy_domain={}", origin.domain);
    for (const std::string& host : offer.hosts)
        out += " mx_host_pattern=" + host;
    const std::string policy = mtasts::print_policy(*origin.policy);
    std::string lines;
    for (const std::string_view line : split(policy, '\n'))
        if (!line.empty())
            lines += fmt::format(" {{ policy_string = {} }}", line);
    return lines.size() <= longest_report ? out + lines : out;
}

} // namespace

std::string_view name_of(Lock lock) { return lock_names.at(static_cast<std::size_t>(lock)); }

std::optional<Lock> lock_of(std::string_view name) {
    for (std::size_t i = 0; i < lock_names.size(); ++i)
        if (lock_names.at(i) == name)
            return static_cast<Lock>(i);
    return std::nullopt;
}

StsOrigin origin_of(const NextHop& next_hop, const Facts& facts) {
    if (!next_hop.domain() || facts.sts.standing.state != State::present)
        return {};
    return {next_hop.domain()->text(), &facts.sts.policy};
}

namespace {

// Whether there is a policy for it, without making one.
bool can_say(const Offer& offer, Lock lock) {
    if (lock == Lock::none || offer.level == Level::none || offer.hosts.empty())
        return false;
    return lock != Lock::sendmail ||
           (offer.level == Level::authenticated && !that_fit_sendmail(offer.hosts).empty());
}

} // namespace

std::optional<std::string> policy_text(const Offer& offer, Lock lock, TlsVersion least,
                                       const StsOrigin& origin) {
    if (!can_say(offer, lock))
        return std::nullopt;
    if (lock == Lock::sendmail)
        return secure(that_fit_sendmail(offer.hosts));
    switch (offer.level) {
    case Level::dane:
        return least == TlsVersion::v1_2 ? "dane-only" : "dane-only" + protocols(lock, least);
    case Level::authenticated:
        return fmt::format("{}{}{}", secure(offer.hosts), protocols(lock, least),
                           lock == Lock::postfix310 && !origin.domain.empty()
                               ? sts_attributes(offer, origin)
                               : "");
    case Level::verified:
        // Named, lest smtp_tls_verify_cert_match allow other names.
        return fmt::format("verify match=hostname{}", protocols(lock, least));
    case Level::encrypted:
        return fmt::format("encrypt{}", protocols(lock, least));
    case Level::none:
        break;
    }
    return std::nullopt;
}

Assessment bindable(Assessment assessment, Lock lock) {
    // Sendmail is told of MTA-STS alone: that is what there is for it, though DANE would decide.
    // Without a lock a host with DANE is no weaker than those of the policy.
    if ((lock == Lock::sendmail || lock == Lock::none) && assessment.sts_alone) {
        const auto is_sts = [](const auto& row) { return row.level == Level::authenticated; };
        std::erase_if(assessment.offers, is_sts);
        std::erase_if(assessment.missing, is_sts);
        assessment.offers.push_back(*assessment.sts_alone);
    }
    const auto counts = [&](const Offer& offer) {
        if (lock == Lock::none)
            return offer.every_host && offer.level >= Level::authenticated;
        return can_say(offer, lock);
    };
    std::erase_if(assessment.offers, [&](const Offer& offer) {
        if (counts(offer))
            return false;
        Missing row{offer.level, Reason::lock_cannot_say, false};
        if (lock == Lock::none && offer.unsure)
            row = {offer.level, *offer.unsure, true};
        else if (lock == Lock::none && offer.level == Level::dane)
            row.reason = Reason::tlsa_partial;
        assessment.miss(row);
        return true;
    });
    return assessment;
}

LockAnswer LockAnswer::policy(std::string text, Level level) {
    LockAnswer out;
    out.kind = Kind::policy;
    out.text = std::move(text);
    out.level = level;
    return out;
}

LockAnswer LockAnswer::not_found(Reason reason) {
    LockAnswer out;
    out.kind = Kind::not_found;
    out.reason = reason;
    return out;
}

LockAnswer LockAnswer::temporary(std::string text, Reason reason, bool unknown) {
    LockAnswer out;
    out.text = std::move(text);
    out.reason = reason;
    out.unknown = unknown;
    return out;
}

LockAnswer lock_answer(const Assessment& whole, Level floor, Lock lock, TlsVersion least,
                       Published what_is_published, const StsOrigin& origin) {
    const auto policy = [&](const Offer& offer) {
        return LockAnswer::policy(*policy_text(offer, lock, least, origin), offer.level);
    };
    const bool honoured = what_is_published == Published::honoured;
    const Assessment counted = bindable(whole, lock);
    if (whole.no_mail) {
        // The MTA finds out by itself and bounces at once. Should its DNS say otherwise than ours,
        // `dane-only` lets nothing out that cannot prove itself.
        const bool held = floor > Level::none || (whole.wait && honoured);
        if (held && (lock == Lock::postfix || lock == Lock::postfix310)) {
            LockAnswer out = LockAnswer::policy("dane-only", Level::dane);
            out.reason = *whole.no_mail;
            return out;
        }
        if (held)
            return LockAnswer::temporary(std::string(sentence_of(*whole.no_mail)), *whole.no_mail,
                                         false);
        return LockAnswer::not_found(*whole.no_mail);
    }

    // What the destination publishes comes first, strongest first. DANE gives way to an MTA-STS
    // policy that covers more preferred MX hosts. Where nobody asks for it, it does not keep mail
    // from preferred hosts that have none (RFC 7672 §2.2.1).
    const Offer *dane = nullptr, *authenticated = nullptr;
    for (const Offer& offer : counted.offers) {
        if (offer.level == Level::dane)
            dane = &offer;
        if (offer.level == Level::authenticated)
            authenticated = &offer;
    }
    if (floor == Level::none && !whole.enforced && dane != nullptr && !dane->most_preferred)
        dane = nullptr;
    const bool dane_first = dane != nullptr && (authenticated == nullptr ||
                                                dane->preference <= authenticated->preference);
    const Offer* published = dane_first ? dane : authenticated;
    if (published != nullptr && published->level < floor)
        published = dane;
    if (published != nullptr && published->level >= floor && honoured)
        return policy(*published);

    // Nothing published binds: what the floor asks for, if it can be bound.
    for (auto offer = counted.offers.rbegin(); offer != counted.offers.rend(); ++offer)
        if (floor > Level::none && offer->level >= floor)
            return policy(*offer);

    const Missing why = counted.why_not(floor == Level::none ? Level::authenticated : floor);
    if (floor == Level::none && honoured && (whole.wait || whole.enforced)) {
        const Reason reason = whole.wait.value_or(why.reason);
        return LockAnswer::temporary(fmt::format("mail must wait: {}", sentence_of(reason)), reason,
                                     why.unknown || counted.why_not(Level::dane).unknown);
    }
    if (floor == Level::none)
        return LockAnswer::not_found(why.reason);
    return LockAnswer::temporary(
        fmt::format("{} is required, but {}", name_of(floor), sentence_of(why.reason)), why.reason,
        why.unknown);
}

} // namespace surehop
