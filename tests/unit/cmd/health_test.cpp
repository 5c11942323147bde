// SPDX-License-Identifier: Apache-2.0
#include "cmd/health.h"

#include <gmock/gmock.h>

namespace surehop {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Json well = {
    {"validates", true},
    {"resolvers", {{{"server", "127.0.0.1:53"}, {"answers", true}, {"validates", true}}}},
    {"incidents", Json::array()},
    {"store", {{"writable", true}, {"text", ""}}},
    {"exception_files", {{{"file", "/a.csv"}, {"state", "good"}, {"text", ""}}}}};

TEST(Health, NothingIsWrong) { EXPECT_THAT(troubles(well), IsEmpty()); }

TEST(Health, SaysWhatIsWrongTheWorstFirst) {
    Json status = well;
    status["validates"] = false;
    status["resolvers"][0]["answers"] = false;
    status["resolvers"].push_back(
        {{"server", "192.0.2.1:53"}, {"answers", true}, {"validates", false}});
    status["incidents"].push_back({{"part", "https"},
                                   {"since", "2026-11-21T10:00:00Z"},
                                   {"text", "no policy can be fetched"}});
    status["store"] = {{"writable", false}, {"text", "database or disk is full"}};
    status["exception_files"][0] = {
        {"file", "/a.csv"}, {"state", "failed"}, {"text", "/a.csv:3: no end"}};
    EXPECT_THAT(troubles(status),
                ElementsAre("since 2026-11-21T10:00:00Z: no policy can be fetched",
                            "the store cannot be written, so what is enforced is deferred: "
                            "database or disk is full",
                            "no resolver answers and validates DNSSEC: DANE is unknown",
                            "the resolver 127.0.0.1:53 does not answer",
                            "the resolver 192.0.2.1:53 does not validate", "/a.csv:3: no end"));
}

} // namespace
} // namespace surehop
