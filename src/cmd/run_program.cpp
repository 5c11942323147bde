// SPDX-License-Identifier: Apache-2.0
#include "cmd/run_program.h"

#include "base/text.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace surehop {

namespace {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        close();
        fd_ = std::exchange(other.fd_, -1);
        return *this;
    }
    int get() const { return fd_; }
    void close() {
        if (const int fd = std::exchange(fd_, -1); fd >= 0)
            ::close(fd);
    }

  private:
    int fd_ = -1;
};

struct Pipe {
    Descriptor read, write;
    bool open() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            return false;
        read = Descriptor(ends[0]);
        write = Descriptor(ends[1]);
        return true;
    }
};

bool can_run(const std::string& file) {
    struct stat what{};
    return ::stat(file.c_str(), &what) == 0 && S_ISREG(what.st_mode) &&
           ::access(file.c_str(), X_OK) == 0;
}

// What posix_spawn takes, and is to be given back.
class Start {
  public:
    Start(int out, int err) {
        ::posix_spawn_file_actions_init(&files_);
        ::posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&files_, out, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&files_, err, STDERR_FILENO);
    }
    ~Start() { ::posix_spawn_file_actions_destroy(&files_); }
    Start(const Start&) = delete;
    Start& operator=(const Start&) = delete;

    int run(pid_t& pid, const std::string& program, const std::vector<std::string>& words) {
        std::vector<std::string> copy = words;
        std::vector<char*> arguments;
        arguments.reserve(copy.size() + 1);
        for (std::string& word : copy)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        return ::posix_spawn(&pid, program.c_str(), &files_, nullptr, arguments.data(), environ);
    }

  private:
    posix_spawn_file_actions_t files_{};
};

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct Stream {
    Descriptor from;
    std::string* to = nullptr;
};

// Until both have ended. The error says which limit was met.
Status collect(std::array<Stream, 2>& streams, const std::string& name, const RunLimits& limits) {
    using Steady = std::chrono::steady_clock;
    const auto end = Steady::now() + limits.time;
    std::array<char, 65536> buffer{};
    const auto is_open = [](const Stream& one) { return one.from.get() >= 0; };
    while (std::ranges::any_of(streams, is_open)) {
        const auto left = std::chrono::ceil<Millis>(end - Steady::now()).count();
        std::array<pollfd, 2> waiting{};
        for (std::size_t i = 0; i < streams.size(); ++i)
            waiting.at(i) = {streams.at(i).from.get(), POLLIN, 0};
        const int ready =
            left <= 0 ? 0 : ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
        if (ready == 0)
            return Error{
                fmt::format("{} did not end within {}", name, format_duration(limits.time))};
        for (std::size_t i = 0; i < streams.size(); ++i) {
            if (waiting.at(i).revents == 0)
                continue;
            Stream& stream = streams.at(i);
            const ssize_t count = ::read(stream.from.get(), buffer.data(), buffer.size());
            if (count == 0 || (count < 0 && errno != EINTR))
                stream.from.close();
            if (count > 0)
                stream.to->append(buffer.data(), static_cast<std::size_t>(count));
            if (stream.to->size() > limits.octets)
                return Error{fmt::format("{} prints more than {} octets", name, limits.octets)};
        }
    }
    return Done{};
}

} // namespace

std::string find_program(const std::string& name, const std::string& path) {
    if (name.find('/') != std::string::npos)
        return can_run(name) ? name : "";
    // A folder named relative to wherever root stands is nobody's choice.
    const std::string folders = path + ":/usr/sbin:/usr/local/sbin";
    for (const std::string_view folder : split(folders, ':'))
        if (const std::string file = fmt::format("{}/{}", folder, name);
            folder.starts_with('/') && can_run(file))
            return file;
    return "";
}

Result<Ran> run_program(const std::vector<std::string>& words, const RunLimits& limits) {
    const std::string& name = words.at(0);
    const char* path = std::getenv("PATH");
    const std::string program = find_program(name, path == nullptr ? "" : path);
    if (program.empty())
        return Error{fmt::format("the program {} was not found", name)};
    Pipe out, err;
    if (!out.open() || !err.open())
        return Error{fmt::format("{} cannot be run: {}", program, std::strerror(errno))};
    pid_t pid = -1;
    if (const int failed = Start(out.write.get(), err.write.get()).run(pid, program, words);
        failed != 0)
        return Error{fmt::format("{} cannot be run: {}", program, std::strerror(failed))};
    out.write.close();
    err.write.close();
    Ran ran;
    std::array<Stream, 2> streams{Stream{std::move(out.read), &ran.out},
                                  Stream{std::move(err.read), &ran.err}};
    const auto collected = collect(streams, program, limits);
    if (!collected)
        ::kill(pid, SIGKILL);
    ran.status = wait_for(pid);
    if (!collected)
        return Error{collected.error()};
    return ran;
}

} // namespace surehop
