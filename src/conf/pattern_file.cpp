// SPDX-License-Identifier: Apache-2.0
#include "conf/pattern_file.h"

#include "base/text.h"
#include "conf/forms.h"
#include "conf/load.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace surehop {

namespace {

std::string_view without_comment(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i)
        if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t'))
            return line.substr(0, i);
    return line;
}

} // namespace

Result<std::vector<AddressPattern>> read_patterns(const std::string& path, PatternParser parse) {
    if (const auto absolute = absolute_path(path); !absolute)
        return Error{absolute.error()};
    std::error_code none;
    if (std::filesystem::exists(path, none) && !std::filesystem::is_regular_file(path, none))
        return Error{fmt::format("{} is no file", path)};
    std::ifstream file(path);
    if (!file)
        return Error{fmt::format("the list {} cannot be read ({})", path,
                                 std::generic_category().message(errno))};
    std::vector<AddressPattern> out;
    std::string line;
    for (std::size_t number = 1; std::getline(file, line); ++number) {
        if (line.ends_with('\r'))
            line.pop_back();
        const std::string_view text = trim(without_comment(line));
        if (text.empty())
            continue;
        auto pattern = parse(text);
        if (!pattern)
            return Error{fmt::format("{}:{}: {}", path, number, pattern.error())};
        if (out.size() == most_patterns)
            return Error{fmt::format("the list {} has more than {} lines", path, most_patterns)};
        out.push_back(*std::move(pattern));
    }
    if (file.bad())
        return Error{fmt::format("the list {} cannot be read ({})", path,
                                 std::generic_category().message(errno))};
    return out;
}

} // namespace surehop
