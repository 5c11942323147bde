// SPDX-License-Identifier: Apache-2.0
#include "store/held.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace surehop {

namespace {

constexpr std::string_view begin = "promised ";
constexpr std::string_view between = ", ";
constexpr std::string_view nothing = "nothing";
constexpr std::string_view by_sender = "; REQUIRETLS";

bool before(const Promised& a, const Promised& b) {
    return std::tie(a.key, a.level) < std::tie(b.key, b.level);
}

} // namespace

std::string text_of(const HeldNote& note) {
    std::vector<Promised> promised = note.promised;
    std::ranges::sort(promised, before);
    promised.erase(std::ranges::unique(promised).begin(), promised.end());
    std::string out(begin);
    for (const Promised& one : promised)
        out += fmt::format("{}{} {}", out.size() == begin.size() ? "" : between, name_of(one.level),
                           one.key);
    if (promised.empty())
        out += nothing;
    return note.requiretls ? out + std::string(by_sender) : out;
}

Result<HeldNote> parse_held_note(std::string_view text) {
    const Error odd{
        fmt::format("the ledger's note '{}' of a held message cannot be read", printable(text))};
    HeldNote note;
    if (text.ends_with(by_sender)) {
        note.requiretls = true;
        text.remove_suffix(by_sender.size());
    }
    if (!text.starts_with(begin))
        return odd;
    text.remove_prefix(begin.size());
    if (text == nothing)
        return note;
    for (;;) {
        const auto end = text.find(between);
        const std::string_view one = text.substr(0, end);
        const auto blank = one.find(' ');
        const auto level = level_of(one.substr(0, blank));
        if (!level || blank == std::string_view::npos)
            return odd;
        const std::string_view key = one.substr(blank + 1);
        if (key.empty() || key.find_first_of(", ") != std::string_view::npos)
            return odd;
        note.promised.push_back({std::string(key), *level});
        if (end == std::string_view::npos)
            return note;
        text.remove_prefix(end + between.size());
    }
}

} // namespace surehop
