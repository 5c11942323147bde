// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "report/correspondents.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// What a survey has found, summed up: what each minimum, and the configuration, would have done to
// the mail that was counted. Pure.

namespace surehop {

class SurveySums {
  public:
    // The daemon's answer (control/survey.h) for one correspondent of this domain, in the order in
    // which Correspondents has them.
    void add(const std::string& domain, const Correspondent& correspondent, const Json& answer);
    // No answer came in time: it could not be told.
    void add_untold(const std::string& domain, const Correspondent& correspondent);

    // Domains by mails, most first; all of them.
    Json json() const;

  private:
    struct Sum {
        std::uint64_t mails = 0, recipients = 0, domains = 0;
    };
    using Sums = std::map<std::string, Sum, std::less<>>; // by outcome, offer, ...
    struct Domain {
        std::uint64_t mails = 0, recipients = 0;
        std::string last;               // recipient: those of one stand together
        Json next_hop, offer, minimums; // of its first answer
    };
    static Json to_json(const Sum& sum);
    static Sum of(const Sums& sums, std::string_view name);
    static void count(Sums& sums, const std::string& name, const Sum& more);

    Sum all_;
    std::map<std::string, Sums, std::less<>> minimums_; // by minimum, then outcome
    Sums offers_;
    std::map<std::string, std::map<std::string, std::uint64_t>>
        rules_; // mails by what would be done
    std::map<std::string, Domain, std::less<>> domains_;
};

struct SurveyView {
    std::string minimum = "authenticated"; // whose failing domains are listed
    std::size_t top = 20;
};
std::string survey_text(const Json& survey, const SurveyView& view);

// RFC 4180: a line for each domain, with what it offers and why it misses each minimum.
std::string survey_csv(const Json& survey);

} // namespace surehop
