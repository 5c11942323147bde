// SPDX-License-Identifier: Apache-2.0
#include "store/held.h"

#include <gtest/gtest.h>

#include <string>

namespace surehop {
namespace {

TEST(HeldNote, WrittenAndReadAgain) {
    const struct {
        HeldNote note;
        std::string text;
    } rows[] = {
        {{}, "promised nothing"},
        {{{}, true}, "promised nothing; REQUIRETLS"},
        {{{{"dane.test", Level::dane}}, false}, "promised dane dane.test"},
        {{{{"[ipv6:2001:db8::1]:587", Level::encrypted}, {"b.test", Level::dane}}, true},
         "promised encrypted [ipv6:2001:db8::1]:587, dane b.test; REQUIRETLS"},
    };
    for (const auto& [note, text] : rows) {
        EXPECT_EQ(text_of(note), text);
        const auto read = parse_held_note(text);
        ASSERT_TRUE(read) << read.error();
        EXPECT_EQ(*read, note);
    }
}

TEST(HeldNote, EachPromiseOnce) {
    EXPECT_EQ(text_of({{{"b.test", Level::dane}, {"a.test", Level::dane}, {"b.test", Level::dane}},
                       false}),
              "promised dane a.test, dane b.test");
}

// Whoever cannot read what was promised must not end it.
TEST(HeldNote, AnythingElseIsAnError) {
    for (const char* text : {"", "promised", "promised ", "nothing", "promised strong a.test",
                             "promised dane", "promised dane ", "promised dane a.test, ",
                             "promised dane a.test,, dane b.test", "REQUIRETLS"})
        EXPECT_FALSE(parse_held_note(text)) << text;
}

} // namespace
} // namespace surehop
