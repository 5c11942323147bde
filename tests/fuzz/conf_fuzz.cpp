// SPDX-License-Identifier: Apache-2.0
// surehop.toml: whatever a file contains, it gives settings or says what is wrong and where; what
// loads can be shown, and what is shown loads to the same settings.
#include "base/text.h"
#include "conf/show.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using namespace surehop;

void demand(bool holds, const char* what) {
    if (holds)
        return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

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
        demand(problem.text.find("; ") != std::string::npos, "a problem without a remedy");
        demand(problem.place.line <= lines, "a problem beyond the end of the file");
        demand((problem.place.line == 0) == (problem.place.column == 0), "half a place");
        demand(is_utf8(problem.line()), "a problem that cannot be printed");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Loaded loaded = load_text(text, "f");
    demand((loaded.settings == nullptr) == !loaded.errors.empty(),
           "settings and errors, or neither");
    check_problems(loaded.errors, text);
    check_problems(loaded.warnings, text);
    (void)print_json(check_json(loaded, "f"));
    if (!loaded)
        return 0;
    const Settings& first = *loaded.settings;
    const Loaded again = load_text(show_text(first), "f");
    demand(static_cast<bool>(again), "what is shown does not load");
    demand(values_of(*again.settings) == values_of(first), "what is shown loads to something else");
    demand(again.settings->site->rules->hash() == first.site->rules->hash(), "other rules");
    demand(again.warnings.size() == loaded.warnings.size(), "other warnings");
    return 0;
}
