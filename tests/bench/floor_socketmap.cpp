// SPDX-License-Identifier: Apache-2.0

// The least that a socketmap server can do: one thread, epoll, a hash table of as many names as it
// is told, one write for each answer. floor_socketmap PATH PATTERN COUNT

#include "bench.h"

#include <sys/epoll.h>

#include <array>
#include <string>
#include <unordered_map>

int main(int count, char** words) {
    if (count < 4)
        return 64;
    std::unordered_map<std::string, std::string> policies;
    for (std::uint64_t i = 0; i < std::stoull(words[3]); ++i)
        policies.emplace(bench::numbered(words[2], i), "OK dane-only");
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::string(words[1]).copy(at.sun_path, sizeof at.sun_path - 1);
    ::unlink(words[1]);
    const int door = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(door, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(door, 1024) != 0)
        bench::fail("cannot listen");
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    const auto watch = [&](int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    };
    watch(door);
    std::array<epoll_event, 64> events{};
    for (;;) {
        const int ready = ::epoll_wait(poll, events.data(), events.size(), -1);
        for (int i = 0; i < ready; ++i) {
            const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
            if (fd == door) {
                watch(::accept4(door, nullptr, nullptr, SOCK_CLOEXEC));
                continue;
            }
            std::array<char, 4096> octets{}; // one question at a time, as the MTA asks
            const ssize_t got = ::read(fd, octets.data(), octets.size());
            if (got <= 0) {
                ::close(fd);
                continue;
            }
            const std::string question(octets.data(), static_cast<std::size_t>(got));
            const auto space = question.find(' ');
            const auto found =
                policies.find(question.substr(space + 1, question.size() - space - 2));
            const std::string answer = found == policies.end() ? "NOTFOUND " : found->second;
            bench::write_all(fd, std::to_string(answer.size()) + ":" + answer + ",");
        }
    }
}
