// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

// The tree that these tests were compiled from, for those that prove that manuals and shipped files
// say what the code does. Valid in the folder in which make ran.

namespace surehop::test {

inline std::filesystem::path source_tree() {
    return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
}

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// As `make install` fills manuals and the shipped configuration.
inline std::string filled(std::string text) {
    const std::vector<std::pair<std::string, std::string>> places = {
        {"@sysconfdir@", SUREHOP_SYSCONFDIR},
        {"@localstatedir@", SUREHOP_LOCALSTATEDIR},
        {"@runstatedir@", SUREHOP_RUNSTATEDIR}};
    for (const auto& [mark, value] : places)
        for (auto at = text.find(mark); at != std::string::npos;
             at = text.find(mark, at + value.size()))
            text.replace(at, mark.size(), value);
    return text;
}

} // namespace surehop::test
