// SPDX-License-Identifier: Apache-2.0
// The manuals say what the program does: settings, reasons and examples are compared with the code.
#include "binding/tls_policy.h"
#include "conf/load.h"
#include "conf/table.h"
#include "control/explain.h"
#include "facts/reason.h"
#include "support/source_tree.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace surehop {
namespace {

// A manual's lines, as the installed one has them.
std::vector<std::string> manual(const std::string& name) {
    std::istringstream in(test::filled(test::read_text(test::source_tree() / "man" / name)));
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        for (auto at = line.find("\\e"); at != std::string::npos; at = line.find("\\e", at + 1))
            line.replace(at, 2, "\\");
        lines.push_back(std::move(line));
    }
    EXPECT_GT(lines.size(), 50U) << name;
    return lines;
}

std::vector<std::string> section_of(const std::vector<std::string>& lines,
                                    const std::string& heading) {
    const auto begin = std::find(lines.begin(), lines.end(), ".Sh " + heading);
    EXPECT_NE(begin, lines.end()) << heading;
    if (begin == lines.end())
        return {};
    const auto end = std::find_if(begin + 1, lines.end(),
                                  [](const std::string& line) { return line.starts_with(".Sh "); });
    return {begin + 1, end};
}

// The displays (.Bd -literal) of some lines.
std::vector<std::string> displays(const std::vector<std::string>& lines) {
    std::vector<std::string> out;
    bool inside = false;
    for (const std::string& line : lines) {
        if (line.starts_with(".Bd -literal")) {
            inside = true;
            out.emplace_back();
        } else if (line == ".Ed") {
            inside = false;
        } else if (inside) {
            out.back() += line + "\n";
        }
    }
    return out;
}

std::string default_text(const Row& row) {
    switch (row.absent) {
    case Absent::required:
        return "Required.";
    case Absent::as_policy:
        return "Default: as in [policy].";
    case Absent::nothing:
        return "";
    case Absent::initial:
        break;
    }
    if (row.type == Type::number)
        return fmt::format("Default: {}.", row.initial);
    if (row.type == Type::list)
        return row.initial.empty() ? "Default: []."
                                   : fmt::format("Default: [\"{}\"].", row.initial);
    return fmt::format("Default: \"{}\".", row.initial);
}

TEST(Manual, surehop_toml_has_every_setting_as_it_is) {
    std::vector<std::string> expected;
    std::string_view section;
    for (const Row& row : all_rows()) {
        if (row.section != section)
            expected.push_back(is_repeated(row.section) ? fmt::format(".Ss [[{}]]", row.section)
                                                        : fmt::format(".Ss [{}]", row.section));
        section = row.section;
        expected.push_back(fmt::format(".It Ic {} No = Ar {}", row.key, name_of(row.type)));
        expected.push_back(fmt::format("{}.", row.help));
        expected.push_back(fmt::format("Values: {}.", row.range()));
        if (const std::string text = default_text(row); !text.empty())
            expected.push_back(text);
    }
    std::vector<std::string> found;
    bool first_line = false;
    for (const std::string& line : section_of(manual("surehop.toml.5"), "SETTINGS")) {
        if (first_line || line.starts_with(".Ss [") || line.starts_with(".It Ic ") ||
            line.starts_with("Values: ") || line.starts_with("Default: ") || line == "Required.")
            found.push_back(line);
        first_line = line.starts_with(".It Ic ");
    }
    EXPECT_EQ(found, expected);
}

TEST(Manual, surehop_has_every_reason_as_it_is) {
    std::vector<std::string> expected;
    for (const ReasonRow& row : all_reasons())
        if (row.reason != Reason::none) {
            expected.push_back(fmt::format(".It Li {}", row.token));
            expected.push_back(fmt::format("{}.", row.sentence));
        }
    std::vector<std::string> found;
    for (const std::string& line : section_of(manual("surehop.8"), "REASONS"))
        if (line.starts_with(".It Li ") || (!found.empty() && !line.starts_with('.')))
            found.push_back(line);
    EXPECT_EQ(found, expected);
}

