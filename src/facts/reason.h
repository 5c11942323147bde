// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

// Why a fact is absent, invalid or unknown, or why a level is not offered: one fixed token each,
// for programs, and one sentence, for the refused sender. The tokens are listed in surehop(8); none
// is ever renamed.

namespace surehop {

enum class Reason : std::uint8_t {
    none,
    dns_timeout,
    dns_unreachable,
    dns_servfail,
    dns_bogus,
    dns_refused,
    dns_malformed,
    dns_cname_loop,
    no_such_domain,
    null_mx,
    mx_implicit,
    mx_insecure,
    mx_unusable,
    mx_too_many,
    host_no_address,
    host_insecure,
    tlsa_none,
    tlsa_insecure,
    tlsa_unusable,
    tlsa_partial,
    sts_txt_none,
    sts_txt_multiple,
    sts_txt_syntax,
    sts_fetch_tls,
    sts_fetch_connect,
    sts_fetch_timeout,
    sts_fetch_status,
    sts_fetch_type,
    sts_fetch_size,
    sts_fetch_address,
    sts_fetch_local,
    sts_policy_syntax,
    sts_mode_testing,
    sts_mode_none,
    sts_mx_mismatch,
    sts_mx_dane_fails,
    resolver_untested,
    resolver_not_validating,
    resolver_validation_lost,
    nothing_published,
    no_sts_dane_unchecked,
    next_hop_host,
    next_hop_address,
    next_hop_hidden,
    next_hop_invalid,
    next_hop_nowhere,
    lock_cannot_say,
    lock_floor,
    look_up_running,
    look_up_refused,
    internal,
};

std::string_view token_of(Reason reason); // "sts-txt-multiple"; "" for none
std::optional<Reason> reason_of(std::string_view token);

// What was found, as the end of "... , but ": "its MTA-STS policy is in testing mode".
std::string_view sentence_of(Reason reason);

// The same for a token; "" for one that is none.
std::string_view sentence_of_token(std::string_view token);

// Whose doing it is. A sender is told for good (5xx) only of what is the destination's: what is
// ours, or may be, passes, and a bounce does not.
enum class Fault : std::uint8_t {
    theirs, // it publishes this, or answers so
    ours,   // this machine, its resolver, its mail server, its configuration
    unsure, // nobody answered, or only with a failure: the network, they or we
};
Fault fault_of(Reason reason);

struct ReasonRow {
    Reason reason;
    Fault fault;
    std::string_view token;
    std::string_view sentence;
};
std::span<const ReasonRow> all_reasons();

} // namespace surehop
