// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rules/exception.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Which exceptions somebody wants to see, and which of them are about to end. Pure.

namespace surehop {

// Whoever owns an exception hears of its end so long before.
constexpr Seconds soon_over{std::chrono::days{14}};

bool ends_soon(const Exception& exception, Time now);

// Whether its end is near enough to be told, once: not of one made for so short a time that whoever
// made it knows.
bool ending_is_news(const Exception& exception, Time now);
// Whether it has ended by itself, and not long ago: nobody wants to hear of it years later.
bool end_is_news(const Exception& exception, Time now);

std::string_view state_of(const Exception& exception, Time now); // "live", "to-come", "ended"

struct ExceptionCounts {
    std::size_t live = 0, to_come = 0, ending = 0; // ending: of both
};
ExceptionCounts count(std::span<const Exception> exceptions, Time now);

enum class Shown : std::uint8_t { current, live, ended, all }; // current: live and to come
std::optional<Shown> shown_of(std::string_view name);

struct Selection {
    Shown shown = Shown::current;
    std::optional<Seconds> ending; // ends within
    std::string owner;             // a part of the owner's name, in any case
    std::string ticket;            // the ticket, in any case
    std::optional<Path> recipient; // is covered, whoever the sender
    std::optional<Domain> domain;  // is named, or an address in it, or a suffix over it
};

struct Selected {
    std::vector<Exception> exceptions; // live, to come, ended; of each, what ends first first
    std::size_t ended_left_out = 0;    // by `shown` alone
};
Selected select(std::span<const Exception> exceptions, const Selection& selection, Time now);

} // namespace surehop
