// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "assess/assessment.h"
#include "assess/level.h"
#include "mtasts/policy.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

// What the delivering MTA must be told so that a level holds at delivery. Pure.
//
// Postfix asks for the TLS policy of a next hop (smtp_tls_policy_maps) and obeys the answer:
// `dane-only` uses only MX hosts with secure, usable TLSA records; `secure match=...` wants a
// WebPKI certificate for one of the names listed; `verify` for the MX host's own name; `encrypt`
// any TLS. Only names that came out of Domain are ever printed, so no remote can add a separator.

namespace surehop {

// Which MTA asks, hence which answers it understands.
enum class Lock : std::uint8_t {
    postfix,    // 3.4 to 3.9
    postfix310, // adds what TLSRPT reports of a policy, and mx_host_pattern
    sendmail,   // STS map: `secure match=... servername=hostname` and nothing else
    none,       // nothing is bound; the gate can only warn
};
constexpr std::array<std::string_view, 4> lock_names = {"postfix", "postfix310", "sendmail",
                                                        "none"};
std::string_view name_of(Lock lock);
std::optional<Lock> lock_of(std::string_view name);

// Whose MTA-STS policy stands behind an offer of `authenticated`. Postfix 3.10 tells its TLSRPT
// client (RFC 8460 §4.3); and from 3.10.5 on it compares the MX host names with mx_host_pattern by
// itself and skips those that do not match.
struct StsOrigin {
    std::string_view domain;                // "": not said
    const mtasts::Policy* policy = nullptr; // null exactly where `domain` is empty
};
// Points into both.
StsOrigin origin_of(const NextHop& next_hop, const Facts& facts);

// The policy that holds this offer, or none where the lock cannot express it. `least`: over no
// older version of TLS; Sendmail cannot be told. `origin`: used for postfix310 alone.
std::optional<std::string> policy_text(const Offer& offer, Lock lock,
                                       TlsVersion least = TlsVersion::v1_2,
                                       const StsOrigin& origin = {});

// The offers that count with this lock: those it can express; with Lock::none those that cover
// every MX host, since nobody keeps the MTA from using another one.
Assessment bindable(Assessment assessment, Lock lock);

// The one answer of the lock for a next hop.
struct LockAnswer {
    enum class Kind : std::uint8_t { policy, not_found, temporary };
    Kind kind = Kind::temporary;
    std::string text;             // the policy, or why it is temporary
    Level level = Level::none;    // that the answer guarantees
    Reason reason = Reason::none; // of not_found and temporary
    bool unknown = false;         // of temporary: it may well hold, and could not be learnt
    Level demanded = Level::none; // by floor, exception and promise together
    bool promised = false;        // it is a promise that demands so much
    // In audit mode: the temporary answer that enforce mode would have given. Null: this one.
    std::shared_ptr<const LockAnswer> would;

    static LockAnswer policy(std::string text, Level level);
    static LockAnswer not_found(Reason reason);
    static LockAnswer temporary(std::string text, Reason reason, bool unknown);
};

// Overridden, by an exception: what is published binds no more than the floor does.
enum class Published : std::uint8_t { honoured, overridden };

// `assessment`: whole, not reduced by bindable(). `floor`: what is demanded whoever writes. `lock`:
// not none, which asks nothing.
// Published policies are honoured even where nothing is demanded, and so is what must wait. Beyond
// that, what falls short now may do better later (RFC 8461 §5), and *unknown* under a floor is
// temporary, and without one leaves the MTA's own default in force (RFC 8461 §3.3).
LockAnswer lock_answer(const Assessment& assessment, Level floor, Lock lock,
                       TlsVersion least = TlsVersion::v1_2,
                       Published published = Published::honoured, const StsOrigin& origin = {});

} // namespace surehop
