// SPDX-License-Identifier: Apache-2.0
#include "milter/field.h"

#include "base/bytes.h"
#include "base/text.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace surehop {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string unfolded(std::string_view value) {
    std::string out;
    for (const char c : value)
        if (c != '\r' && c != '\n')
            out += c;
    return std::string(trim(out));
}

// RFC 2047 §4.2.
std::optional<std::string> decode_q(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '_') {
            out += ' ';
        } else if (text[i] == '=') {
            const auto octet = from_hex(text.substr(i + 1, 2));
            if (!octet || octet->size() != 1)
                return std::nullopt;
            out += static_cast<char>(octet->front());
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

// Converters for rare charsets are old code that a stranger could reach: only these are used.
bool is_common(std::string_view charset) {
    constexpr auto exact = std::to_array<std::string_view>(
        {"utf-8", "us-ascii", "ascii", "koi8-r", "koi8-u", "utf8", "latin1"});
    constexpr auto numbered =
        std::to_array<std::string_view>({"iso-8859-", "windows-125", "cp125"});
    const auto is_number = [](std::string_view text) {
        return !text.empty() && text.size() <= 2 &&
               text.find_first_not_of("0123456789") == std::string_view::npos;
    };
    return std::ranges::find(exact, charset) != exact.end() ||
           std::ranges::any_of(numbered, [&](std::string_view prefix) {
               return charset.starts_with(prefix) && is_number(charset.substr(prefix.size()));
           });
}

std::optional<std::string> to_utf8(std::string text, const std::string& charset) {
    if (!is_common(charset))
        return std::nullopt;
    iconv_t converter = ::iconv_open("UTF-8", charset.c_str());
    if (converter == reinterpret_cast<iconv_t>(-1))
        return std::nullopt;
    std::string out;
    char* from = text.data();
    std::size_t left = text.size();
    bool good = true;
    while (good && left > 0) {
        std::array<char, 1024> room{};
        char* to = room.data();
        std::size_t space = room.size();
        const std::size_t done = ::iconv(converter, &from, &left, &to, &space);
        good = done != static_cast<std::size_t>(-1) || space < room.size();
        out.append(room.data(), room.size() - space);
    }
    ::iconv_close(converter);
    return good ? std::optional(out) : std::nullopt;
}

struct EncodedWord {
    std::string decoded;
    std::size_t length = 0; // of what it was written as
};

// "=?charset?B?text?=", or with a language after the charset (RFC 2231 §5).
std::optional<EncodedWord> encoded_word(std::string_view text) {
    if (!text.starts_with("=?"))
        return std::nullopt;
    const auto charset_end = text.find('?', 2);
    if (charset_end == std::string_view::npos || text.size() < charset_end + 3 ||
        text[charset_end + 2] != '?')
        return std::nullopt;
    const auto begin = charset_end + 3;
    const auto end = text.find("?=", begin);
    if (end == std::string_view::npos)
        return std::nullopt;
    const std::string_view written = text.substr(begin, end - begin);
    const std::string charset = lower(text.substr(2, charset_end - 2));
    const std::string encoding = lower(text.substr(charset_end + 1, 1));
    auto octets = encoding == "b"   ? from_base64(written)
                  : encoding == "q" ? decode_q(written)
                                    : std::nullopt;
    auto decoded =
        octets ? to_utf8(*std::move(octets), charset.substr(0, charset.find('*'))) : std::nullopt;
    if (!decoded)
        return std::nullopt;
    return EncodedWord{*std::move(decoded), end + 2};
}

} // namespace

FieldText readable(std::string_view value) {
    const std::string text = unfolded(value);
    if (text.find("=?") == std::string::npos)
        return {text, true};
    std::string out;
    bool whole = true;
    std::size_t blanks_from = 0; // RFC 2047 §6.2: blanks between two encoded words are none
    bool after_word = false;
    for (std::size_t at = 0; at < text.size();) {
        if (const auto word = encoded_word(std::string_view(text).substr(at))) {
            if (after_word)
                out.resize(blanks_from);
            out += word->decoded;
            blanks_from = out.size();
            after_word = true;
            at += word->length;
            continue;
        }
        whole = whole && text.compare(at, 2, "=?") != 0;
        after_word = after_word && is_blank(text[at]);
        out += text[at++];
    }
    return {std::move(out), whole};
}

} // namespace surehop
