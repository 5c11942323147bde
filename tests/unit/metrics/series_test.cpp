// SPDX-License-Identifier: Apache-2.0
#include "metrics/series.h"

#include <gtest/gtest.h>

#include <thread>

namespace surehop::test {
namespace {

TEST(Counters, print_each_combination_of_values_once) {
    Counters counters("x_total", "What\nis it?", {"a", "b"});
    counters.add({"1", "two"});
    counters.add({"1", "two"}, 4);
    counters.add({"1", "a \"b\" \\ c\n"});
    std::string page;
    counters.print(page);
    EXPECT_EQ(page, "# HELP x_total What\\nis it?\n"
                    "# TYPE x_total counter\n"
                    "x_total{a=\"1\",b=\"a \\\"b\\\" \\\\ c\\n\"} 1\n"
                    "x_total{a=\"1\",b=\"two\"} 5\n");
}

TEST(Counters, without_end_are_counted_together) {
    Counters counters("x_total", "X.", {"a"});
    for (std::size_t i = 0; i < Counters::most + 10; ++i)
        counters.add({std::to_string(i)});
    std::string page;
    counters.print(page);
    EXPECT_NE(page.find("x_total{a=\"other\"} 10\n"), std::string::npos);
    EXPECT_EQ(std::count(page.begin(), page.end(), '\n'),
              static_cast<std::ptrdiff_t>(Counters::most) + 3);
}

TEST(Counters, take_from_many_threads) {
    Counters counters("x_total", "X.", {"a"});
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread)
            threads.emplace_back([&] {
                for (int i = 0; i < 1000; ++i)
                    counters.add({i % 2 == 0 ? "even" : "odd"});
            });
    }
    std::string page;
    counters.print(page);
    EXPECT_NE(page.find("x_total{a=\"even\"} 2000\n"), std::string::npos) << page;
}

TEST(Durations, count_up_to_each_limit_and_sum) {
    using namespace std::chrono_literals;
    Durations durations("x_seconds", "X.");
    for (const std::chrono::nanoseconds one : {50us, 100us, 300us, 20000000us})
        durations.add(one);
    std::string page;
    durations.print(page);
    EXPECT_EQ(page.substr(0, page.find("x_seconds_bucket{le=\"0.0025\"}")),
              "# HELP x_seconds X.\n"
              "# TYPE x_seconds histogram\n"
              "x_seconds_bucket{le=\"0.0001\"} 2\n"
              "x_seconds_bucket{le=\"0.00025\"} 2\n"
              "x_seconds_bucket{le=\"0.001\"} 3\n");
    EXPECT_NE(page.find("x_seconds_bucket{le=\"10\"} 3\n"
                        "x_seconds_bucket{le=\"+Inf\"} 4\n"
                        "x_seconds_sum 20.00045\n"
                        "x_seconds_count 4\n"),
              std::string::npos)
        << page;
}

TEST(Gauge, has_as_many_lines_as_samples) {
    std::string page;
    print_gauge(page, "x", "X.", {{{}, 0.5}});
    print_gauge(page, "y", "Y.", {});
    EXPECT_EQ(page, "# HELP x X.\n# TYPE x gauge\nx 0.5\n# HELP y Y.\n# TYPE y gauge\n");
}

} // namespace
} // namespace surehop::test
