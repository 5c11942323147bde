// SPDX-License-Identifier: Apache-2.0
#include "support/dns_server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace surehop::test {

using std::chrono::steady_clock;

struct NameServer::Late {
    steady_clock::time_point due;
    Bytes octets;
    sockaddr_in to;
};

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

bool bind_to(int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::uint16_t port_of(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

} // namespace

NameServer::NameServer(Answers answers) : answers_(std::move(answers)) {
    // The port that UDP got may be taken for TCP: then another one.
    for (int attempt = 0; attempt < 50 && tcp_ < 0; ++attempt) {
        udp_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        tcp_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (!bind_to(udp_, 0) || !bind_to(tcp_, port_of(udp_)) || listen(tcp_, 64) != 0) {
            close(udp_);
            close(tcp_);
            tcp_ = -1;
        }
    }
    if (tcp_ < 0)
        throw std::runtime_error("no port for the test's name server");
    port_ = port_of(udp_);
    stop_ = eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { run(); });
}

NameServer::~NameServer() {
    eventfd_write(stop_, 1);
    thread_.join();
    for (const int fd : {udp_, tcp_, stop_})
        close(fd);
    for (const auto& [fd, octets] : connections_)
        close(fd);
}

std::vector<DnsQuery> NameServer::queries() const {
    const std::lock_guard lock(mutex_);
    return queries_;
}

std::vector<DnsPacket> NameServer::answer(std::span<const std::uint8_t> packet, bool tcp) {
    auto query = read_query(packet);
    if (!query)
        return {};
    query->tcp = tcp;
    {
        const std::lock_guard lock(mutex_);
        queries_.push_back(*query);
    }
    return answers_(*query);
}

void NameServer::receive_udp() {
    std::array<std::uint8_t, 65536> buffer{};
    for (;;) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t octets = recvfrom(udp_, buffer.data(), buffer.size(), 0,
                                        reinterpret_cast<sockaddr*>(&from), &size);
        if (octets < 0)
            return;
        for (DnsPacket& packet :
             answer(std::span(buffer).first(static_cast<std::size_t>(octets)), false))
            late_.push_back({steady_clock::now() + packet.delay, std::move(packet.octets), from});
    }
}

void NameServer::receive_tcp(int fd) {
    std::array<std::uint8_t, 65536> buffer{};
    const ssize_t octets = recv(fd, buffer.data(), buffer.size(), 0);
    if (octets <= 0) {
        close(fd);
        connections_.erase(fd);
        return;
    }
    Bytes& read = connections_[fd];
    read.insert(read.end(), buffer.begin(), buffer.begin() + octets);
    while (read.size() >= 2) {
        const std::size_t length = static_cast<std::size_t>(read[0]) << 8U | read[1];
        if (read.size() < 2 + length)
            return;
        for (const DnsPacket& packet : answer(std::span(read).subspan(2, length), true)) {
            Bytes framed{static_cast<std::uint8_t>(packet.octets.size() >> 8U),
                         static_cast<std::uint8_t>(packet.octets.size())};
            framed.insert(framed.end(), packet.octets.begin(), packet.octets.end());
            send(fd, framed.data(), framed.size(), MSG_NOSIGNAL);
        }
        read.erase(read.begin(), read.begin() + static_cast<std::ptrdiff_t>(2 + length));
    }
}

void NameServer::run() {
    for (;;) {
        const auto now = steady_clock::now();
        int wait = -1;
        std::erase_if(late_, [&](const Late& packet) {
            if (packet.due > now) {
                const auto left = std::chrono::duration_cast<Millis>(packet.due - now);
                const int ms = static_cast<int>(left.count()) + 1;
                wait = wait < 0 ? ms : std::min(wait, ms);
                return false;
            }
            sendto(udp_, packet.octets.data(), packet.octets.size(), 0,
                   reinterpret_cast<const sockaddr*>(&packet.to), sizeof packet.to);
            return true;
        });
        std::vector<pollfd> watched{{stop_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
        for (const auto& [fd, octets] : connections_)
            watched.push_back({fd, POLLIN, 0});
        poll(watched.data(), watched.size(), wait);
        if (watched[0].revents != 0)
            return;
        if (watched[1].revents != 0)
            receive_udp();
        if (watched[2].revents != 0)
            if (const int fd = accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
                connections_.emplace(fd, Bytes{});
        for (std::size_t i = 3; i < watched.size(); ++i)
            if (watched[i].revents != 0)
                receive_tcp(watched[i].fd);
    }
}

} // namespace surehop::test
