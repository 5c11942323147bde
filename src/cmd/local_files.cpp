// SPDX-License-Identifier: Apache-2.0
#include "cmd/local_files.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace surehop {

namespace {

constexpr std::uintmax_t most_octets = std::uintmax_t{64} << 20U;

struct Account {
    uid_t uid = 0;
    std::vector<gid_t> groups;
};

std::optional<Account> account_of(const std::string& user) {
    const passwd* found = ::getpwnam(user.c_str());
    if (found == nullptr)
        return std::nullopt;
    Account out{found->pw_uid, std::vector<gid_t>(64)};
    int count = static_cast<int>(out.groups.size());
    if (::getgrouplist(user.c_str(), found->pw_gid, out.groups.data(), &count) < 0) {
        out.groups.resize(static_cast<std::size_t>(count));
        (void)::getgrouplist(user.c_str(), found->pw_gid, out.groups.data(), &count);
    }
    out.groups.resize(static_cast<std::size_t>(count));
    return out;
}

// `right`: 1 to pass through a folder, 2 to connect.
bool may(const Account& account, const struct stat& file, unsigned right) {
    if (account.uid == 0)
        return true;
    if (file.st_uid == account.uid)
        return (file.st_mode & (right << 6U)) != 0;
    const auto& groups = account.groups;
    if (std::find(groups.begin(), groups.end(), file.st_gid) != groups.end())
        return (file.st_mode & (right << 3U)) != 0;
    return (file.st_mode & right) != 0;
}

} // namespace

bool LocalFiles::exists(const std::string& path) const {
    struct stat file{};
    return ::stat(path.c_str(), &file) == 0;
}

std::vector<std::string> LocalFiles::names(const std::string& folder) const {
    std::vector<std::string> out;
    std::error_code failed;
    for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
         at.increment(failed))
        out.push_back(at->path().filename().string());
    return out;
}

std::optional<std::string> LocalFiles::read(const std::string& path) const {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(path, failed) ||
        std::filesystem::file_size(path, failed) > most_octets || failed)
        return std::nullopt;
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (file.peek() != std::ifstream::traits_type::eof())
        text << file.rdbuf();
    return file.bad() || text.fail() ? std::nullopt : std::optional(text.str());
}

std::string LocalFiles::real_path(const std::string& path) const {
    std::error_code failed;
    const auto real = std::filesystem::weakly_canonical(path, failed);
    return failed ? std::filesystem::path(path).lexically_normal().string() : real.string();
}

Connectable LocalFiles::connectable(const std::string& path, const std::string& user) const {
    const auto account = account_of(user);
    if (!account)
        return Connectable::forbidden;
    struct stat file{};
    if (::stat(path.c_str(), &file) != 0)
        return errno == EACCES ? Connectable::unseen : Connectable::missing;
    if (!S_ISSOCK(file.st_mode))
        return Connectable::not_a_socket;
    if (!may(*account, file, 2U))
        return Connectable::forbidden;
    std::filesystem::path folder = std::filesystem::path(real_path(path)).parent_path();
    for (; !folder.empty(); folder = folder.parent_path()) {
        if (::stat(folder.c_str(), &file) != 0)
            return Connectable::unseen;
        if (!may(*account, file, 1U))
            return Connectable::forbidden;
        if (folder == folder.root_path())
            break;
    }
    return Connectable::yes;
}

} // namespace surehop
