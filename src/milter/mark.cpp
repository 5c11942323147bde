// SPDX-License-Identifier: Apache-2.0
#include "milter/mark.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace surehop {

namespace {

// "a@one.test, b@two.test and 7 more"
std::string first_of(const std::vector<std::string>& recipients) {
    constexpr std::size_t most_named = 3;
    const std::size_t named = std::min(recipients.size(), most_named);
    std::string out;
    for (const std::string& recipient : std::span(recipients).first(named))
        out += fmt::format("{}{}", out.empty() ? "" : ", ", printable(recipient, 100));
    return recipients.size() == named
               ? out
               : fmt::format("{} and {} more", out, recipients.size() - named);
}

// A quoted-string for a header field (RFC 5322 §3.2.4), on one line.
std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : printable(text, 60)) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

} // namespace

std::string header_text(const Mark& mark, bool held) {
    return fmt::format("{};{} rule={}; ref={}", mark.outcome, held ? " held;" : "",
                       quoted(mark.rule), mark.reference);
}

std::string hold_text(const Mark& mark) {
    return fmt::format("surehop: {} for {}, rule {}, ref {}", mark.outcome,
                       first_of(mark.recipients), quoted(mark.rule), mark.reference);
}

} // namespace surehop
