// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// What the load generators share. Each connection is a thread with a blocking socket: simple, and
// what it costs is the same for everybody who is measured in one run.

namespace bench {

using Clock = std::chrono::steady_clock;

[[noreturn]] inline void fail(const std::string& why) {
    std::fprintf(stderr, "%s\n", why.c_str());
    std::exit(1);
}

// "--name value" pairs.
class Options {
  public:
    Options(int count, char** words) {
        for (int i = 1; i + 1 < count; i += 2)
            all_[words[i]] = words[i + 1];
    }
    std::string text(const std::string& name, const std::string& otherwise = "") const {
        const auto found = all_.find("--" + name);
        return found == all_.end() ? otherwise : found->second;
    }
    std::uint64_t number(const std::string& name, std::uint64_t otherwise) const {
        const std::string found = text(name);
        return found.empty() ? otherwise : std::stoull(found);
    }

  private:
    std::map<std::string, std::string> all_;
};

// "unix:/path" or "inet:port@address".
inline int connect_to(const std::string& where) {
    int fd = -1, done = -1;
    if (where.starts_with("unix:")) {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        where.copy(at.sun_path, sizeof at.sun_path - 1, 5);
        fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        done = ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    } else {
        const auto sign = where.find('@');
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(static_cast<std::uint16_t>(std::stoi(where.substr(5, sign - 5))));
        ::inet_pton(AF_INET, where.c_str() + sign + 1, &at.sin_addr);
        fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int yes = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        done = ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    }
    if (done != 0)
        fail("cannot connect to " + where);
    return fd;
}

inline void write_all(int fd, std::string_view octets) {
    while (!octets.empty()) {
        const ssize_t count = ::write(fd, octets.data(), octets.size());
        if (count <= 0)
            fail("the other side has hung up");
        octets.remove_prefix(static_cast<std::size_t>(count));
    }
}

// Times of one kind, of one connection; joined at the end.
class Times {
  public:
    void add(Clock::duration time) { all_.push_back(time.count()); }
    void add(const Times& more) { all_.insert(all_.end(), more.all_.begin(), more.all_.end()); }
    std::string json() {
        std::sort(all_.begin(), all_.end());
        const auto at = [&](double part) {
            if (all_.empty())
                return 0.0;
            const auto place = static_cast<std::size_t>(part * static_cast<double>(all_.size()));
            return static_cast<double>(all_[std::min(place, all_.size() - 1)]) / 1000.0;
        };
        char out[160];
        std::snprintf(out, sizeof out,
                      "{\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}", at(0.5),
                      at(0.99), at(0.999), at(1));
        return out;
    }

  private:
    std::vector<std::int64_t> all_; // nanoseconds
};

// Of another process: CPU seconds so far.
inline double cpu_seconds(std::uint64_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string word;
    double user = 0, system = 0;
    for (int i = 1; i <= 13; ++i)
        stat >> word;
    stat >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// "d%d.example" with a number in place of %d.
inline std::string numbered(const std::string& pattern, std::uint64_t number) {
    const auto at = pattern.find("%d");
    return at == std::string::npos
               ? pattern
               : pattern.substr(0, at) + std::to_string(number) + pattern.substr(at + 2);
}

} // namespace bench
