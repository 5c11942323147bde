// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// Netstrings, "5:hello,", the framing of Postfix's and Sendmail's socketmap protocol.

namespace surehop {

class NetstringReader {
  public:
    explicit NetstringReader(std::size_t most) : most_(most) {}

    // Octets as they come off the wire.
    void feed(std::string_view octets) { buffer_.append(octets); }

    // The next whole string, or none until more has been fed. After a fault (no digits, a leading
    // zero, longer than `most`, no comma) nothing more comes: the peer is to be hung up on.
    std::optional<std::string> next();
    bool broken() const { return broken_; }

  private:
    std::size_t most_;
    std::string buffer_;
    bool broken_ = false;
};

std::string to_netstring(std::string_view text);

} // namespace surehop
