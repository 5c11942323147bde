// SPDX-License-Identifier: Apache-2.0
#include "report/survey.h"

#include "base/csv.h"
#include "base/text.h"
#include "facts/reason.h"
#include "report/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace surehop {

namespace {

constexpr std::array<std::string_view, 4> minimums = {"encrypted", "verified", "authenticated",
                                                      "dane"};
constexpr std::array<std::string_view, 5> outcomes = {"meets", "falls-short", "unknown", "no-mail",
                                                      "not-judged"};
constexpr std::string_view depends = "(depends on the message)";

Json untold() {
    Json out{{"next_hop", nullptr}, {"offer", nullptr}};
    for (const std::string_view minimum : minimums)
        out["minimums"][std::string(minimum)] = {{"outcome", "unknown"},
                                                 {"reason", token_of(Reason::look_up_running)}};
    out["verdict"] = nullptr;
    return out;
}

} // namespace

SurveySums::Sum SurveySums::of(const Sums& sums, std::string_view name) {
    const auto found = sums.find(name);
    return found == sums.end() ? Sum() : found->second;
}

Json SurveySums::to_json(const Sum& sum) {
    return {{"mails", sum.mails}, {"recipients", sum.recipients}, {"domains", sum.domains}};
}

void SurveySums::count(Sums& sums, const std::string& name, const Sum& more) {
    Sum& sum = sums[name];
    sum.mails += more.mails;
    sum.recipients += more.recipients;
    sum.domains += more.domains;
}

void SurveySums::add(const std::string& domain, const Correspondent& correspondent,
                     const Json& answer) {
    const auto [place, first] = domains_.try_emplace(domain);
    Domain& sum = place->second;
    const bool other = first || sum.last != correspondent.recipient;
    sum.last = correspondent.recipient;
    const Sum more{correspondent.mails, other ? 1U : 0U, first ? 1U : 0U};
    sum.mails += more.mails;
    sum.recipients += more.recipients;
    all_.mails += more.mails;
    all_.recipients += more.recipients;
    if (first) {
        ++all_.domains;
        sum.next_hop = answer.at("next_hop");
        sum.offer = answer.at("offer");
        sum.minimums = answer.at("minimums");
    }
    const Json& levels = answer.at("minimums"); // exceptions may be for one of them
    for (const std::string_view minimum : minimums) {
        const std::string name(minimum);
        count(minimums_[name],
              levels.is_null() ? "not-judged" : levels.at(name).at("outcome").get<std::string>(),
              more);
    }
    count(offers_,
          levels.is_null()        ? "not-judged"
          : sum.offer.is_string() ? sum.offer.get<std::string>()
                                  : "unknown",
          more);
    const Json& verdict = answer.at("verdict");
    if (verdict.is_null())
        return;
    const bool open = !verdict.at("open").empty();
    rules_[open ? std::string(depends) : verdict.at("rule").get<std::string>()]
          [open ? "open" : verdict.at("would").get<std::string>()] += correspondent.mails;
}

void SurveySums::add_untold(const std::string& domain, const Correspondent& correspondent) {
    add(domain, correspondent, untold());
}

Json SurveySums::json() const {
    Json out = to_json(all_);
    out["minimums"] = Json::object();
    for (const std::string_view minimum : minimums) {
        Json& row = out["minimums"][std::string(minimum)];
        const auto sums = minimums_.find(minimum);
        for (const std::string_view outcome : outcomes)
            row[std::string(outcome)] =
                to_json(sums == minimums_.end() ? Sum() : of(sums->second, outcome));
    }
    out["offers"] = Json::object();
    for (const auto& [name, sum] : offers_)
        out["offers"][name] = to_json(sum);
    out["rules"] = Json::object();
    for (const auto& [rule, mails] : rules_)
        out["rules"][rule] = mails;

    std::vector<std::pair<std::string, const Domain*>> list;
    for (const auto& [name, domain] : domains_)
        list.emplace_back(name, &domain);
    std::ranges::stable_sort(
        list, [](const auto& a, const auto& b) { return a.second->mails > b.second->mails; });
    Json rows = Json::array();
    for (const auto& [name, domain] : list)
        rows.push_back({{"domain", name},
                        {"mails", domain->mails},
                        {"recipients", domain->recipients},
                        {"next_hop", domain->next_hop},
                        {"offer", domain->offer},
                        {"minimums", domain->minimums}});
    out["list"] = std::move(rows);
    return out;
}

