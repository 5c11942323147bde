// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What a look at the mail server's configuration has found: which check, how bad, what would
// happen, and the line to write instead.

namespace surehop {

enum class FindingState : std::uint8_t { ok, warning, failed };
constexpr std::string_view name_of(FindingState state) {
    constexpr std::array<std::string_view, 3> names = {"ok", "warning", "failed"};
    return names.at(static_cast<std::size_t>(state));
}

struct Finding {
    std::string check; // a short word; surehop(8) lists them
    FindingState state = FindingState::ok;
    std::string text;
    std::string remedy; // a command or lines to write; "" where there is none
};

class Findings {
  public:
    void ok(std::string_view check, std::string text) {
        all_.push_back({std::string(check), FindingState::ok, std::move(text), ""});
    }
    void warning(std::string_view check, std::string text, std::string remedy = "") {
        all_.push_back(
            {std::string(check), FindingState::warning, std::move(text), std::move(remedy)});
    }
    void failed(std::string_view check, std::string text, std::string remedy = "") {
        all_.push_back(
            {std::string(check), FindingState::failed, std::move(text), std::move(remedy)});
    }
    // `look` adds what it finds; where that is nothing, all is well.
    template <class Look> void look(std::string_view check, std::string_view good, Look look) {
        const std::size_t before = all_.size();
        look();
        if (all_.size() == before)
            ok(check, std::string(good));
    }
    void add(const Findings& more) { all_.insert(all_.end(), more.all_.begin(), more.all_.end()); }
    void add(Finding one) { all_.push_back(std::move(one)); }

    const std::vector<Finding>& all() const { return all_; }
    std::size_t size() const { return all_.size(); }
    bool healthy() const {
        return std::none_of(all_.begin(), all_.end(),
                            [](const Finding& one) { return one.state == FindingState::failed; });
    }

  private:
    std::vector<Finding> all_;
};

} // namespace surehop
