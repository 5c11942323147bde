// SPDX-License-Identifier: Apache-2.0
#include "cmd/run_program.h"

#include "support/temp_dir.h"
#include "support/test_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace surehop::test {
namespace {

TEST(RunProgram, WhatItPrintsAndHowItEnds) {
    const Ran ran = value(run_program({"sh", "-c", "echo out; echo err >&2; exit 3"}));
    EXPECT_EQ(ran.out, "out\n");
    EXPECT_EQ(ran.err, "err\n");
    EXPECT_EQ(ran.status, 3);
    EXPECT_EQ(value(run_program({"sh", "-c", "kill -TERM $$"})).status, 128 + 15);
}

TEST(RunProgram, NoShellReadsTheWordsAndNobodyTheInput) {
    EXPECT_EQ(value(run_program({"printf", "%s|", "a b", "$(id)", "*", "", "-x"})).out,
              "a b|$(id)|*||-x|");
    EXPECT_EQ(value(run_program({"cat"})).out, "");
}

TEST(RunProgram, LimitsEndIt) {
    const auto late = run_program({"sh", "-c", "echo one; exec sleep 60"}, {Millis{100}, 1000});
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().find("did not end within 100ms"), std::string::npos) << late.error();
    // One that closes its ears is not waited for without end either.
    EXPECT_FALSE(run_program({"sh", "-c", "trap '' TERM; sleep 2 & wait"}, {Millis{100}, 1000}));
    const auto much = run_program({"sh", "-c", "yes"}, {Millis{10'000}, 1000});
    ASSERT_FALSE(much);
    EXPECT_NE(much.error().find("prints more than 1000 octets"), std::string::npos) << much.error();
}

TEST(RunProgram, MuchOnBothSidesDoesNotBlock) {
    const Ran ran =
        value(run_program({"sh", "-c", "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero"}));
    EXPECT_EQ(ran.out.size(), 300'000U);
    EXPECT_EQ(ran.err.size(), 300'000U);
}

TEST(RunProgram, WhereProgramsAreLookedFor) {
    const TempDir folder;
    const std::string file = folder / "postthing";
    std::ofstream(file) << "#!/bin/sh\n";
    EXPECT_EQ(find_program("postthing", folder.path().string()), "") << "it cannot be run";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    EXPECT_EQ(find_program("postthing", "/nowhere:" + folder.path().string()), file);
    EXPECT_EQ(find_program("postthing", ""), "");
    EXPECT_EQ(find_program(file, ""), file);
    EXPECT_EQ(find_program(folder.path().string(), ""), "") << "a folder";
    // What lies wherever root happens to stand is not run.
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    EXPECT_EQ(find_program("postthing", ".::"), "");
    std::filesystem::current_path(before);
    EXPECT_EQ(run_program({"no-such-program"}).error(),
              "the program no-such-program was not found");
}

TEST(RunProgram, WhatIsNoProgramIsAnError) {
    const TempDir folder;
    const std::string file = folder / "odd";
    std::ofstream(file) << "\x7f"
                           "ELF";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    const auto ran = run_program({file});
    ASSERT_FALSE(ran);
    EXPECT_NE(ran.error().find("cannot be run: "), std::string::npos) << ran.error();
}

} // namespace
} // namespace surehop::test
