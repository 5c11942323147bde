// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

// Values one after the other in as few octets as will do, for what is read often and only by
// ourselves. A number is LEB128: seven bits an octet, the low ones first, the high bit set in all
// but the last. A text is its length and its octets. Nothing tells what comes next: the reader
// knows, and every value has exactly one form.

namespace surehop {

class Packer {
  public:
    void letter(char value) { out_ += value; }
    void number(std::uint64_t value);
    void text(std::string_view value);
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

// The first value that cannot be read makes all of it damaged; what is returned after that is zero
// or empty, and harmless. What it returns views the octets given.
class Unpacker {
  public:
    explicit Unpacker(std::string_view octets) : rest_(octets) {}

    bool good() const { return good_; }
    std::size_t left() const { return rest_.size(); } // octets

    char letter();
    std::uint64_t number(std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
    std::string_view text();

    bool expect(bool condition) { // else it is damaged
        good_ = good_ && condition;
        return condition;
    }

  private:
    std::string_view take(std::size_t octets);
    std::string_view rest_;
    bool good_ = true;
};

} // namespace surehop
