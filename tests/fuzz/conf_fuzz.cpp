// SPDX-License-Identifier: Apache-2.0
// surehop.toml: whatever a file contains, it gives settings or says what is wrong and where; what
// loads can be shown, and what is shown loads to the same settings.
#include "base/text.h"
#include "conf/show.h"

#include "fuzz/require.h"

#include <algorithm>
#include <string_view>

using namespace surehop;
using fuzz::require;

namespace {

// The settings alone: without file, hash and lines.
Json values_of(const Settings& settings) {
    Json shown = show_json(settings)["settings"];
    const auto strip = [](Json& block) {
        for (auto& [key, entry] : block.items())
            entry = entry["value"];
    };
    for (auto& [name, section] : shown.items()) {
        if (section.is_array())
            std::for_each(section.begin(), section.end(), strip);
        else
            strip(section);
    }
    return shown;
}

void check_problems(const std::vector<Problem>& problems, std::string_view text) {
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const Problem& problem : problems) {
        require(problem.text.find("; ") != std::string::npos, "a problem and its remedy");
        require(problem.place.line <= lines, "a problem is in the file");
        require((problem.place.line == 0) == (problem.place.column == 0),
                "a line and a column, or neither");
        require(is_utf8(problem.line()) &&
                    problem.line().find_first_of("\r\n\x1b") == std::string::npos,
                "a problem can be printed");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const Loaded loaded = load_text(text, "f");
    require((loaded.settings == nullptr) == !loaded.errors.empty(), "settings or errors");
    check_problems(loaded.errors, text);
    check_problems(loaded.warnings, text);
    (void)print_json(check_json(loaded, "f"));
    if (!loaded)
        return 0;
    const Settings& first = *loaded.settings;
    const Loaded again = load_text(show_text(first), "f");
    require(static_cast<bool>(again), "what is shown loads");
    require(values_of(*again.settings) == values_of(first), "what is shown loads to the same");
    require(again.settings->site->rules->hash() == first.site->rules->hash(),
            "and to the same rules");
    require(again.warnings.size() == loaded.warnings.size(), "with the same warnings");
    return 0;
}
