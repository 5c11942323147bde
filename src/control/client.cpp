// SPDX-License-Identifier: Apache-2.0
#include "control/client.h"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace surehop {

namespace {

class Socket {
  public:
    Socket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() {
        if (fd_ >= 0)
            ::close(fd_);
    }

    // 0, or why not.
    int connect(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path)
            return ENAMETOOLONG;
        path.copy(address.sun_path, path.size());
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        return ::connect(fd_, generic, sizeof address) == 0 ? 0 : errno;
    }

    void limit(Seconds most) {
        const timeval time{most.count(), 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    }

    bool send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                return false;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // Up to the end of the stream; false on a time-out or an error.
    bool receive(std::string& text) {
        std::array<char, 16384> buffer{};
        for (;;) {
            const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
            if (count == 0)
                return true;
            if (count < 0)
                return false;
            text.append(buffer.data(), static_cast<std::size_t>(count));
        }
    }

  private:
    int fd_;
};

// control/protocol.h, from whoever serves the socket: nothing where it is neither form.
std::optional<Result<Json>> read_answer(std::string_view text) {
    const auto reply = parse_json(text);
    if (!reply || !reply->is_object())
        return std::nullopt;
    const auto ok = reply->find("ok"), result = reply->find("result"), error = reply->find("error");
    if (ok == reply->end() || !ok->is_boolean())
        return std::nullopt;
    if (ok->get<bool>() && result != reply->end())
        return Result<Json>(*result);
    if (!ok->get<bool>() && error != reply->end() && error->is_string())
        return Result<Json>(Error{error->get<std::string>()});
    return std::nullopt;
}

} // namespace

Result<Json> ask_daemon(const std::string& socket_path, const Json& request, Seconds most) {
    Socket socket;
    if (const int failed = socket.connect(socket_path); failed == EACCES)
        return Error{fmt::format("may not open {}; run this as root or join the group surehop",
                                 socket_path)};
    else if (failed != 0)
        return Error{
            fmt::format("cannot reach surehopd at {}: {}; start it, or name another socket "
                        "with --socket",
                        socket_path, std::strerror(failed))};
    socket.limit(most);
    std::string text;
    // Who is refused while he still speaks has his answer all the same.
    const bool sent = socket.send(print_json(request) + "\n");
    const bool received = socket.receive(text);
    if (auto answer = read_answer(text))
        return *std::move(answer);
    if (!sent || !received)
        return Error{
            fmt::format("surehopd at {} did not answer within {} s", socket_path, most.count())};
    if (text.empty())
        return Error{
            fmt::format("surehopd at {} closed the connection without an answer", socket_path)};
    return Error{fmt::format("what serves {} does not answer as surehopd does", socket_path)};
}

bool daemon_runs(const std::string& socket_path) {
    Socket socket;
    return socket.connect(socket_path) == 0;
}

} // namespace surehop
