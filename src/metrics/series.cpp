// SPDX-License-Identifier: Apache-2.0
#include "metrics/series.h"

#include <fmt/format.h>

#include <iterator>

namespace surehop {

namespace {

std::string escaped(std::string_view text, bool quotes) {
    std::string out;
    for (const char c : text) {
        if (c == '\\')
            out += "\\\\";
        else if (c == '\n')
            out += "\\n";
        else if (c == '"' && quotes)
            out += "\\\"";
        else
            out += c;
    }
    return out;
}

void head(std::string& page, std::string_view name, std::string_view help, std::string_view type) {
    fmt::format_to(std::back_inserter(page), "# HELP {} {}\n# TYPE {} {}\n", name,
                   escaped(help, false), name, type);
}

void print(std::string& page, std::string_view name, std::string_view help, std::string_view type,
           const std::vector<Sample>& samples) {
    head(page, name, help, type);
    for (const Sample& sample : samples) {
        std::string labels;
        for (const auto& [label, value] : sample.labels)
            labels +=
                fmt::format("{}{}=\"{}\"", labels.empty() ? "" : ",", label, escaped(value, true));
        fmt::format_to(std::back_inserter(page), "{}{}{}{} {}\n", name, labels.empty() ? "" : "{",
                       labels, labels.empty() ? "" : "}", sample.value);
    }
}

} // namespace

void Counters::add(std::initializer_list<std::string_view> values, std::uint64_t count) {
    const std::lock_guard hold(mutex_);
    auto found = counts_.find(values);
    if (found == counts_.end()) {
        std::vector<std::string> key(values.begin(), values.end());
        if (counts_.size() >= most)
            key.assign(labels_.size(), "other");
        found = counts_.try_emplace(std::move(key), 0).first;
    }
    found->second += count;
}

void Counters::print(std::string& page) const {
    std::vector<Sample> samples;
    {
        const std::lock_guard hold(mutex_);
        for (const auto& [values, count] : counts_) {
            Sample& sample = samples.emplace_back();
            sample.value = static_cast<double>(count);
            for (std::size_t i = 0; i < labels_.size(); ++i)
                sample.labels.emplace_back(labels_[i], values.at(i));
        }
    }
    surehop::print(page, name_, help_, "counter", samples);
}

void Durations::add(std::chrono::nanoseconds duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    const auto place = std::lower_bound(limits.begin(), limits.end(), seconds) - limits.begin();
    counts_.at(static_cast<std::size_t>(place)).fetch_add(1, std::memory_order_relaxed);
    nanoseconds_.fetch_add(static_cast<std::uint64_t>(duration.count()), std::memory_order_relaxed);
}

void Durations::print(std::string& page) const {
    head(page, name_, help_, "histogram");
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        sum += counts_.at(i).load(std::memory_order_relaxed);
        fmt::format_to(std::back_inserter(page), "{}_bucket{{le=\"{}\"}} {}\n", name_,
                       i < limits.size() ? fmt::format("{}", limits.at(i)) : "+Inf", sum);
    }
    const auto nanoseconds = nanoseconds_.load(std::memory_order_relaxed);
    fmt::format_to(std::back_inserter(page), "{}_sum {}\n{}_count {}\n", name_,
                   static_cast<double>(nanoseconds) / 1e9, name_, sum);
}

void print_gauge(std::string& page, std::string_view name, std::string_view help,
                 const std::vector<Sample>& samples) {
    print(page, name, help, "gauge", samples);
}

void print_counter(std::string& page, std::string_view name, std::string_view help,
                   const std::vector<Sample>& samples) {
    print(page, name, help, "counter", samples);
}

} // namespace surehop
