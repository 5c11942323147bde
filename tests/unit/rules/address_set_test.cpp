// SPDX-License-Identifier: Apache-2.0
#include "rules/address_set.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace surehop {
namespace {

AddressSet set(const std::vector<std::string>& texts) {
    AddressSet out;
    for (const std::string& text : texts)
        out.add(*AddressPattern::parse(text));
    return out;
}

// A set answers as its patterns do one by one.
TEST(AddressSet, matches_what_one_of_its_patterns_matches) {
    const std::vector<std::string> patterns = {"bob@a.example",
                                               "\"j. doe\"@a.example",
                                               "@b.example",
                                               "*.c.example",
                                               "<>",
                                               "@[192.0.2.1]",
                                               "x@[192.0.2.2]",
                                               "b\xc3\xbc"
                                               "cher.example"};
    const std::vector<std::string> paths = {"bob@a.example",   "BOB@A.example",
                                            "eve@a.example",   "\"J. Doe\"@a.example",
                                            "any@b.example",   "any@mx.b.example",
                                            "x@c.example",     "x@d.c.example",
                                            "x@e.d.C.example", "<>",
                                            "x@[192.0.2.1]",   "x@[192.0.2.2]",
                                            "y@[192.0.2.2]",   "x@xn--bcher-kva.example",
                                            "postmaster",      "x@example"};
    const AddressSet all = set(patterns);
    for (const std::string& text : paths) {
        const auto path = Path::parse(text);
        ASSERT_TRUE(path) << text;
        bool expected = false;
        for (const std::string& pattern : patterns)
            expected |= AddressPattern::parse(pattern)->matches(*path);
        EXPECT_EQ(all.matches(*path), expected) << text;
    }
    EXPECT_TRUE(set({"*"}).matches(*Path::parse("<>")));
    EXPECT_FALSE(AddressSet().matches(*Path::parse("bob@a.example")));
}

TEST(AddressSet, an_empty_list_is_not_no_list) {
    AddressSet listed;
    EXPECT_TRUE(listed.empty());
    listed.add({}, "file:/etc/surehop/partners");
    EXPECT_FALSE(listed.empty());
    EXPECT_FALSE(listed.matches(*Path::parse("bob@a.example")));
    EXPECT_EQ(listed.from(), std::vector<std::string>{"file:/etc/surehop/partners"});
}

TEST(AddressSet, domains) {
    const AddressSet some = set({"bob@a.example", "@b.example", "*.c.example"});
    const auto domain = [](std::string_view text) { return *Domain::parse(text); };
    EXPECT_FALSE(some.matches_domain(domain("a.example")));
    EXPECT_TRUE(some.reaches(domain("a.example")));
    EXPECT_TRUE(some.matches_domain(domain("b.example")));
    EXPECT_TRUE(some.matches_domain(domain("x.c.example")));
    EXPECT_FALSE(some.reaches(domain("c.example")));
    EXPECT_FALSE(some.on_domain_alone());
    EXPECT_TRUE(set({"@b.example", "*"}).on_domain_alone());
}

TEST(AddressSet, covers) {
    const AddressSet some = set({"bob@a.example", "@b.example", "*.c.example"});
    const auto covers = [&](std::string_view text) {
        return some.covers(*AddressPattern::parse(text));
    };
    EXPECT_TRUE(covers("bob@a.example"));
    EXPECT_FALSE(covers("@a.example"));
    EXPECT_TRUE(covers("eve@b.example"));
    EXPECT_TRUE(covers("*.d.c.example"));
    EXPECT_TRUE(covers("eve@d.c.example"));
    EXPECT_FALSE(covers("@c.example"));
    EXPECT_FALSE(covers("<>"));
    EXPECT_TRUE(set({"*"}).covers(*AddressPattern::parse("<>")));
}

} // namespace
} // namespace surehop
