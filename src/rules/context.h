// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/path.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

// What is known of one recipient of one message when rules look at it. Nothing here is guessed:
// what the mail server has not told, or not yet, has no value.

namespace surehop {

// Header fields that rules ask about, as far as the message has told them.
struct Fields {
    // Names in lower case; values unfolded and decoded, in UTF-8 (milter/field.h).
    std::multimap<std::string, std::string, std::less<>> values;
    bool all = false; // the header is over, and nothing that rules ask about was left out
};

// A moment as the clock on the wall of this site shows it.
struct LocalTime {
    int weekday = 0; // 0: Monday
    int minute = 0;  // of the day
};

struct Context {
    Path sender;
    Path recipient;
    std::optional<std::string> user;     // who has authenticated; "": nobody
    std::optional<std::string> client;   // the address that the message came from
    std::optional<std::string> listener; // {daemon_name}
    std::optional<LocalTime> when;       // the message began
    const Fields* fields = nullptr;      // null: nothing of the header is known
    std::optional<std::uint64_t> size;   // of the whole message, in octets
    bool more_to_come = false;           // header or size will be known later
    bool requiretls = false;             // MAIL FROM ... REQUIRETLS (RFC 8689 §2)

    // Where the mail server says that this recipient's mail goes.
    std::string mailer; // {rcpt_mailer}; empty when it says nothing
    std::string host;   // {rcpt_host}
};

} // namespace surehop
