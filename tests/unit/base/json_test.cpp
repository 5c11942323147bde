// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gtest/gtest.h>

#include <string>

namespace surehop {
namespace {

TEST(Json, keeps_the_order_of_members) {
    Json value;
    value["z"] = 1;
    value["a"] = nullptr;
    value["m"] = {"x", true};
    EXPECT_EQ(print_json(value), R"({"z":1,"a":null,"m":["x",true]})");
    EXPECT_EQ(print_json({{"a", 1}}, 2), "{\n  \"a\": 1\n}");
    EXPECT_EQ(parse_json(print_json(value)), value);
}

TEST(Json, text_of_strangers_never_throws) {
    EXPECT_EQ(print_json(Json("a\xff"
                              "b")),
              "\"a\xef\xbf\xbd"
              "b\""); // U+FFFD
    for (const std::string bad : {"", "{", "{\"a\":1}x", "nul", "[1,]", "\"\xff\"", "{'a':1}"})
        EXPECT_EQ(parse_json(bad), std::nullopt) << bad;
}

} // namespace
} // namespace surehop
