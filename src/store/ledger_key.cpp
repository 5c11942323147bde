// SPDX-License-Identifier: Apache-2.0
#include "store/ledger_key.h"

#include "base/bytes.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace surehop {

namespace {

constexpr std::size_t least_octets = 32;
constexpr std::size_t most_octets = 4096;

Error trouble(const std::string& path, std::string_view what, int error) {
    return {
        fmt::format("the ledger's key file {} cannot be {}: {}", path, what, std::strerror(error))};
}

class File {
  public:
    explicit File(int number) : number_(number) {}
    ~File() {
        if (number_ >= 0)
            ::close(number_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int number() const { return number_; }

  private:
    int number_;
};

// Whole or not at all: it is written beside its place and then moved there.
Status make_key(const std::string& path) {
    const std::string folder = path.substr(0, path.rfind('/') + 1), fresh = path + ".new";
    std::array<std::uint8_t, least_octets> random{};
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
        return trouble(path, "made", errno);
    const std::string text = to_hex(random) + "\n";
    const File file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                           S_IRUSR | S_IWUSR));
    if (file.number() < 0)
        return trouble(path, "made", errno);
    struct stat owner{};
    if (::geteuid() == 0 && ::stat(folder.c_str(), &owner) == 0 &&
        ::fchown(file.number(), owner.st_uid, owner.st_gid) != 0)
        return trouble(path, "given to the owner of its folder", errno);
    if (::write(file.number(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(file.number()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0)
        return trouble(path, "written", errno);
    const File place(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (place.number() >= 0)
        ::fsync(place.number()); // rows that are hashed under it must not outlive it
    return Done{};
}

} // namespace

Result<std::string> ledger_key(const std::string& path, bool make) {
    if (make && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT)
        if (auto made = make_key(path); !made)
            return Error{made.error()};
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat state{};
    if (file.number() < 0 || ::fstat(file.number(), &state) != 0)
        return trouble(path, "read", errno);
    if (!S_ISREG(state.st_mode))
        return Error{fmt::format("the ledger's key file {} is not a file", path)};
    if ((state.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return Error{fmt::format("the ledger's key file {} is open to others than its owner; "
                                 "chmod 0600 {}",
                                 path, path)};
    std::array<char, most_octets + 1> buffer{};
    const ssize_t size = ::read(file.number(), buffer.data(), buffer.size());
    if (size < 0)
        return trouble(path, "read", errno);
    if (static_cast<std::size_t>(size) > most_octets)
        return Error{
            fmt::format("the ledger's key file {} is longer than {} octets", path, most_octets)};
    constexpr std::string_view blanks = " \t\r\n";
    std::string key(buffer.data(), static_cast<std::size_t>(size));
    key.erase(key.find_last_not_of(blanks) + 1);
    key.erase(0, key.find_first_not_of(blanks));
    if (key.size() < least_octets)
        return Error{
            fmt::format("the ledger's key file {} has {} octets, and {} are needed; remove "
                        "it, and surehopd makes one",
                        path, key.size(), least_octets)};
    return key;
}

} // namespace surehop
