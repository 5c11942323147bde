// SPDX-License-Identifier: Apache-2.0
#include "mta/sendmail_config.h"

#include "base/text.h"
#include "mta/postfix_config.h"

#include <algorithm>
#include <utility>

namespace surehop {

namespace {

constexpr std::string_view blanks = " \t";

std::string_view take_word(std::string_view& text) {
    text = trim(text);
    const auto end = std::min(text.find_first_of(blanks), text.size());
    const std::string_view word = text.substr(0, end);
    text = trim(text.substr(end));
    return word;
}

} // namespace

Result<SendmailConfig> SendmailConfig::parse(std::string_view text) {
    SendmailConfig out;
    std::string line; // with what is folded below it
    for (std::string_view raw : split(text, '\n')) {
        if (raw.ends_with('\r'))
            raw.remove_suffix(1);
        if (!raw.empty() && (raw.front() == ' ' || raw.front() == '\t')) {
            line += raw;
            continue;
        }
        out.read(std::exchange(line, std::string(raw)));
    }
    out.read(line);
    if (!out.is_one_)
        return Error{"this is no sendmail.cf: it has no line V (version)"};
    return out;
}

void SendmailConfig::read(std::string_view line) {
    if (line.size() < 2)
        return;
    const char kind = line.front();
    std::string_view rest = line.substr(1);
    if (kind == 'V') {
        is_one_ = true;
    } else if (kind == 'O' && rest.front() == ' ') {
        rest = trim(rest);
        const auto equals = rest.find('=');
        if (equals != std::string_view::npos)
            options_.emplace_back(lower(trim(rest.substr(0, equals))),
                                  std::string(trim(rest.substr(equals + 1))));
    } else if (kind == 'D') {
        macros_[rest.front()] = std::string(trim(rest.substr(1)));
        if (rest.front() == 'Z') { // DZ8.17.1.9/Debian-2
            const auto parts = split(rest.substr(1), '.');
            for (std::size_t i = 0; i < std::min(parts.size(), version_.size()); ++i) {
                const auto digits = parts[i].substr(0, parts[i].find_first_not_of("0123456789"));
                version_.at(i) =
                    static_cast<std::uint32_t>(parse_number(digits, 100'000).value_or(0));
            }
        }
    } else if (kind == 'S') { // SLocal_tls_rcpt, Scheck_rcpt=3
        in_ruleset_ = lower(trim(rest.substr(0, rest.find_first_of("=,"))));
    } else if (kind == 'R' && !in_ruleset_.empty()) {
        rulesets_[in_ruleset_] += std::string(line) + "\n";
    } else if (kind == 'X') {
        const auto comma = rest.find(',');
        milters_.push_back(
            {std::string(trim(rest.substr(0, comma))),
             sendmail_equates(comma == std::string_view::npos ? std::string_view()
                                                              : rest.substr(comma + 1))});
    } else if (kind == 'K') {
        const std::string name(take_word(rest));
        SendmailMap map;
        map.type = take_word(rest);
        while (rest.starts_with('-'))
            map.options.emplace_back(take_word(rest));
        map.rest = rest;
        maps_.insert_or_assign(name, std::move(map));
    }
}

std::string SendmailConfig::option(std::string_view name) const {
    const auto all = options(name);
    return all.empty() ? "" : all.back();
}

std::vector<std::string> SendmailConfig::options(std::string_view name) const {
    std::vector<std::string> out;
    for (const auto& [its_name, value] : options_)
        if (same_ignoring_case(its_name, name))
            out.push_back(value);
    return out;
}

std::string SendmailConfig::macro(char name) const {
    const auto found = macros_.find(name);
    return found == macros_.end() ? "" : found->second;
}

const SendmailMilter* SendmailConfig::milter(std::string_view name) const {
    const auto found = std::find_if(milters_.begin(), milters_.end(),
                                    [&](const SendmailMilter& one) { return one.name == name; });
    return found == milters_.end() ? nullptr : &*found;
}

std::string SendmailConfig::ruleset(std::string_view name) const {
    const auto found = rulesets_.find(lower(name));
    return found == rulesets_.end() ? "" : found->second;
}

const SendmailMap* SendmailConfig::map(std::string_view name) const {
    const auto found = maps_.find(name);
    return found == maps_.end() ? nullptr : &found->second;
}

std::vector<SendmailEntry> sendmail_table(std::string_view text) {
    std::vector<SendmailEntry> out;
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.starts_with('#') || trim(line).empty())
            continue;
        const std::string key(take_word(line));
        out.push_back({key, std::string(line)});
    }
    return out;
}

std::map<char, std::string> sendmail_equates(std::string_view text) {
    std::map<char, std::string> out;
    for (const std::string_view part : split(text, ',')) {
        const auto equals = part.find('=');
        const std::string_view name = trim(part.substr(0, equals));
        if (equals == std::string_view::npos || name.empty())
            continue;
        const char letter = name.front();
        out[letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter] =
            std::string(trim(part.substr(equals + 1)));
    }
    return out;
}

std::optional<Millis> sendmail_time(std::string_view text, char unit) {
    Millis sum{0};
    text = trim(text);
    if (text.empty())
        return std::nullopt;
    while (!text.empty()) { // 2h30m
        const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
        const auto one = postfix_time(text.substr(0, std::min(digits + 1, text.size())), unit);
        if (!one)
            return std::nullopt;
        sum += *one;
        text.remove_prefix(std::min(digits + 1, text.size()));
        // "2hours": what follows the letter is not looked at.
        text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
    }
    return sum;
}

} // namespace surehop
