// SPDX-License-Identifier: Apache-2.0
#include "mtasts/policy.h"

#include "base/text.h"
#include "mtasts/field.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace surehop::mtasts {

namespace {

struct Draft {
    bool version = false;
    std::optional<Mode> mode;
    std::optional<Seconds> max_age;
    std::vector<MxPattern> mx;
};

using Fault = std::optional<std::string>; // nothing: it worked

// sts-policy-ext-value: UTF-8 without control characters. The blanks around it are gone by now.
bool is_value(std::string_view text) {
    return !text.empty() && is_utf8(text) && std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
}

std::optional<Mode> mode_of(std::string_view text) {
    for (const Mode mode : {Mode::none, Mode::testing, Mode::enforce})
        if (text == name_of(mode))
            return mode;
    return std::nullopt;
}

// "192.0.2.1": an address to people, four labels to the grammar.
bool is_dotted_digits(std::string_view text) {
    bool label = false; // of at least one digit
    for (const char c : text) {
        if (c == '.' ? !label : c < '0' || c > '9')
            return false;
        label = c != '.';
    }
    return label && text.find('.') != std::string_view::npos;
}

// RFC 8461 §3.2, sts-policy-mx-value = ["*."] Domain. IDNs are A-labels here, and Domain as RFC
// 5321 has it ends in no dot.
Fault take_mx(std::string_view value, std::vector<MxPattern>& mx) {
    std::string_view name = value;
    const bool wildcard = name.starts_with("*.");
    if (wildcard)
        name.remove_prefix(2);
    if (!is_ascii(name))
        return "an mx is not written in A-labels (xn--...)";
    if (is_dotted_digits(name)) // a Domain as the grammar has it, which no host bears
        return std::nullopt;
    const auto domain = Domain::parse(name);
    if (!domain || name.ends_with('.'))
        return fmt::format("mx '{}' is not a host name, with or without '*.' before it",
                           printable(value, 80));
    if (mx.size() == most_mx)
        return fmt::format("there are more than {} mx", most_mx);
    mx.push_back({wildcard, domain->text()});
    return std::nullopt;
}

Fault take_max_age(std::string_view value, std::optional<Seconds>& max_age) {
    const auto number = parse_number(value, 9999999999);
    if (!number || value.size() > 10) // 1*10(DIGIT)
        return fmt::format("max_age '{}' is not a number of 1 to 10 digits", printable(value, 40));
    // §3.2 sets the maximum and not what happens beyond it. Refusing the policy would make a typing
    // error end the protection (erratum 7282).
    max_age = std::min(Seconds(static_cast<Seconds::rep>(*number)), longest_max_age);
    return std::nullopt;
}

// sts-policy-field. Names and fixed values are case-sensitive; "Mode" is some other field.
Fault take_field(std::string_view line, Draft& draft) {
    if (line.empty())
        return "the line is empty";
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_field_name(line.substr(0, colon)))
        return "this is no field: 'name: value'";
    const auto name = line.substr(0, colon);
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    if (!is_value(value))
        return fmt::format("the value of {} is empty, or not UTF-8, or holds a control character",
                           name);

    if (name == "mx")
        return take_mx(value, draft.mx);
    // §3.2: of a field that does not repeat, all but the first are ignored; so are unknown fields.
    if (name == "version" && !draft.version) {
        if (value != "STSv1")
            return fmt::format("version '{}' is not STSv1", printable(value, 40));
        draft.version = true;
    } else if (name == "mode" && !draft.mode) {
        draft.mode = mode_of(value);
        if (!draft.mode)
            return fmt::format("mode '{}' is not enforce, testing or none", printable(value, 40));
    } else if (name == "max_age" && !draft.max_age) {
        return take_max_age(value, draft.max_age);
    }
    return std::nullopt;
}

// The line at the front without its terminator, LF or CRLF, and the blanks before that.
std::string_view take_line(std::string_view& body) {
    const auto end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (end != std::string_view::npos && line.ends_with('\r'))
        line.remove_suffix(1);
    while (line.ends_with(' ') || line.ends_with('\t'))
        line.remove_suffix(1);
    return line;
}

bool holds_only_empty_lines(std::string_view body) {
    while (!body.empty())
        if (!take_line(body).empty())
            return false;
    return true;
}

} // namespace

std::string_view name_of(Mode mode) {
    switch (mode) {
    case Mode::none:
        return "none";
    case Mode::testing:
        return "testing";
    case Mode::enforce:
        return "enforce";
    }
    return "";
}

bool MxPattern::matches(const Domain& host) const {
    // §4.1: the star is the whole left-most label and stands for exactly one.
    return (wildcard ? host.parent() : std::string_view(host.text())) == name;
}

std::string MxPattern::text() const { return (wildcard ? "*." : "") + name; }

bool Policy::allows(const Domain& host) const {
    return std::any_of(mx.begin(), mx.end(),
                       [&](const MxPattern& pattern) { return pattern.matches(host); });
}

Result<Policy> parse_policy(std::string_view body) {
    Draft draft;
    for (std::size_t number = 1; !body.empty(); ++number) {
        const std::string_view line = take_line(body);
        // §3.2 knows no empty lines. At the end they are common, and take nothing from what stands
        // before them; anywhere else something may be missing.
        if (line.empty() && holds_only_empty_lines(body))
            break;
        if (const auto fault = take_field(line, draft))
            return Error{fmt::format("line {}: {}", number, *fault)};
    }

    // §3.2: version, mode and max_age are required; so is mx, unless the mode is none.
    if (!draft.version)
        return Error{"there is no version"};
    if (!draft.mode)
        return Error{"there is no mode"};
    if (!draft.max_age)
        return Error{"there is no max_age"};
    if (draft.mx.empty() && *draft.mode != Mode::none)
        return Error{"there is no mx that a host could match"};
    return Policy{*draft.mode, *draft.max_age, std::move(draft.mx)};
}

std::string print_policy(const Policy& policy) {
    std::string out = fmt::format("version: STSv1\nmode: {}\n", name_of(policy.mode));
    for (const MxPattern& pattern : policy.mx)
        out += fmt::format("mx: {}\n", pattern.text());
    out += fmt::format("max_age: {}\n", policy.max_age.count());
    return out;
}

} // namespace surehop::mtasts
