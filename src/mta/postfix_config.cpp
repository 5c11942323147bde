// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix_config.h"

#include "base/text.h"

#include <fmt/format.h>

#include <utility>

namespace surehop {

namespace {

// A parameter of a megabyte, or a million of them, is no configuration.
constexpr std::size_t most_lines = 20'000;

// Lines with what is folded below them.
std::vector<std::string> logical_lines(std::string_view text) {
    std::vector<std::string> out;
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (trim(line).empty() || line.starts_with('#'))
            continue;
        if ((line.front() == ' ' || line.front() == '\t') && !out.empty())
            out.back() += fmt::format(" {}", trim(line));
        else if (out.size() < most_lines)
            out.emplace_back(trim(line));
    }
    return out;
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> out;
    while (!(line = trim(line)).empty()) {
        const auto end = line.find_first_of(" \t");
        out.push_back(line.substr(0, end));
        line.remove_prefix(end == std::string_view::npos ? line.size() : end);
    }
    return out;
}

std::optional<std::pair<std::string, std::string>> assignment(std::string_view line) {
    const auto equals = line.find('=');
    const std::string_view name = trim(line.substr(0, equals));
    if (equals == std::string_view::npos || name.empty() ||
        name.find_first_of(" \t") != std::string_view::npos)
        return std::nullopt;
    return std::pair{std::string(name), std::string(trim(line.substr(equals + 1)))};
}

Error unreadable(const char* program, std::string_view line) {
    return Error{fmt::format("{} has printed a line that cannot be read: '{}'", program,
                             printable(line, 80))};
}

} // namespace

std::optional<PostfixVersion> parse_postfix_version(std::string_view text) {
    text = trim(text);
    while (text.ends_with('\n'))
        text.remove_suffix(1);
    PostfixVersion out{};
    const auto parts = split(text.substr(0, text.find('-')), '.'); // 3.11-20260101
    if (parts.size() < 2 || parts.size() > out.size())
        return std::nullopt;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto number = parse_number(parts[i], 100'000);
        if (!number)
            return std::nullopt;
        out.at(i) = static_cast<std::uint32_t>(*number);
    }
    return out;
}

Result<PostfixConfig> PostfixConfig::parse(std::string_view parameters, std::string_view services,
                                           std::string_view overrides, std::string_view version) {
    PostfixConfig out;
    const auto number = parse_postfix_version(version);
    if (!number)
        return Error{fmt::format("postconf calls its version '{}'", printable(version, 40))};
    out.version_ = *number;
    for (const std::string& line : logical_lines(parameters)) {
        auto found = assignment(line);
        if (!found)
            return unreadable("postconf", line);
        out.parameters_.insert_or_assign(std::move(found->first), std::move(found->second));
    }
    if (!out.knows("queue_directory") || !out.knows("smtp_tls_policy_maps"))
        return Error{"postconf has printed no parameters of Postfix"};
    // Postfix before 3.0 and compatibility_level 0 run in the chroot what says "-".
    const auto level = parse_postfix_version(out.value("compatibility_level") + ".0");
    const bool by_default = !level || level->front() < 1;
    for (const std::string& line : logical_lines(services)) {
        const auto words = words_of(line);
        if (words.size() < 8)
            return unreadable("postconf -M", line);
        PostfixService service;
        service.name = words[0];
        service.type = words[1];
        service.chrooted = words[4] == "-" ? by_default : words[4] == "y";
        const auto slash = words[7].rfind('/');
        service.program = words[7].substr(slash == std::string_view::npos ? 0 : slash + 1);
        out.services_.push_back(std::move(service));
    }
    for (const std::string& line : logical_lines(overrides)) {
        const auto found = assignment(line);
        const auto parts = found ? split(found->first, '/') : std::vector<std::string_view>{};
        if (parts.size() < 3)
            return unreadable("postconf -P", line);
        // A service may have slashes in its name (a socket's path), a parameter has none.
        const std::string_view parameter = parts.back(), type = parts[parts.size() - 2];
        const auto name = std::string_view(found->first)
                              .substr(0, found->first.size() - parameter.size() - type.size() - 2);
        for (PostfixService& service : out.services_)
            if (service.name == name && service.type == type)
                service.overrides.insert_or_assign(std::string(parameter), found->second);
    }
    return out;
}

std::string PostfixConfig::value(std::string_view name) const {
    const auto found = parameters_.find(name);
    return found == parameters_.end() ? "" : found->second;
}

const PostfixService* PostfixConfig::service(std::string_view name, std::string_view type) const {
    for (const PostfixService& one : services_)
        if (one.name == name && one.type == type)
            return &one;
    return nullptr;
}

std::string PostfixView::value(std::string_view name) const {
    if (service_ != nullptr)
        if (const auto found = service_->overrides.find(name); found != service_->overrides.end())
            return found->second;
    return config_.value(name);
}

std::string PostfixView::spell(std::string_view name) const {
    return overrides(name) ? fmt::format("{} of {} in master.cf", name, service_->label())
                           : std::string(name);
}

std::string PostfixView::set(std::string_view name, std::string_view value) const {
    if (overrides(name)) {
        // main.cf's own value, where that is meant; else in its place, without blanks, which
        // master.cf does not take.
        if (value.empty() || config_.value(name) == value)
            return fmt::format("postconf -PX {}/{}", service_->label(), name);
        std::string packed;
        for (const char c : value)
            if (c != ' ' && c != ',')
                packed += c;
            else if (!packed.ends_with(','))
                packed += ',';
        return fmt::format("postconf -P {}", quoted_for_shell(fmt::format(
                                                 "{}/{}={}", service_->label(), name, packed)));
    }
    return fmt::format("postconf -e {}", quoted_for_shell(fmt::format(
                                             "{} ={}{}", name, value.empty() ? "" : " ", value)));
}

std::vector<std::string> postfix_list(std::string_view text) {
    std::vector<std::string> out;
    std::string word;
    int depth = 0;
    for (const char c : text) {
        const bool separates = c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (depth == 0 && separates) {
            if (!word.empty())
                out.push_back(std::exchange(word, {}));
            continue;
        }
        if (c == '{')
            ++depth;
        if (c == '}' && depth > 0)
            --depth;
        word += c;
    }
    if (!word.empty())
        out.push_back(std::move(word));
    return out;
}

bool postfix_yes(std::string_view value) { return same_ignoring_case(value, "yes"); }

std::optional<Millis> postfix_time(std::string_view text, char unit) {
    text = trim(text);
    if (!text.empty() && !is_digit(text.back())) {
        unit = text.back();
        text.remove_suffix(1);
    }
    const auto number = parse_number(text, 100'000'000);
    if (!number)
        return std::nullopt;
    const Seconds count{static_cast<Seconds::rep>(*number)};
    switch (unit) {
    case 's':
        return count;
    case 'm':
        return count * 60;
    case 'h':
        return count * 3600;
    case 'd':
        return count * 86'400;
    case 'w':
        return count * 604'800;
    default:
        return std::nullopt;
    }
}

std::string quoted_for_shell(std::string_view text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

} // namespace surehop
