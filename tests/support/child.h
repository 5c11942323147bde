// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

// A part of a test in a process of its own: to be killed, to lose its privileges or to live under a
// limit. It says what it found through a pipe. Fork only while the test has no threads.

namespace surehop::test {

class Child {
  public:
    // `body` gets the descriptor to write to. The process ends with it.
    explicit Child(const std::function<void(int out)>& body) {
        int ends[2];
        if (::pipe(ends) != 0)
            throw std::runtime_error("no pipe");
        pid_ = ::fork();
        if (pid_ < 0)
            throw std::runtime_error("no process");
        if (pid_ == 0) {
            ::close(ends[0]);
            ::alarm(60); // never outlives its test by much
            body(ends[1]);
            ::_exit(0);
        }
        ::close(ends[1]);
        from_ = ends[0];
    }
    ~Child() {
        kill();
        ::close(from_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // Up to 64 KiB; empty when it has ended and all is read.
    std::string read() {
        std::string text(65536, '\0');
        const ssize_t got = ::read(from_, text.data(), text.size());
        text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return text;
    }
    std::string read_all() {
        std::string all;
        for (std::string part = read(); !part.empty(); part = read())
            all += part;
        return all;
    }
    void kill() {
        if (const pid_t pid = std::exchange(pid_, -1); pid > 0) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }

  private:
    pid_t pid_ = -1;
    int from_ = -1;
};

inline void say(int out, const std::string& text) {
    if (::write(out, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        ::_exit(1);
}

// What `body` returns when it runs without root's right to write everywhere.
inline std::string as_nobody(const std::function<std::string()>& body) {
    Child child([&](int out) {
        constexpr unsigned nobody = 65534;
        if (::geteuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0))
            ::_exit(1);
        say(out, body());
    });
    return child.read_all();
}

} // namespace surehop::test
