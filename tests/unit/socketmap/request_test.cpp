// SPDX-License-Identifier: Apache-2.0
#include "socketmap/request.h"

#include <gtest/gtest.h>

#include <string>

namespace surehop {
namespace {

// The answer, or "map -> next hop in normal form".
std::string read(std::string_view request) {
    const auto found = read_request(request);
    if (const auto* text = std::get_if<std::string>(&found))
        return *text;
    const auto& [next_hop, consumer] = std::get<LockQuestion>(found);
    return std::string(name_of(consumer)) + " -> " + next_hop.key();
}

TEST(SocketmapRequest, Questions) {
    struct Row {
        std::string_view request, question;
    };
    const Row table[] = {
        {"postfix example.org", "postfix -> example.org"},
        {"postfix310 Example.Org.", "postfix310 -> example.org"},
        {"sendmail [mx.example.org]:587", "sendmail -> [mx.example.org]:587"},
        {"sts example.org", "sendmail -> example.org"}, // FEATURE(`sts') of sendmail.mc
        {"postfix [IPv6:2001:DB8::1]", "postfix -> [ipv6:2001:db8::1]"},
        {"postfix b\xc3\xbc\x63her.example", "postfix -> xn--bcher-kva.example"},
    };
    for (const Row& row : table)
        EXPECT_EQ(read(row.request), row.question);
}

TEST(SocketmapRequest, NoQuestions) {
    const std::string no_map = "TEMP no map '";
    const std::string_view bad_maps[] = {"",
                                         "postfix",
                                         "none example.org",
                                         "Postfix example.org",
                                         " example.org",
                                         "postfix\texample.org"};
    for (const std::string_view request : bad_maps)
        EXPECT_EQ(read(request).substr(0, no_map.size()), no_map) << request;

    EXPECT_EQ(read("postfix .example.org"), "NOTFOUND ");
    EXPECT_EQ(read("sendmail ."), "NOTFOUND ");

    // Never "not found": the MTA would send without a policy.
    const std::string_view bad_keys[] = {"postfix ",        "postfix a.test, b.test",
                                         "postfix  a.test", "postfix a.test\r\nOK encrypt",
                                         "postfix [a.test", "postfix \xff.test"};
    for (const std::string_view request : bad_keys) {
        EXPECT_EQ(read(request).substr(0, 5), "TEMP ") << request;
        EXPECT_EQ(read(request).find_first_of("\r\n\xff"), std::string::npos);
    }
}

} // namespace
} // namespace surehop
