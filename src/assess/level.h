// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

// The ordered guarantee. `a >= b` means: whoever has a also has what b promises.

namespace surehop {

enum class Level : std::uint8_t {
    none,          // nothing is known to hold
    encrypted,     // TLS, any certificate; holds only because it is bound
    verified,      // TLS and a WebPKI certificate for an MX name from unsigned DNS; likewise
    authenticated, // MTA-STS enforce (RFC 8461) covers the MX hosts that will be used
    dane,          // RFC 7672 for every MX host that the binding lets mail use
};

constexpr std::array<std::string_view, 5> level_names = {"none", "encrypted", "verified",
                                                         "authenticated", "dane"};

constexpr std::string_view name_of(Level level) {
    return level_names.at(static_cast<std::size_t>(level));
}

constexpr std::optional<Level> level_of(std::string_view name) {
    for (std::size_t i = 0; i < level_names.size(); ++i)
        if (level_names.at(i) == name)
            return static_cast<Level>(i);
    return std::nullopt;
}

// The least version of TLS over which a level holds. Only the binding can say it: no look-up tells
// what a host speaks.
enum class TlsVersion : std::uint8_t { v1_2, v1_3 };
constexpr std::array<std::string_view, 2> tls_version_names = {"1.2", "1.3"};

constexpr std::string_view name_of(TlsVersion version) {
    return tls_version_names.at(static_cast<std::size_t>(version));
}

} // namespace surehop
