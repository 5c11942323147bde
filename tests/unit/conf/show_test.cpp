// SPDX-License-Identifier: Apache-2.0
#include "conf/show.h"

#include "conf/table.h"

#include <gtest/gtest.h>

#include <set>

namespace surehop {
namespace {

Loaded load(const std::string& text) { return load_text(text, "surehop.toml"); }

// Without the comments, which say where a value came from.
std::string values(const Settings& settings) {
    std::string out;
    const std::string text = show_text(settings);
    for (std::size_t from = 0; from < text.size();) {
        const auto end = text.find('\n', from);
        const std::string line = text.substr(from, end - from);
        out += line.substr(0, line.rfind(" # ")) + "\n";
        from = end + 1;
    }
    return out.substr(out.find('\n') + 1); // the first names the file
}

const std::string example = R"([policy]
mode = "enforce"
help = "Ask # us"
[mta]
lock = "postfix"
[[rule]]
name = "patient data"
sender = ["@clinic.example", "<>", "\"a b\"@x.example"]
minimum = "dane"
[[rule]]
name = "partner"
recipient = ["bob@partner.example"]
falls_short = "defer"
[[route]]
next_hop = "[10.1.1.1]"
scope = "internal"
[https]
port = 8443
)";

TEST(ConfShow, says_where_each_value_comes_from) {
    const Loaded loaded = load(example);
    ASSERT_TRUE(loaded);
    const std::string text = show_text(*loaded.settings);
    EXPECT_TRUE(text.starts_with("# surehop.toml, SHA-256 " + loaded.settings->hash + "\n"));
    for (const std::string line : {
             "\n[mta]\nlock = \"postfix\"                                   # line 5\n",
             "\nqueue_lifetime = \"5d\"                              # default\n",
             "\nhelp = \"Ask # us\"                                  # line 3\n",
             "\n[[rule]]\nname = \"patient data\"                              # line 7\n",
             "\nsender = [\"@clinic.example\", \"<>\", \"\\\"a b\\\"@x.example\"] # line 8\n",
             "\nfalls_short = \"reject\"                             # as in [policy]\n",
             "\nnext_hop = \"[10.1.1.1]\"                            # line 15\n",
             "\nport = 8443                                        # line 18\n",
         })
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST(ConfShow, what_is_shown_loads_to_the_same) {
    const Loaded first = load(example);
    ASSERT_TRUE(first);
    const Loaded again = load(show_text(*first.settings));
    ASSERT_TRUE(again) << again.errors.front().line();
    EXPECT_EQ(values(*again.settings), values(*first.settings));
    EXPECT_EQ(again.settings->site->rules->hash(), first.settings->site->rules->hash());
    EXPECT_EQ(again.settings->policy.help, first.settings->policy.help);
    EXPECT_EQ(again.settings->routes.size(), 1U);
}

TEST(ConfShow, json) {
    const Loaded loaded = load(example);
    ASSERT_TRUE(loaded);
    const Json json = show_json(*loaded.settings);
    EXPECT_EQ(json["file"], "surehop.toml");
    EXPECT_EQ(json["hash"], loaded.settings->hash);
    const Json& settings = json["settings"];
    EXPECT_EQ(settings["mta"]["lock"].dump(), R"({"value":"postfix","origin":"file","line":5})");
    EXPECT_EQ(settings["gate"]["wait"].dump(), R"({"value":"2s","origin":"default","line":null})");
    EXPECT_EQ(settings["https"]["port"].dump(), R"({"value":8443,"origin":"file","line":18})");
    EXPECT_EQ(settings["resolver"]["servers"].dump(),
              R"({"value":[],"origin":"default","line":null})");
    ASSERT_EQ(settings["rule"].size(), 2U);
    EXPECT_EQ(settings["rule"][1]["minimum"].dump(),
              R"({"value":"authenticated","origin":"as in [policy]","line":null})");
    EXPECT_FALSE(settings["rule"][1].contains("sender"));
    EXPECT_EQ(settings["route"].size(), 1U);
    // Lists of blocks are there even when they are empty, and sections in the order of the manual.
    const Json none = show_json(*default_settings());
    EXPECT_EQ(none["file"], nullptr);
    EXPECT_EQ(none["settings"]["rule"].dump(), "[]");
    EXPECT_EQ(none["settings"]["route"].dump(), "[]");
    EXPECT_EQ(none["settings"].size(), all_sections().size());
}

TEST(ConfCheck, text_and_json) {
    const Loaded good = load(example);
    EXPECT_EQ(
        check_text(good, "surehop.toml"),
        "warning: surehop.toml:18:8: policy hosts listen on port 443 (RFC 8461), so port 8443 "
        "finds no policy of strangers; write port = 443\n"
        "surehop.toml is good: mode enforce, minimum authenticated, lock postfix, 2 rules\n");
    Json json = check_json(good, "surehop.toml");
    EXPECT_EQ(json["ok"], true);
    EXPECT_EQ(json["mode"], "enforce");
    EXPECT_EQ(json["hash"], good.settings->hash);
    EXPECT_EQ(json["errors"].dump(), "[]");
    EXPECT_EQ(json["warnings"].size(), 1U);
    EXPECT_EQ(json["warnings"][0]["line"], 18);

    const Loaded bad = load("[policy]\nmode = 1\nx = 2\n");
    EXPECT_EQ(
        check_text(bad, "surehop.toml"),
        "error: surehop.toml:2:8: mode must be a text in quotes, not a number; write mode = "
        "\"audit\" or mode = \"enforce\"\n"
        "error: surehop.toml:3:1: unknown setting x in [policy]; write one of: minimum, least_tls, "
        "falls_short, unknown, mode, help\n"
        "surehop.toml cannot be used: 2 errors, 0 warnings\n");
    json = check_json(bad, "surehop.toml");
    EXPECT_EQ(json["ok"], false);
    EXPECT_EQ(json["hash"], nullptr);
    EXPECT_EQ(json["mode"], nullptr);
    EXPECT_EQ(
        json["errors"][1].dump(),
        R"({"line":3,"column":1,"text":"unknown setting x in [policy]; write one of: minimum, least_tls, falls_short, unknown, mode, help"})");
}

TEST(ConfDefaults, load_to_the_defaults) {
    const Loaded loaded = load(defaults_text());
    ASSERT_TRUE(loaded) << loaded.errors.front().line();
    EXPECT_TRUE(loaded.warnings.empty());
    EXPECT_EQ(values(*loaded.settings), values(*default_settings()));
}

TEST(ConfDefaults, text_has_help_range_and_default) {
    const std::string text = defaults_text();
    for (const std::string part : {
             "\n[gate]\n# How long RCPT waits for a next hop of which nothing is known yet: 100ms "
             "to "
             "4s\nwait = \"2s\"\n",
             "\n#[[rule]]\n",
             "\n#recipient = [\"...\"]\n",
             "\n# As in [policy]: audit or enforce\n#mode = \"audit\"\n",
             "\nport = 443\n",
             "\nservers = []\n",
         })
        EXPECT_NE(text.find(part), std::string::npos) << part << text;
}

TEST(ConfDefaults, json_has_every_row) {
    const Json json = defaults_json();
    ASSERT_EQ(json.size(), all_rows().size());
    EXPECT_EQ(
        json[0].dump(),
        R"({"section":"mta","key":"lock","type":"word","range":"postfix, postfix310, sendmail or none","default":"none","required":false,"help":"Which mail server binds its deliveries by asking surehop"})");
    for (std::size_t i = 0; i < json.size(); ++i) {
        EXPECT_EQ(json[i]["section"], all_rows()[i].section);
        EXPECT_EQ(json[i]["key"], all_rows()[i].key);
    }
}

// ---- the table itself ----

TEST(ConfTable, rows_are_whole) {
    std::set<std::string> seen;
    std::set<std::string_view> closed; // sections whose rows have been left behind
    std::string_view section;
    for (const Row& row : all_rows()) {
        const std::string name = std::string(row.section) + "." + std::string(row.key);
        EXPECT_TRUE(seen.insert(name).second) << name << " twice";
        if (row.section != section) {
            EXPECT_TRUE(closed.insert(row.section).second) << name << " stands apart";
            section = row.section;
        }
        EXPECT_FALSE(row.help.empty()) << name;
        EXPECT_FALSE(row.help.ends_with('.')) << name;
        EXPECT_FALSE(row.range().empty()) << name;
        EXPECT_LE(row.least, row.most) << name;
        EXPECT_EQ(row.type == Type::word, !row.words.empty()) << name;
        EXPECT_NE(row.lens.take, nullptr) << name;
        EXPECT_NE(row.lens.show, nullptr) << name;
        EXPECT_EQ(find_row(row.section, row.key), &row);
        if (row.absent == Absent::as_policy) {
            const Row* policy = find_row("policy", row.key);
            ASSERT_NE(policy, nullptr) << name;
            EXPECT_EQ(policy->range(), row.range()) << name;
        }
    }
    EXPECT_EQ(find_row("policy", "port"), nullptr);
    EXPECT_EQ(all_sections().size(), 13U);
}

} // namespace
} // namespace surehop
