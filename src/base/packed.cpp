// SPDX-License-Identifier: Apache-2.0
#include "base/packed.h"

namespace surehop {

namespace {

constexpr unsigned bits = 7; // of a number in an octet
constexpr std::uint8_t more = 0x80;

} // namespace

void Packer::number(std::uint64_t value) {
    while (value >= more) {
        out_ += static_cast<char>(static_cast<std::uint8_t>(value) | more);
        value >>= bits;
    }
    out_ += static_cast<char>(value);
}

void Packer::text(std::string_view value) {
    number(value.size());
    out_ += value;
}

std::string_view Unpacker::take(std::size_t octets) {
    if (!good_ || !expect(octets <= rest_.size()))
        return {};
    const std::string_view taken = rest_.substr(0, octets);
    rest_.remove_prefix(octets);
    return taken;
}

char Unpacker::letter() {
    const std::string_view taken = take(1);
    return taken.empty() ? '\0' : taken.front();
}

std::uint64_t Unpacker::number(std::uint64_t most) {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += bits) {
        const auto octet = static_cast<std::uint8_t>(letter());
        const std::uint64_t part = octet & (more - 1U);
        // A zero in the last place, after others, would be a second form of the same number.
        const bool fits = shift < 64 && part << shift >> shift == part;
        const bool shortest = shift == 0 || octet != 0;
        if (!good_ || !expect(fits && shortest))
            return 0;
        value |= part << shift;
        if ((octet & more) == 0)
            return expect(value <= most) ? value : 0;
    }
}

std::string_view Unpacker::text() { return take(number(rest_.size())); }

} // namespace surehop