TEST(Manual, levels_and_actions_are_in_their_order) {
    std::vector<std::string> expected, found;
    for (const std::string_view level : level_names)
        expected.push_back(fmt::format(".It Cm {}", level));
    for (const std::string_view action : {"reject", "defer", "quarantine", "tag", "accept"})
        expected.push_back(fmt::format(".It Cm {}", action));
    for (const std::string& line : section_of(manual("surehop.toml.5"), "DESCRIPTION"))
        if (line.starts_with(".It Cm "))
            found.push_back(line);
    EXPECT_EQ(found, expected);
}

TEST(Manual, examples_of_configuration_load_clean) {
    std::size_t count = 0;
    for (const std::string& text : displays(section_of(manual("surehop.toml.5"), "EXAMPLES"))) {
        const Loaded loaded = load_text(text, "example");
        EXPECT_TRUE(loaded) << (loaded.errors.empty() ? "" : loaded.errors.front().line());
        EXPECT_TRUE(loaded.warnings.empty()) << loaded.warnings.front().line();
        ++count;
    }
    EXPECT_EQ(count, 2U);
    // Those of surehopd(8) are parts of a file.
    for (const std::string& text : displays(section_of(manual("surehopd.8"), "DESCRIPTION")))
        if (text.starts_with("[mta]")) {
            const Loaded loaded = load_text(text + "[policy]\nmode = \"enforce\"\n", "example");
            EXPECT_TRUE(loaded) << (loaded.errors.empty() ? "" : loaded.errors.front().line());
            EXPECT_TRUE(loaded.warnings.empty());
            ++count;
        }
    EXPECT_EQ(count, 3U);
}

// README, manual and shipped file name the same lines for main.cf.
TEST(Manual, postfix_is_told_the_same_everywhere) {
    std::string all;
    for (const std::string& line : manual("surehopd.8"))
        all += line + "\n";
    const std::string readme = test::read_text(test::source_tree() / "README.md");
    for (const std::string line :
         {"smtpd_milters = unix:surehop/milter.sock\n",
          "non_smtpd_milters = unix:surehop/milter.sock\n", "milter_default_action = tempfail\n",
          "smtp_tls_policy_maps = socketmap:unix:surehop/socketmap.sock:postfix\n",
          "smtp_tls_security_level = dane\n", "smtp_dns_support_level = dnssec\n",
          "install -d -o surehop -g postfix -m 2750 /var/spool/postfix/surehop\n"}) {
        EXPECT_NE(all.find(line), std::string::npos) << line;
        EXPECT_NE(readme.find(line), std::string::npos) << line;
    }
}

TEST(Manual, readme_configuration_loads_clean) {
    const std::string readme = test::read_text(test::source_tree() / "README.md");
    const std::string fence = "```toml\n";
    const auto begin = readme.find(fence);
    ASSERT_NE(begin, std::string::npos);
    const auto from = begin + fence.size();
    const Loaded loaded =
        load_text(readme.substr(from, readme.find("```", from) - from), "README.md");
    EXPECT_TRUE(loaded) << (loaded.errors.empty() ? "" : loaded.errors.front().line());
    EXPECT_TRUE(loaded.warnings.empty());
}

std::vector<std::string> names_in(const Json& object) {
    std::vector<std::string> out;
    for (const auto& [name, value] : object.items())
        out.push_back(name);
    return out;
}

// The JSON contract: what the manual shows is what explain prints, name by name and in order.
TEST(Manual, json_of_explain) {
    const auto shown = displays(section_of(manual("surehop.8"), "JSON"));
    ASSERT_EQ(shown.size(), 1U);
    const auto example = parse_json(shown.front());
    ASSERT_TRUE(example);
    Decision decision;
    decision.next_hop = NextHop::of_domain(*Domain::parse("example.org"));
    Offer offer;
    offer.level = Level::dane;
    offer.hosts = {"mx1.example.org"};
    decision.assessment.offers = {offer};
    const Json printed = explain_json(decision, std::nullopt);
    EXPECT_EQ(names_in(*example), names_in(printed));
    for (const char* part : {"next_hop", "requirement", "verdict"})
        EXPECT_EQ(names_in(example->at(part)), names_in(printed.at(part))) << part;
    EXPECT_EQ(names_in(example->at("offers")[0]), names_in(printed.at("offers")[0]));
    EXPECT_EQ(names_in(example->at("offers")[0]["binding"]),
              names_in(printed.at("offers")[0]["binding"]));
}

} // namespace
} // namespace surehop
