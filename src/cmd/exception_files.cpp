// SPDX-License-Identifier: Apache-2.0
#include "cmd/exception_files.h"

#include "base/log.h"
#include "base/text.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace surehop {

namespace {

constexpr Seconds left_alone{2}; // since somebody wrote to it
constexpr Seconds between_tries{60};

class OpenFile {
  public:
    // Without waiting, as for a pipe that nobody writes to.
    explicit OpenFile(const std::string& path)
        : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    int fd() const { return fd_; }

  private:
    int fd_;
};

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileVersion version_of(const struct stat& file) {
    return {file.st_dev, file.st_ino, static_cast<std::uint64_t>(file.st_size),
            nanoseconds(file.st_mtim), nanoseconds(file.st_ctim)};
}

Error unreadable(int why) {
    const std::string remedy = why == ENOENT   ? "write it, or take it out of [allow] files"
                               : why == EACCES ? "let the user that surehopd runs as read it"
                                               : "the file must be readable";
    return {fmt::format("cannot be read ({}); {}", std::generic_category().message(why), remedy)};
}

Status check(const struct stat& file) {
    if (!S_ISREG(file.st_mode))
        return Error{"is no regular file; name a file"};
    if ((file.st_mode & S_IWOTH) != 0)
        return Error{"may be written by everybody; take that right away (chmod o-w)"};
    if (std::cmp_greater(file.st_size, longest_list))
        return Error{fmt::format("is larger than {} octets; split the file", longest_list)};
    return Done{};
}

// Whoever may write there may put another file in this one's place, or in that of one that is gone.
Status check_folder(const std::string& path) {
    const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
    struct stat status{};
    if (::stat(folder.c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0)
        return Error{fmt::format("is in a folder that everybody may write; take that right away "
                                 "(chmod o-w {}), or move the file",
                                 folder.string())};
    return Done{};
}

std::string first_of(const std::vector<ListProblem>& problems, const std::string& path) {
    const std::string first = problems.front().told(path);
    return problems.size() == 1 ? first
                                : fmt::format("{} (and {} more)", first, problems.size() - 1);
}

} // namespace

Result<FileText> read_exception_file(const std::string& path) {
    const auto bad = [&](std::string_view why) { return Error{fmt::format("{}: {}", path, why)}; };
    const OpenFile file(path);
    struct stat before{}, after{};
    if (file.fd() < 0 || ::fstat(file.fd(), &before) != 0)
        return bad(unreadable(errno).text);
    if (auto good = check(before); !good)
        return bad(good.error());
    if (auto good = check_folder(path); !good)
        return bad(good.error());
    std::string text;
    std::array<char, 65536> buffer{};
    while (text.size() <= longest_list) {
        const ssize_t count = ::read(file.fd(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return bad(unreadable(errno).text);
        if (count == 0)
            break;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    if (::fstat(file.fd(), &after) != 0 || version_of(before) != version_of(after) ||
        std::cmp_not_equal(before.st_size, text.size()))
        return bad("changes while it is read; write another file and rename it to this name");
    return FileText{std::move(text), version_of(before)};
}

void ExceptionFiles::look(const AllowTerms& terms, Time now, bool anew) {
    std::erase_if(states_, [&](const auto& one) {
        return std::find(terms.files.begin(), terms.files.end(), one.first) == terms.files.end();
    });
    for (const std::string& path : terms.files)
        if (State& state = states_[path]; anew || is_due(path, state, now))
            look_at(path, state, terms, now);
}

bool ExceptionFiles::is_due(const std::string& path, const State& state, Time now) {
    const bool waits = !state.failure.empty() && now < state.again;
    struct stat file{};
    if (::stat(path.c_str(), &file) != 0)
        return !waits;
    if (state.version == version_of(file))
        return !state.failure.empty() && !waits;
    const Time written{Seconds{file.st_mtim.tv_sec}};
    return written > now || now - written >= left_alone;
}

void ExceptionFiles::look_at(const std::string& path, State& state, const AllowTerms& terms,
                             Time now) {
    auto read = read_exception_file(path);
    if (!read)
        return failed(path, state, read.error(), now);
    state.version = read->version;
    const auto changed = apply(path, read->text, terms, now);
    if (!changed)
        return failed(path, state, changed.error(), now);
    done(path, state, *changed, now);
}

Result<Difference> ExceptionFiles::apply(const std::string& path, const std::string& text,
                                         const AllowTerms& terms, Time now) {
    ExceptionList list = read_list(text, format_of_file(path), terms, now);
    if (!list.problems.empty())
        return Error{first_of(list.problems, path)};
    const std::string author = author_of_file(path);
    for (Exception& exception : list.exceptions)
        exception.created_by = author;
    std::vector<Exception> own = allowlist_.list();
    std::erase_if(own, [&](const Exception& one) { return one.created_by != author; });
    Difference found = difference(own, list.exceptions, [](const Exception&) { return true; }, now);
    if (found.nothing())
        return found;
    if (auto changed = allowlist_.change(change_of(found, path), now, author); !changed)
        return Error{fmt::format("{}: {}", path, changed.error())};
    return found;
}

std::size_t ExceptionFiles::count_of(const std::string& path, Time now) const {
    const auto all = allowlist_.list();
    const std::string author = author_of_file(path);
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const Exception& e) {
        return !e.over(now) && e.created_by == author;
    }));
}

void ExceptionFiles::failed(const std::string& path, State& state, const std::string& why,
                            Time now) {
    const bool is_new = state.failure.empty();
    state.failure = printable(why, 400);
    state.again = now + between_tries;
    if (!is_new)
        return;
    state.since = now;
    LedgerRow row;
    row.time = now;
    row.kind = "allow-file-failed";
    row.detail = fmt::format("{}; the {} exceptions that came from it stay as they are",
                             state.failure, count_of(path, now));
    log::warning("{}", row.detail);
    ledger_.append_later({std::move(row)});
}

void ExceptionFiles::done(const std::string& path, State& state, const Difference& changed,
                          Time now) {
    const bool failed_before = !state.failure.empty();
    state.read = true;
    state.failure.clear();
    state.since = now;
    if (changed.nothing() && !failed_before)
        return;
    LedgerRow row;
    row.time = now;
    row.kind = "allow-file";
    row.detail =
        fmt::format("{}: {} added, {} ended, {} changed, {} unchanged", path, changed.added.size(),
                    changed.ended.size(), changed.changed.size(), changed.unchanged);
    log::info("{}", row.detail);
    ledger_.append_later({std::move(row)});
}

Json ExceptionFiles::states(const AllowTerms& terms, Time now) const {
    Json out = Json::array();
    for (const std::string& path : terms.files) {
        const auto found = states_.find(path);
        const bool known = found != states_.end();
        const bool failing = known && !found->second.failure.empty();
        const bool read = known && found->second.read;
        out.push_back({{"file", path},
                       {"state", failing ? "failed"
                                 : read  ? "good"
                                         : "not-read"},
                       {"exceptions", count_of(path, now)},
                       {"since", failing || read ? Json(format_time(found->second.since)) : Json()},
                       {"text", failing ? found->second.failure : ""}});
    }
    return out;
}

} // namespace surehop
