// SPDX-License-Identifier: Apache-2.0
#include "store/ledger_key.h"

#include "support/temp_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

namespace surehop {
namespace {

using test::TempDir;

void write(const std::string& path, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path) << text;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

TEST(LedgerKey, is_made_once_and_for_its_owner_alone) {
    const TempDir dir;
    const std::string path = dir / "ledger.key";
    EXPECT_FALSE(ledger_key(path, false)) << "who only reads makes none";
    const auto made = ledger_key(path, true);
    ASSERT_TRUE(made) << made.error();
    EXPECT_EQ(made->size(), 64U);
    struct stat state{};
    ASSERT_EQ(::stat(path.c_str(), &state), 0);
    EXPECT_EQ(state.st_mode & 07777, 0600U);
    for (const bool make : {true, false})
        EXPECT_EQ(*ledger_key(path, make), *made);
    EXPECT_NE(*ledger_key(dir / "other.key", true), *made);
    EXPECT_NE(::access((path + ".new").c_str(), F_OK), 0);
}

TEST(LedgerKey, blanks_around_it_do_not_count) {
    const TempDir dir;
    const std::string key(32, 'k'), path = dir / "a";
    for (const std::string& text : {key, key + "\n", " " + key + " \r\n\n"}) {
        write(path, text);
        EXPECT_EQ(*ledger_key(path, false), key);
    }
}

TEST(LedgerKey, what_is_refused_and_why) {
    const TempDir dir;
    const std::string key(32, 'k'), path = dir / "a";
    const auto refused = [&](const std::string& where) {
        const auto read = ledger_key(where, true);
        EXPECT_FALSE(read);
        return read ? std::string() : read.error();
    };
    for (const mode_t mode : {0640, 0604, 0660, 0610}) {
        write(path, key, mode);
        EXPECT_NE(refused(path).find("chmod 0600 " + path), std::string::npos) << mode;
    }
    write(path, std::string(31, 'k') + "\n\n\n");
    EXPECT_NE(refused(path).find("has 31 octets, and 32 are needed"), std::string::npos);
    write(path, "");
    EXPECT_NE(refused(path).find("has 0 octets"), std::string::npos);
    write(path, std::string(5000, 'k'));
    EXPECT_NE(refused(path).find("longer than"), std::string::npos);
    EXPECT_NE(refused(dir / "no/such/folder").find("No such file"), std::string::npos);
    ASSERT_EQ(::mkdir((dir / "b").c_str(), 0700), 0);
    EXPECT_NE(refused(dir / "b").find("is not a file"), std::string::npos);
}

} // namespace
} // namespace surehop
