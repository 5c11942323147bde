// SPDX-License-Identifier: Apache-2.0
// The main of the unit test programs: GoogleTest's own, ending with the line that tests/tally sums.
#include <cstdio>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const int status = RUN_ALL_TESTS();
    const auto& run = *testing::UnitTest::GetInstance();
    std::printf("%d passed, %d failed", run.successful_test_count(), run.failed_test_count());
    if (run.skipped_test_count() > 0)
        std::printf(", %d skipped", run.skipped_test_count());
    std::printf("\n");
    return status;
}
