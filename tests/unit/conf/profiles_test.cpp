// SPDX-License-Identifier: Apache-2.0
#include "conf/load.h"
#include "support/source_tree.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

// contrib/profiles: each loads as it stands, and asks what its first lines say.

namespace surehop {
namespace {

struct Mail {
    const char *profile, *sender, *recipient;
    std::multimap<std::string, std::string, std::less<>> fields;
    const char *rule, *minimum, *mode;
};

const Mail mails[] = {
    {"monitor", "a@clinic.example", "b@any.example", {}, "default", "authenticated", "audit"},
    {"floor-encrypted", "a@clinic.example", "b@any.example", {}, "default", "encrypted", "enforce"},
    {"floor-authenticated",
     "a@clinic.example",
     "b@any.example",
     {},
     "default",
     "authenticated",
     "enforce"},
    {"dane-first",
     "a@clinic.example",
     "b@tax.ministry.example",
     {},
     "DANE partners",
     "dane",
     "enforce"},
    {"dane-first", "a@clinic.example", "b@any.example", {}, "default", "encrypted", "enforce"},
    {"government-suffix",
     "a@clinic.example",
     "b@tax.gov.example",
     {},
     "authorities",
     "authenticated",
     "enforce"},
    {"government-suffix",
     "a@clinic.example",
     "b@gov.example.test",
     {},
     "default",
     "encrypted",
     "enforce"},
    {"high-risk-label", "a@clinic.example", "b@any.example", {}, "default", "encrypted", "enforce"},
    {"high-risk-label",
     "a@patients.clinic.example",
     "b@any.example",
     {},
     "patient data",
     "authenticated",
     "enforce"},
    {"high-risk-label",
     "a@clinic.example",
     "b@any.example",
     {{"x-classification", "Top Secret"}},
     "labelled confidential",
     "authenticated",
     "enforce"},
    {"high-risk-label",
     "a@clinic.example",
     "b@any.example",
     {{"sensitivity", "Company-Confidential"}},
     "sensitivity",
     "authenticated",
     "enforce"},
    {"high-risk-label",
     "a@clinic.example",
     "b@any.example",
     {{"msip_labels", "MSIP_Label_x_Enabled=True;MSIP_Label_x_Name=Confidential;"}},
     "Microsoft label",
     "authenticated",
     "enforce"},
    {"high-risk-label",
     "a@clinic.example",
     "b@any.example",
     {{"subject", "Re: [secure] results"}},
     "tagged secure",
     "authenticated",
     "enforce"},
    {"high-risk-label",
     "a@clinic.example",
     "b@any.example",
     {{"subject", "about [secure]"}, {"sensitivity", "personal"}, {"x-classification", "public"}},
     "default",
     "encrypted",
     "enforce"},
};

TEST(Profiles, each_loads_without_a_word_and_asks_what_it_says) {
    const auto folder = test::source_tree() / "contrib" / "profiles";
    std::set<std::string> there, told;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        there.insert(entry.path().stem().string());
    for (const Mail& mail : mails) {
        told.insert(mail.profile);
        const Loaded loaded = load_file((folder / mail.profile).string() + ".toml");
        ASSERT_TRUE(loaded) << loaded.errors.front().line();
        EXPECT_TRUE(loaded.warnings.empty()) << loaded.warnings.front().line();
        Context context;
        context.sender = *Path::parse(mail.sender);
        context.recipient = *Path::parse(mail.recipient);
        const Fields fields{mail.fields, true};
        context.fields = &fields;
        const auto asked = loaded.settings->site->rules->candidates(context);
        ASSERT_EQ(asked.size(), 1U);
        EXPECT_EQ(asked[0]->rule, mail.rule) << mail.profile;
        EXPECT_EQ(name_of(asked[0]->minimum), mail.minimum) << mail.profile;
        EXPECT_EQ(name_of(asked[0]->mode), mail.mode) << mail.profile;
    }
    EXPECT_EQ(there, told);
}

} // namespace
} // namespace surehop
