// SPDX-License-Identifier: Apache-2.0
#include "cmd/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace surehop {

ServiceManager ServiceManager::of_environment() {
    const char* socket = std::getenv("NOTIFY_SOCKET");
    return ServiceManager(socket == nullptr ? "" : socket);
}

bool ServiceManager::tell(std::string_view state) const {
    sockaddr_un to{};
    const bool named = socket_.starts_with('/') || socket_.starts_with('@');
    if (!named || socket_.size() >= sizeof to.sun_path)
        return false;
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, socket_.data(), socket_.size());
    if (to.sun_path[0] == '@') // an abstract name begins with a NUL
        to.sun_path[0] = '\0';
    const int from = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (from < 0)
        return false;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    const ssize_t sent = ::sendto(from, state.data(), state.size(), MSG_NOSIGNAL,
                                  reinterpret_cast<const sockaddr*>(&to), length);
    ::close(from);
    return sent == static_cast<ssize_t>(state.size());
}

} // namespace surehop
