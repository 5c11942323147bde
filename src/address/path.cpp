// SPDX-License-Identifier: Apache-2.0
#include "address/path.h"

#include "address/nexthop.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace surehop {

namespace {

// RFC 5321 §4.5.3.1, in octets. The domain's own limit is Domain's.
constexpr std::size_t longest_path = 256; // with the angle brackets
constexpr const char* too_long = "the address is longer than 254 octets";

struct Parts {
    std::string local;
    std::optional<Domain> domain;
    std::optional<std::string> literal;
};

using Fault = Path::Fault;
using Failed = std::optional<Path::Failure>; // nothing: it worked

Path::Failure syntax(std::string text) { return {Fault::syntax, std::move(text)}; }

// RFC 5322 §3.2.3, with RFC 6531 §3.3: UTF8-non-ascii counts too.
bool is_atext(char c) {
    constexpr std::string_view specials = "!#$%&'*+-/=?^_`{|}~";
    return is_letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
           specials.find(c) != std::string_view::npos;
}

bool is_dot_string(std::string_view local) {
    if (local.empty() || local.front() == '.' || local.back() == '.' ||
        local.find("..") != std::string_view::npos)
        return false;
    return std::all_of(local.begin(), local.end(), [](char c) { return c == '.' || is_atext(c); });
}

// The local part as it must be written (§4.1.2: quoted only where needed).
std::string spelled(std::string_view local) {
    if (is_dot_string(local))
        return std::string(local);
    std::string out = "\"";
    for (const char c : local) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

// An IDN is told apart by its look, since what is wrong with it is Domain's to say.
bool is_international(std::string_view domain) {
    const std::string name = lower(domain);
    return !is_ascii(name) || name.starts_with("xn--") || name.find(".xn--") != std::string::npos;
}

Failed take_domain(std::string_view text, std::optional<Domain>& domain) {
    if (text.empty())
        return syntax("the address has no domain after the @");
    auto parsed = Domain::parse(text);
    if (!parsed)
        return Path::Failure{is_international(text) ? Fault::invalid_idn : Fault::syntax,
                             parsed.error()};
    domain = *std::move(parsed);
    return std::nullopt;
}

// A-d-l, §4.1.2 and Appendix C: "@a,@b:" before the mailbox. Must be read, and is then ignored.
Failed skip_source_route(std::string_view& rest) {
    for (;;) {
        if (!rest.starts_with('@'))
            return syntax("the source route of the address is not valid");
        rest.remove_prefix(1);
        const auto end = rest.find_first_of(",:");
        if (end == std::string_view::npos)
            return syntax("the address has nothing before the @");
        std::optional<Domain> ignored;
        if (auto failed = take_domain(rest.substr(0, end), ignored))
            return failed;
        const bool last = rest[end] == ':';
        rest.remove_prefix(end + 1);
        if (last)
            return std::nullopt;
    }
}

// Quoted-string, §4.1.2: qtextSMTP and quoted-pairSMTP.
Failed take_quoted(std::string_view& rest, std::string& local) {
    rest.remove_prefix(1);
    while (!rest.empty()) {
        char c = rest.front();
        rest.remove_prefix(1);
        if (c == '"')
            return std::nullopt;
        if (c == '\\') {
            if (rest.empty())
                break;
            c = rest.front();
            rest.remove_prefix(1);
            if (static_cast<unsigned char>(c) >= 0x80) // quoted-pairSMTP = %d92 %d32-126
                return syntax("a backslash of the address stands before a character outside ASCII");
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return syntax("the address holds a control character");
        local += c;
    }
    return syntax("the address has a quote that is not closed");
}

// Dot-string, §4.1.2, and more: a dot at either end or two in a row. Some providers gave out such
// addresses, Postfix accepts them, and where they go is certain. They print quoted.
void take_dot_string(std::string_view& rest, std::string& local) {
    std::size_t end = 0;
    while (end < rest.size() && (rest[end] == '.' || is_atext(rest[end])))
        ++end;
    local = rest.substr(0, end);
    rest.remove_prefix(end);
}

// General-address-literal, §4.1.3: Standardized-tag ":" 1*dcontent.
bool is_general_literal(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
        return false;
    const auto tag = text.substr(0, colon), content = text.substr(colon + 1);
    return tag.back() != '-' &&
           std::all_of(tag.begin(), tag.end(),
                       [](char c) { return is_letter_or_digit(c) || c == '-'; }) &&
           std::all_of(content.begin(), content.end(),
                       [](char c) { return c > 0x20 && c < 0x7f && (c < '[' || c > ']'); });
}

Failed take_literal(std::string_view text, std::optional<std::string>& literal) {
    Path::Failure invalid = syntax(
        fmt::format("'{}' is not an address literal: write [192.0.2.1] or [IPv6:2001:db8::1]",
                    printable(text, 80)));
    if (text.size() < 2 || !text.ends_with(']'))
        return invalid;
    const std::string content = lower(text.substr(1, text.size() - 2));
    const auto address = canonical_address(content);
    if (content.starts_with("ipv6:")) {
        if (!address)
            return invalid;
        literal = "ipv6:" + *address;
    } else if (address) {
        if (address->find(':') != std::string::npos) // §4.1.3: IPv6 has its tag
            return invalid;
        literal = address;
    } else {
        if (!is_general_literal(content))
            return invalid;
        literal = content;
    }
    return std::nullopt;
}

Failed read(std::string_view text, Parts& parts) {
    std::string_view rest = text;
    if (rest.starts_with('<')) {
        if (!rest.ends_with('>'))
            return syntax("the address has an angle bracket that is not closed");
        rest = rest.substr(1, rest.size() - 2);
    }
    if (rest.empty())
        return std::nullopt;
    if (rest.size() + 2 > longest_path)
        return syntax(too_long);
    if (!is_utf8(rest))
        return syntax("the address is not UTF-8");

    const bool routed = rest.front() == '@';
    if (routed)
        if (auto failed = skip_source_route(rest))
            return failed;

    const bool quoted = rest.starts_with('"');
    if (quoted) {
        if (auto failed = take_quoted(rest, parts.local))
            return failed;
    } else {
        take_dot_string(rest, parts.local);
    }
    if (!rest.empty() && rest.front() != '@')
        return syntax("the address holds a character that must stand in quotes");
    if (parts.local.empty() && (!quoted || rest.empty()))
        return syntax("the address has nothing before the @");

    if (rest.empty()) // <postmaster>, §4.1.1.3; a source route leads to a mailbox with a domain
        return routed ? Failed(syntax("the address has no domain")) : std::nullopt;
    rest.remove_prefix(1);
    return rest.starts_with('[') ? take_literal(rest, parts.literal)
                                 : take_domain(rest, parts.domain);
}

// Of its canonical form with angle brackets: no less than it has, without printing it.
std::size_t most_octets(const Path& path) {
    const std::size_t host = path.domain()    ? path.domain()->text().size()
                             : path.literal() ? path.literal()->size()
                                              : 0;
    return 2 * path.local().size() + host + std::string_view("<\"\"@[]>").size();
}

} // namespace

Result<Path> Path::parse(std::string_view text, Failure* failure) {
    Parts parts;
    auto failed = read(text, parts);
    Path path;
    path.local_ = std::move(parts.local);
    path.domain_ = std::move(parts.domain);
    path.literal_ = std::move(parts.literal);
    // The canonical form counts too: it can be longer, where a U-label became an A-label.
    if (!failed && most_octets(path) > longest_path && path.text().size() + 2 > longest_path)
        failed = syntax(too_long);
    if (!failed)
        return path;
    Error error{failed->text};
    if (failure != nullptr)
        *failure = *std::move(failed);
    return error;
}

bool Path::is_null() const { return local_.empty() && !domain_ && !literal_; }

std::string Path::text() const {
    if (is_null())
        return "";
    std::string out = spelled(local_);
    if (domain_)
        out.append("@").append(domain_->text());
    else if (literal_)
        out.append("@[").append(*literal_).append("]");
    return out;
}

} // namespace surehop
