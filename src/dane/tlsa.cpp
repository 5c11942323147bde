// SPDX-License-Identifier: Apache-2.0
#include "dane/tlsa.h"

#include "base/der.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace surehop::dane {

namespace {

constexpr std::string_view blanks = " \t\r\n";

// The octet at the front, in decimal, and the blanks after it.
std::optional<std::uint8_t> take_octet(std::string_view& text) {
    const auto end = text.find_first_of(blanks);
    const auto value = parse_number(text.substr(0, end), 255);
    if (!value || end == std::string_view::npos)
        return std::nullopt;
    text.remove_prefix(std::min(text.find_first_not_of(blanks, end), text.size()));
    return static_cast<std::uint8_t>(*value);
}

bool same_digest_family(const Tlsa& a, const Tlsa& b) {
    return a.usage == b.usage && a.selector == b.selector;
}

} // namespace

Result<Tlsa> parse_rdata(std::span<const std::uint8_t> rdata) {
    if (rdata.size() < 4)
        return Error{"a TLSA record is too short"};
    return Tlsa{rdata[0], rdata[1], rdata[2], Bytes(rdata.begin() + 3, rdata.end())};
}

std::string print(const Tlsa& record) {
    return fmt::format("{} {} {} {}", record.usage, record.selector, record.matching,
                       to_hex(record.data));
}

Result<Tlsa> parse_text(std::string_view text) {
    const Error bad{
        fmt::format("'{}' is not a TLSA record; write 3 1 1 0d4a...", printable(text, 80))};
    const auto usage = take_octet(text), selector = take_octet(text), matching = take_octet(text);
    std::string hex(text);
    std::erase_if(hex, [](char c) { return blanks.find(c) != std::string_view::npos; });
    auto data = from_hex(hex);
    if (!usage || !selector || !matching || !data || data->empty())
        return bad;
    return Tlsa{*usage, *selector, *matching, *std::move(data)};
}

std::optional<std::string_view> unusable_because(const Tlsa& record) {
    switch (Usage{record.usage}) {
    case Usage::pkix_ta:
    case Usage::pkix_ee: // RFC 7672 §3.1.3: undefined for SMTP
        return "usages PKIX-TA(0) and PKIX-EE(1) do not serve SMTP";
    case Usage::dane_ta:
    case Usage::dane_ee:
        break;
    default:
        return "the usage is unknown";
    }
    const auto selector = Selector{record.selector};
    if (selector != Selector::cert && selector != Selector::spki)
        return "the selector is unknown";
    switch (Matching{record.matching}) {
    case Matching::sha256: // RFC 6698 §2.1.3: the raw digest, no more and no less
        if (record.data.size() != 32)
            return "the data is not as long as a SHA2-256 digest";
        return std::nullopt;
    case Matching::sha512:
        if (record.data.size() != 64)
            return "the data is not as long as a SHA2-512 digest";
        return std::nullopt;
    case Matching::full:
        if (selector == Selector::cert && !is_der_certificate(record.data))
            return "the data is not a certificate";
        if (selector == Selector::spki && !is_der_public_key(record.data))
            return "the data is not a public key";
        return std::nullopt;
    }
    return "the matching type is unknown";
}

std::vector<Tlsa> usable(std::span<const Tlsa> records) {
    std::vector<Tlsa> out;
    for (const Tlsa& record : records)
        if (!unusable_because(record))
            out.push_back(record);

    // RFC 7671 §9, once the malformed are gone: a broken SHA2-512 does not hide a good SHA2-256.
    const auto is_weaker = [usable = out](const Tlsa& record) {
        return Matching{record.matching} == Matching::sha256 &&
               std::any_of(usable.begin(), usable.end(), [&](const Tlsa& other) {
                   return same_digest_family(record, other) &&
                          Matching{other.matching} == Matching::sha512;
               });
    };
    std::erase_if(out, is_weaker);
    return out;
}

} // namespace surehop::dane
