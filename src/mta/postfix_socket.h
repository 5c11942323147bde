// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mta/postfix_config.h"
#include "mta/surroundings.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Where Postfix connects when it asks a milter or a socketmap, and whether surehop listens there.

namespace surehop {

struct PostfixSocket {
    std::string path;       // of a UNIX socket, as it is written; "" where it is none
    std::string host, port; // of any other
};

struct PostfixMilter {
    std::string text; // as it is written
    std::optional<PostfixSocket> socket;
    std::optional<std::string> default_action; // of { unix:..., default_action=... }
};
std::vector<PostfixMilter> postfix_milters(std::string_view list); // as of smtpd_milters

struct PostfixSocketmap {
    PostfixSocket socket;
    std::string name;
    bool proxied = false; // proxy:socketmap: proxymap(8) connects
};
std::optional<PostfixSocketmap> postfix_socketmap(std::string_view table);

// A UNIX socket's path on this machine. Postfix counts relative ones from its queue directory, and
// a service in the chroot all of them.
std::string path_seen(const PostfixConfig& config, const std::string& path, bool chrooted);

// `ours`: unix:/absolute/path or inet:PORT@ADDRESS.
bool is_same_socket(const PostfixSocket& theirs, const std::string& ours,
                    const PostfixConfig& config, bool chrooted, const Surroundings& around);

// How Postfix must write our socket: unix:surehop/milter.sock, inet:127.0.0.1:8460. Nothing where a
// service in the chroot cannot reach it.
std::optional<std::string> spelt_for_postfix(const std::string& ours, const PostfixConfig& config,
                                             bool chrooted, const Surroundings& around);

} // namespace surehop
