// SPDX-License-Identifier: Apache-2.0
#include "report/survey.h"

#include "base/csv.h"

#include <gtest/gtest.h>

namespace surehop {
namespace {

Json outcome(const char* what, const char* reason = "") {
    return Json{{"outcome", what}, {"reason", reason}};
}

Json answer(Json offer, Json minimums, const char* would) {
    return Json{
        {"pending", false},
        {"next_hop", "hop.test"},
        {"offer", std::move(offer)},
        {"minimums", std::move(minimums)},
        {"verdict",
         {{"rule", "default"}, {"open", Json::array()}, {"outcome", ""}, {"would", would}}}};
}

Json good() {
    return answer("dane",
                  {{"encrypted", outcome("meets")},
                   {"verified", outcome("meets")},
                   {"authenticated", outcome("meets")},
                   {"dane", outcome("meets")}},
                  "accept");
}

Json bad() {
    return answer("verified",
                  {{"encrypted", outcome("meets")},
                   {"verified", outcome("meets")},
                   {"authenticated", outcome("falls-short", "sts-txt-none")},
                   {"dane", outcome("falls-short", "mx-insecure")}},
                  "reject");
}

SurveySums sums() {
    SurveySums out;
    out.add("good.test", {"bob@good.test", std::nullopt, 5}, good());
    out.add("bad.test", {"bob@bad.test", "a@x.test", 2}, bad());
    out.add("bad.test", {"bob@bad.test", "b@x.test", 1}, bad());
    out.add("bad.test", {"jo@bad.test", "b@x.test", 1}, bad());
    out.add("near.test", {"bob@near.test", std::nullopt, 1}, answer(nullptr, nullptr, "accept"));
    out.add_untold("slow.test", {"bob@slow.test", std::nullopt, 1});
    return out;
}

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Survey, sums) {
    const Json json = sums().json();
    EXPECT_EQ(json.at("mails"), 11);
    EXPECT_EQ(json.at("recipients"), 5) << "who gets mail from two is one";
    EXPECT_EQ(json.at("domains"), 4);
    const Json& authenticated = json.at("minimums").at("authenticated");
    EXPECT_EQ(authenticated.at("meets"), (Json{{"mails", 5}, {"recipients", 1}, {"domains", 1}}));
    EXPECT_EQ(authenticated.at("falls-short"),
              (Json{{"mails", 4}, {"recipients", 2}, {"domains", 1}}));
    EXPECT_EQ(authenticated.at("unknown").at("mails"), 1);
    EXPECT_EQ(authenticated.at("no-mail").at("mails"), 0);
    EXPECT_EQ(authenticated.at("not-judged").at("domains"), 1);
    EXPECT_EQ(json.at("minimums").at("encrypted").at("meets").at("mails"), 9);
    EXPECT_EQ(json.at("offers").at("verified").at("mails"), 4);
    EXPECT_EQ(json.at("rules").at("default"), (Json{{"accept", 6}, {"reject", 4}}));
    EXPECT_EQ(json.at("list").at(0).at("domain"), "good.test") << "most mails first";
}

TEST(Survey, what_depends_on_the_message_is_said_so) {
    SurveySums out;
    Json open = good();
    open["verdict"]["open"] = {"secret", "default"};
    out.add("good.test", {"bob@good.test", std::nullopt, 5}, open);
    EXPECT_EQ(out.json().at("rules"), (Json{{"(depends on the message)", {{"open", 5}}}}));
}

TEST(Survey, text_for_people) {
    const std::string text = survey_text(sums().json(), {});
    for (const char* part :
         {"11 mails to 5 recipients in 4 domains\n", "authenticated       5 mails   45.5 %",
          "1 mails to 1 domains that are internal\n",
          "default                    accept 6, reject 4",
          "would not have met 'authenticated', by mails\n  bad.test ",
          "it publishes no MTA-STS policy (sts-txt-none)\n",
          "unknown: its protection is still being looked up (look-up-running)\n"})
        EXPECT_TRUE(holds(text, part)) << part << "\n" << text;
    EXPECT_FALSE(holds(survey_text(sums().json(), {"encrypted", 20}), "bad.test"));
    EXPECT_TRUE(holds(survey_text(sums().json(), {"dane", 1}), "(1 of 2)"));
}

TEST(Survey, csv_is_read_back) {
    const Csv csv = parse_csv(survey_csv(sums().json()), 100);
    ASSERT_FALSE(csv.error) << csv.error->text;
    ASSERT_EQ(csv.rows.size(), 5U);
    EXPECT_EQ(csv.rows[2].cells, (std::vector<std::string>{
                                     "bad.test", "4", "2", "hop.test", "verified", "meets", "meets",
                                     "falls-short: sts-txt-none", "falls-short: mx-insecure"}));
    EXPECT_EQ(csv.rows[3].cells.back(), "not-judged");
}

TEST(Survey, of_nobody) {
    const Json json = SurveySums().json();
    EXPECT_EQ(json.at("minimums").at("dane").at("meets").at("mails"), 0);
    EXPECT_TRUE(holds(survey_text(json, {}), "0 mails to 0 recipients"));
}

} // namespace
} // namespace surehop
