// SPDX-License-Identifier: Apache-2.0
#include "milter/listen.h"

#include "address/nexthop.h"
#include "base/text.h"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace surehop {

namespace {

// A socket address of any family, as the calls want it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    int family() const { return storage.ss_family; }

    template <class Address> void set(const Address& address) {
        static_assert(sizeof address <= sizeof storage);
        std::memcpy(&storage, &address, sizeof address);
        length = sizeof address;
    }
};

SocketAddress address_of(const ListenAddress& at) {
    SocketAddress out;
    if (!at.path.empty()) {
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        at.path.copy(local.sun_path, sizeof local.sun_path - 1); // parse_listen_address bounds it
        out.set(local);
    } else if (at.address.find(':') != std::string::npos) {
        sockaddr_in6 six{};
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(at.port);
        inet_pton(AF_INET6, at.address.c_str(), &six.sin6_addr);
        out.set(six);
    } else {
        sockaddr_in four{};
        four.sin_family = AF_INET;
        four.sin_port = htons(at.port);
        inet_pton(AF_INET, at.address.c_str(), &four.sin_addr);
        out.set(four);
    }
    return out;
}

std::string why(int error) { return std::generic_category().message(error); }

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0)
            ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return number_; }
    int release() { return std::exchange(number_, -1); }

  private:
    int number_;
};

} // namespace

std::string ListenAddress::text() const {
    return path.empty() ? fmt::format("inet:{}@{}", port, address) : "unix:" + path;
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
    const auto bad = [](std::string_view shown, std::string_view what) {
        return Error{fmt::format("\"{}\" {}", printable(shown), what)};
    };
    ListenAddress at;
    if (text.starts_with("unix:")) {
        at.path = text.substr(5);
        if (at.path.size() > longest_socket_path)
            return bad(at.path, fmt::format("is longer than the {} octets that a socket's path "
                                            "may have",
                                            longest_socket_path));
        if (!at.path.starts_with('/') || at.path.find('\0') != std::string::npos)
            return bad(at.path, "is not an absolute path");
        if (at.path.ends_with('/'))
            return bad(at.path, "names a folder, not a file");
        return at;
    }
    if (!text.starts_with("inet:"))
        return bad(text, "is not a socket");
    const std::string_view rest = text.substr(5);
    const auto sign = rest.find('@');
    if (sign == std::string_view::npos)
        return bad(text, "names no address, so every address would be served");
    const auto port = parse_number(rest.substr(0, sign), 65535);
    if (!port || *port == 0)
        return bad(text, "has a port that is not from 1 to 65535");
    std::string_view host = rest.substr(sign + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    auto address = canonical_address(host);
    if (!address)
        return bad(text, "has a host that is not an address");
    at.address = *std::move(address);
    at.port = static_cast<std::uint16_t>(*port);
    return at;
}

Status make_way(const std::string& path) {
    const std::string folder = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    struct stat found{};
    if (::stat(folder.c_str(), &found) != 0)
        return Error{fmt::format("the folder {} of the socket: {}; create it, writable for "
                                 "surehopd and open for the mail server",
                                 folder, why(errno))};
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
        return Error{fmt::format("the folder {} of the socket: {}", folder, why(errno))};
    if (::lstat(path.c_str(), &found) != 0)
        return errno == ENOENT ? Status(Done{}) : Error{fmt::format("{}: {}", path, why(errno))};
    if (!S_ISSOCK(found.st_mode))
        return Error{
            fmt::format("{} exists and is not a socket; remove it or write another path", path)};
    if (knock({path, "", 0}))
        return Error{
            fmt::format("{} is in use: another process (another surehopd?) serves it", path)};
    if (::unlink(path.c_str()) != 0)
        return Error{fmt::format("the stale socket {} cannot be removed: {}", path, why(errno))};
    return Done{};
}

Result<int> listen_tcp(const ListenAddress& at, int backlog) {
    const SocketAddress where = address_of(at);
    const auto failed = [&] {
        const int error = errno;
        return Error{
            error == EADDRINUSE
                ? fmt::format("{} is in use: another process (another surehopd?) serves it",
                              at.text())
                : fmt::format("cannot listen on {}: {}", at.text(), why(error))};
    };
    Descriptor door(::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (door.get() < 0)
        return failed();
    const int yes = 1;
    if (::setsockopt(door.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        ::setsockopt(door.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0)
        return failed();
    if (::bind(door.get(), where.get(), where.length) != 0 || ::listen(door.get(), backlog) != 0)
        return failed();
    return door.release();
}

bool knock(const ListenAddress& at) {
    const SocketAddress where = address_of(at);
    const Descriptor caller(
        ::socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (caller.get() < 0)
        return false;
    // EAGAIN: a UNIX socket whose queue is full; EINPROGRESS: TCP on its way. Somebody listens.
    return ::connect(caller.get(), where.get(), where.length) == 0 || errno == EAGAIN ||
           errno == EINPROGRESS;
}

} // namespace surehop
