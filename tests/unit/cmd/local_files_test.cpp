// SPDX-License-Identifier: Apache-2.0
#include "cmd/local_files.h"

#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace surehop::test {
namespace {

TEST(LocalFiles, ReadsPlainFilesAndNothingElse) {
    const TempDir folder;
    const std::string file = folder / "a";
    std::ofstream(file) << "text\n";
    std::ofstream(folder / "empty").flush();
    const LocalFiles files;
    EXPECT_EQ(files.read(file), "text\n");
    EXPECT_EQ(files.read(folder / "empty"), "");
    EXPECT_EQ(files.read(folder / "missing"), std::nullopt);
    EXPECT_EQ(files.read(folder.path().string()), std::nullopt);
    EXPECT_EQ(files.read("/dev/zero"), std::nullopt);
    EXPECT_TRUE(files.exists(folder.path().string()));
    EXPECT_FALSE(files.exists(folder / "missing"));
}

TEST(LocalFiles, LinksAreResolvedAsFarAsTheyAreThere) {
    const TempDir folder;
    std::filesystem::create_directory(folder / "real");
    std::filesystem::create_directory_symlink("real", folder / "link");
    const LocalFiles files;
    EXPECT_EQ(files.real_path(folder / "link/x.sock"), files.real_path(folder / "real/x.sock"));
    EXPECT_EQ(files.real_path(folder / "real/../real/./x"), files.real_path(folder / "real/x"));
}

TEST(LocalFiles, WhoMayConnectDependsOnTheSocketAndTheFoldersAboveIt) {
    const TempDir folder;
    const std::string path = folder / "s";
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const LocalFiles files;
    const std::string own = ::getpwuid(::geteuid())->pw_name;
    EXPECT_EQ(files.connectable(path, own), Connectable::yes);
    EXPECT_EQ(files.connectable(folder / "missing", own), Connectable::missing);
    EXPECT_EQ(files.connectable(folder.path().string(), own), Connectable::not_a_socket);
    EXPECT_EQ(files.connectable(path, "no-such-user"), Connectable::forbidden);

    // Somebody else: the socket first, then the folder.
    const std::string other = own == "nobody" ? "daemon" : "nobody";
    ::chmod(folder.path().c_str(), 0755);
    ::chmod(path.c_str(), 0755);
    EXPECT_EQ(files.connectable(path, other), Connectable::forbidden);
    ::chmod(path.c_str(), 0777);
    EXPECT_EQ(files.connectable(path, other), Connectable::yes);
    ::chmod(folder.path().c_str(), 0750);
    EXPECT_EQ(files.connectable(path, other), Connectable::forbidden);
    ::close(fd);
}

} // namespace
} // namespace surehop::test
