// SPDX-License-Identifier: Apache-2.0
#include "conf/forms.h"

#include "address/nexthop.h"
#include "base/text.h"
#include "milter/listen.h"
#include "resolve/address_range.h"
#include "resolve/ares_dns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace surehop {

namespace {

// Header fields that carry the message or its standing (RFC 5322 §3.6, RFC 2045, 6376, 8601, 8617).
constexpr auto needed_headers = std::to_array<std::string_view>({"from",
                                                                 "sender",
                                                                 "reply-to",
                                                                 "to",
                                                                 "cc",
                                                                 "bcc",
                                                                 "date",
                                                                 "subject",
                                                                 "message-id",
                                                                 "in-reply-to",
                                                                 "references",
                                                                 "received",
                                                                 "return-path",
                                                                 "mime-version",
                                                                 "comments",
                                                                 "keywords",
                                                                 "dkim-signature",
                                                                 "authentication-results",
                                                                 "received-spf",
                                                                 "autocrypt",
                                                                 "precedence"});
constexpr auto needed_families =
    std::to_array<std::string_view>({"content-", "resent-", "list-", "arc-"});

Error bad(std::string_view text, std::string_view why) {
    return Error{fmt::format("\"{}\" {}", printable(text), why)};
}

} // namespace

Result<std::string> absolute_path(std::string_view text) {
    if (!text.starts_with('/'))
        return bad(text, "is not an absolute path");
    if (text.ends_with('/'))
        return bad(text, "names a folder, not a file");
    return std::string(text);
}

Result<std::string> absolute_path_or_none(std::string_view text) {
    return text.empty() ? std::string() : absolute_path(text);
}

Result<std::string> socket_path(std::string_view text) {
    if (text.size() > longest_socket_path)
        return bad(text, fmt::format("is longer than the {} octets that a socket's path may have",
                                     longest_socket_path));
    return absolute_path(text);
}

Result<std::string> socket_text(std::string_view text) {
    const auto at = parse_listen_address(text);
    return at ? Result<std::string>(at->text()) : Error{at.error()};
}

Result<std::string> metrics_socket(std::string_view text) {
    if (text.empty())
        return std::string();
    const auto at = parse_listen_address(text);
    if (at && !at->path.empty())
        return bad(text, "is a UNIX socket, and Prometheus reads over TCP");
    return at ? Result<std::string>(at->text()) : Error{at.error()};
}

Result<std::string> domain_text(std::string_view text) {
    auto domain = Domain::parse(text);
    if (!domain)
        return Error{domain.error()};
    return domain->text();
}

Result<std::string> address_text(std::string_view text) {
    auto address = canonical_address(text);
    if (!address)
        return bad(text, "is not an address");
    return std::move(*address);
}

Result<std::string> server_text(std::string_view text) {
    const auto server = parse_dns_server(text);
    if (!server)
        return bad(text, "is not the address of a DNS server");
    const bool v6 = server->address.find(':') != std::string::npos;
    return v6 ? fmt::format("[{}]:{}", server->address, server->port)
              : fmt::format("{}:{}", server->address, server->port);
}

Result<std::string> range_text(std::string_view text) {
    if (!check_ranges({std::string(text)}))
        return bad(text, "is not a range of addresses");
    return std::string(text);
}

Result<IpRange> range_of(std::string_view text) {
    auto range = IpRange::parse(text);
    if (!range)
        return bad(text, "is not a range of addresses");
    return *std::move(range);
}

Result<std::string> any_text(std::string_view text) { return std::string(text); }

Result<std::string> lower_text(std::string_view text) { return lower(text); }

Result<std::string> quotable_text(std::string_view text) {
    const auto foreign = [](char c) { return c < 0x20 || c > 0x7e || c == '"' || c == '\\'; };
    if (std::any_of(text.begin(), text.end(), foreign))
        return bad(text, "has a character that cannot stand in an SMTP reply");
    if (trim(text).size() != text.size())
        return bad(text, "begins or ends with a blank");
    return std::string(text);
}

Result<std::string> header_name(std::string_view text) {
    const auto foreign = [](char c) { return c < 0x21 || c > 0x7e || c == ':'; };
    if (std::any_of(text.begin(), text.end(), foreign))
        return bad(text, "is not a header name (RFC 5322)");
    const std::string name = lower(text);
    if (std::find(needed_headers.begin(), needed_headers.end(), name) != needed_headers.end() ||
        std::any_of(needed_families.begin(), needed_families.end(),
                    [&](std::string_view family) { return name.starts_with(family); }))
        return bad(text, "is a header that mail needs, and would be removed from all of it");
    return std::string(text);
}

Result<AddressPattern> recipient_pattern(std::string_view text) {
    auto pattern = AddressPattern::parse(text);
    if (pattern && pattern->kind() == AddressPattern::Kind::null_sender)
        return bad(text, "is a sender, never a recipient");
    return pattern;
}

Result<AddressPattern> domain_pattern(std::string_view text) {
    auto pattern = AddressPattern::parse(text);
    if (pattern && !pattern->on_domain_alone())
        return bad(text, "is more than a domain");
    return pattern;
}

} // namespace surehop