std::string survey_text(const Json& survey, const SurveyView& view) {
    std::string out =
        fmt::format("{} mails to {} recipients in {} domains\n", number_in(survey, "mails"),
                    number_in(survey, "recipients"), number_in(survey, "domains"));
    const std::uint64_t mails = number_in(survey, "mails"), domains = number_in(survey, "domains");
    out += fmt::format("\nWhat each minimum would have done\n  {:<14}{:>22}{:>22}{:>22}\n",
                       "minimum", "meets", "falls short", "unknown");
    for (const auto& [what, all] : {std::pair("mails", mails), std::pair("domains", domains)})
        for (const auto& [minimum, row] : survey.at("minimums").items()) {
            out += fmt::format("  {:<14}", minimum);
            for (const char* outcome : {"meets", "falls-short", "unknown"}) {
                const std::uint64_t count = number_in(row.at(outcome), what);
                out += fmt::format("{:>22}",
                                   fmt::format("{} {} {:>8}", count, what, share(count, all)));
            }
            out += "\n";
        }
    const Json& any = survey.at("minimums").at("encrypted");
    if (const Json& none = any.at("no-mail"); number_in(none, "domains") > 0)
        out += fmt::format("  {} mails to {} domains that take no mail\n", number_in(none, "mails"),
                           number_in(none, "domains"));
    if (const Json& own = any.at("not-judged"); number_in(own, "domains") > 0)
        out += fmt::format("  {} mails to {} domains that are internal\n", number_in(own, "mails"),
                           number_in(own, "domains"));

    out +=
        "  Whether a server has TLS at all shows at delivery only: at 'encrypted' and 'verified', "
        "mail to one\n  that has none is accepted, and waits.\n";
    out += "\nWhat this configuration would have done, in mails\n";
    for (const auto& [rule, actions] : survey.at("rules").items()) {
        std::vector<std::string> parts;
        for (const auto& [action, count] : actions.items())
            parts.push_back(fmt::format("{} {}", action, count.get<std::uint64_t>()));
        out += fmt::format("  {:<26} {}\n", printable(rule, 60), join(parts, ", "));
    }

    std::size_t failing = 0;
    std::string list;
    for (const Json& domain : survey.at("list")) {
        const Json& levels = domain.at("minimums");
        if (levels.is_null())
            continue;
        const Json& answer = levels.at(view.minimum);
        const std::string outcome = text_in(answer, "outcome");
        if (outcome == "meets" || ++failing > view.top)
            continue;
        list +=
            fmt::format("  {:<30} {:>8}  {}{} ({})\n", text_in(domain, "domain"),
                        number_in(domain, "mails"), outcome == "unknown" ? "unknown: " : "",
                        sentence_of_token(text_in(answer, "reason")), text_in(answer, "reason"));
    }
    if (failing > 0)
        out +=
            fmt::format("\nDomains that would not have met '{}'{}, by mails\n", view.minimum,
                        failing > view.top ? fmt::format(" ({} of {})", view.top, failing) : "") +
            list;
    return out;
}

std::string survey_csv(const Json& survey) {
    std::vector<std::string> cells = {"domain", "mails", "recipients", "next_hop", "offer"};
    for (const std::string_view minimum : minimums)
        cells.emplace_back(minimum);
    std::string out = csv_line(cells);
    for (const Json& domain : survey.at("list")) {
        cells = {text_in(domain, "domain"), print_json(domain.at("mails")),
                 print_json(domain.at("recipients")), text_in(domain, "next_hop"),
                 text_in(domain, "offer")};
        for (const std::string_view minimum : minimums) {
            const Json& row = domain.at("minimums");
            if (row.is_null()) {
                cells.emplace_back("not-judged");
                continue;
            }
            const Json& answer = row.at(std::string(minimum));
            const std::string reason = text_in(answer, "reason");
            cells.push_back(text_in(answer, "outcome") + (reason.empty() ? "" : ": " + reason));
        }
        out += csv_line(cells);
    }
    return out;
}

} // namespace surehop
