// SPDX-License-Identifier: Apache-2.0
#include "facts/facts.h"

#include <algorithm>
#include <array>

namespace surehop {

namespace {

constexpr std::array<std::string_view, 4> state_names = {"present", "absent", "invalid", "unknown"};

} // namespace

std::string_view name_of(State state) { return state_names.at(static_cast<std::size_t>(state)); }

std::optional<State> state_of(std::string_view name) {
    for (std::size_t i = 0; i < state_names.size(); ++i)
        if (state_names.at(i) == name)
            return static_cast<State>(i);
    return std::nullopt;
}

std::size_t Host::usable() const {
    const auto serves = [](const dane::Tlsa& record) { return !dane::unusable_because(record); };
    return static_cast<std::size_t>(std::count_if(records.begin(), records.end(), serves));
}

bool Facts::complete() const {
    const auto known = [](const Host& host) {
        return host.addresses.state != State::unknown && host.tlsa.state != State::unknown;
    };
    return !(mx && mx->state == State::unknown) && sts.standing.state != State::unknown &&
           std::ranges::all_of(hosts, known);
}

} // namespace surehop
