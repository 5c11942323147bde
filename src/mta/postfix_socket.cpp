// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix_socket.h"

#include "address/ip_range.h"
#include "address/nexthop.h"
#include "base/text.h"

#include <fmt/format.h>

namespace surehop {

namespace {

constexpr std::string_view unix_scheme = "unix:", inet_scheme = "inet:";

// "127.0.0.1:8461", "[::1]:8461", "localhost:8461"
std::optional<PostfixSocket> host_and_port(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == text.size())
        return std::nullopt;
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    return PostfixSocket{"", std::string(host), std::string(text.substr(colon + 1))};
}

std::optional<PostfixSocket> socket_of(std::string_view text) {
    if (text.starts_with(unix_scheme) && text.size() > unix_scheme.size())
        return PostfixSocket{std::string(text.substr(unix_scheme.size())), "", ""};
    for (const std::string_view scheme : {inet_scheme, std::string_view("inet6:")})
        if (text.starts_with(scheme))
            return host_and_port(text.substr(scheme.size()));
    return std::nullopt;
}

PostfixMilter milter_of(const std::string& word) {
    PostfixMilter out{word, std::nullopt, std::nullopt};
    if (!word.starts_with('{')) {
        out.socket = socket_of(word);
        return out;
    }
    const std::string_view inside = std::string_view(word).substr(1, word.size() - 2);
    // "name=value", with or without blanks around the sign.
    for (const std::string_view part : split(inside, ',')) {
        const auto equals = part.find('=');
        if (equals == std::string_view::npos) {
            if (!trim(part).empty())
                out.socket = socket_of(trim(part));
        } else if (trim(part.substr(0, equals)) == "default_action") {
            out.default_action = std::string(trim(part.substr(equals + 1)));
        }
    }
    return out;
}

struct Ours {
    std::string path, port, address;
};

Ours parts_of(const std::string& ours) {
    const std::string_view text = ours;
    if (text.starts_with(unix_scheme))
        return {std::string(text.substr(unix_scheme.size())), "", ""};
    const std::string_view rest =
        text.substr(text.starts_with(inet_scheme) ? inet_scheme.size() : 0);
    const auto sign = rest.find('@');
    return {"", std::string(rest.substr(0, sign)),
            sign == std::string_view::npos ? "" : std::string(rest.substr(sign + 1))};
}

} // namespace

std::vector<PostfixMilter> postfix_milters(std::string_view list) {
    std::vector<PostfixMilter> out;
    for (const std::string& word : postfix_list(list))
        out.push_back(milter_of(word));
    return out;
}

std::optional<PostfixSocketmap> postfix_socketmap(std::string_view table) {
    PostfixSocketmap out;
    constexpr std::string_view proxy = "proxy:", socketmap = "socketmap:";
    if (table.starts_with(proxy)) {
        out.proxied = true;
        table.remove_prefix(proxy.size());
    }
    if (!table.starts_with(socketmap))
        return std::nullopt;
    table.remove_prefix(socketmap.size());
    const auto colon = table.rfind(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    const auto socket = socket_of(table.substr(0, colon));
    if (!socket)
        return std::nullopt;
    out.socket = *socket;
    out.name = table.substr(colon + 1);
    return out;
}

std::string path_seen(const PostfixConfig& config, const std::string& path, bool chrooted) {
    const std::string queue = config.value("queue_directory");
    if (!path.starts_with('/'))
        return fmt::format("{}/{}", queue, path);
    return chrooted ? queue + path : path;
}

bool is_same_socket(const PostfixSocket& theirs, const std::string& ours,
                    const PostfixConfig& config, bool chrooted, const Surroundings& around) {
    const Ours parts = parts_of(ours);
    if (!theirs.path.empty())
        return !parts.path.empty() && around.real_path(path_seen(config, theirs.path, chrooted)) ==
                                          around.real_path(parts.path);
    if (parts.port.empty() || theirs.port != parts.port)
        return false;
    if (theirs.host == "localhost")
        return is_loopback(parts.address);
    const auto address = canonical_address(theirs.host);
    return (address && *address == parts.address) || theirs.host == parts.address ||
           parts.address == "0.0.0.0" || parts.address == "::";
}

std::optional<std::string> spelt_for_postfix(const std::string& ours, const PostfixConfig& config,
                                             bool chrooted, const Surroundings& around) {
    const Ours parts = parts_of(ours);
    if (parts.path.empty())
        return fmt::format("inet:{}:{}",
                           parts.address.find(':') == std::string::npos
                               ? parts.address
                               : fmt::format("[{}]", parts.address),
                           parts.port);
    const std::string queue = around.real_path(config.value("queue_directory")) + "/";
    const std::string path = around.real_path(parts.path);
    if (path.starts_with(queue))
        return fmt::format("unix:{}", path.substr(queue.size()));
    if (chrooted)
        return std::nullopt;
    return fmt::format("unix:{}", parts.path);
}

} // namespace surehop
