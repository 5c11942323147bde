// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Numbers for whoever watches, in the text format of Prometheus (exposition format 0.0.4). From any
// thread; nothing here waits for long.

namespace surehop {

// A number that only grows, one for each combination of label values.
class Counters {
  public:
    Counters(std::string name, std::string help, std::vector<std::string> labels)
        : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)) {}

    // As many values as there are labels. Beyond `most` combinations all are counted as "other".
    void add(std::initializer_list<std::string_view> values, std::uint64_t count = 1);

    void print(std::string& page) const;

    static constexpr std::size_t most = 2000;

  private:
    struct Before { // without a copy of what is looked for
        using is_transparent = void;
        template <class A, class B> bool operator()(const A& a, const B& b) const {
            return std::lexicographical_compare_three_way(
                       a.begin(), a.end(), b.begin(), b.end(),
                       [](std::string_view x, std::string_view y) { return x <=> y; }) < 0;
        }
    };
    std::string name_, help_;
    std::vector<std::string> labels_;
    mutable std::mutex mutex_;
    std::map<std::vector<std::string>, std::uint64_t, Before> counts_;
};

// How long something took: counts up to each of some limits, and the sum.
class Durations {
  public:
    Durations(std::string name, std::string help)
        : name_(std::move(name)), help_(std::move(help)) {}

    void add(std::chrono::nanoseconds duration);
    void print(std::string& page) const;

  private:
    // Seconds. A known next hop takes some 50 us, a look-up 10 ms to seconds, patience ends at 8 s.
    static constexpr std::array<double, 13> limits = {
        0.0001, 0.00025, 0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    std::string name_, help_;
    std::array<std::atomic<std::uint64_t>, limits.size() + 1> counts_{};
    std::atomic<std::uint64_t> nanoseconds_ = 0;
};

// Adds the time from here to the end of the block, which is no coroutine's: such a block may end by
// being destroyed.
class Lap {
  public:
    explicit Lap(Durations& to) : to_(to) {}
    ~Lap() { to_.add(std::chrono::steady_clock::now() - began_); }
    Lap(const Lap&) = delete;
    Lap& operator=(const Lap&) = delete;

  private:
    Durations& to_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// A number as it is now. `value` with the values of its labels: {{"kind", "dns"}}.
struct Sample {
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
};
void print_gauge(std::string& page, std::string_view name, std::string_view help,
                 const std::vector<Sample>& samples);
// A number that only grows and that somebody else counts.
void print_counter(std::string& page, std::string_view name, std::string_view help,
                   const std::vector<Sample>& samples);

} // namespace surehop
