// SPDX-License-Identifier: Apache-2.0
#include "report/render.h"

#include "base/csv.h"
#include "base/text.h"
#include "report/figures.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace surehop {

namespace {

using Number = std::uint64_t;

std::string line(std::string_view name, Number count, const std::string& behind = "") {
    return fmt::format("  {:<26} {:>10}{}{}\n", name, count, behind.empty() ? "" : "  ", behind);
}

std::string title(std::string_view words) { return fmt::format("\n{}\n", words); }

Number sum(const Json& counts) {
    Number all = 0;
    for (const Json& count : counts)
        all += count.get<Number>();
    return all;
}

// Of the names with a count, those with one.
std::string lines(const Json& counts, Number all) {
    std::string out;
    for (const auto& [name, count] : counts.items())
        if (count.get<Number>() > 0)
            out += line(name, count.get<Number>(), share(count.get<Number>(), all));
    return out;
}

std::string head_text(const Json& report) {
    const Json& ledger = report.at("ledger");
    std::string out = fmt::format("surehop report, {} to {}\n", text_in(report, "since"),
                                  text_in(report, "until"));
    if (number_in(ledger, "rows") == 0)
        return out + "the ledger has no row of that time\n";
    out += fmt::format("rows {} to {} of the ledger, head {}\n", number_in(ledger, "first"),
                       number_in(ledger, "last"), text_in(ledger, "head"));
    if (const std::string mode = text_in(report, "mode"); !mode.empty())
        out += fmt::format("mode at the end: {}\n", mode);
    return out;
}

std::string mail_text(const Json& report) {
    const Json& recipients = report.at("recipients");
    const Number all = number_in(recipients, "all");
    std::string out = title("Messages");
    out += lines(report.at("messages"), sum(report.at("messages")));
    out += title("Recipients");
    out += line("all", all);
    for (const auto& [name, count] : recipients.at("outcomes").items())
        out += line(name, count.get<Number>(), share(count.get<Number>(), all));
    out += title("What was done");
    out += lines(recipients.at("actions"), all);
    if (const Number summed = number_in(recipients, "refused_in_floods"); summed > 0)
        out += line("refused in floods", summed, "  beyond those above, counted together");
    if (const Json& audited = recipients.at("audited"); sum(audited) > 0) {
        out += title("What enforce mode would have done instead, in audit mode");
        out += lines(audited, all);
    }
    const Json& on = report.at("went_on");
    const Number went = number_in(on, "recipients");
    out += title("Recipients whose mail went on, by the level that delivery is held to");
    out += lines(on.at("held_to"), went);
    out += line("under an exception", number_in(on, "under_exception"),
                share(number_in(on, "under_exception"), went));
    out += line("not looked up", number_in(on, "not_looked_up"),
                share(number_in(on, "not_looked_up"), went));
    out += title("Recipients whose mail went on, by the minimum required");
    out += lines(on.at("required"), went);
    if (const Number unbound = number_in(on, "unbound"); unbound > 0)
        out += line("unbound", unbound, "  no lock binds their delivery");
    return out;
}

std::string rules_text(const Json& report) {
    std::string out = title("Rules");
    out += fmt::format("  {:<26} {:>10} {:>10} {:>11} {:>9} {:>9}\n", "", "recipients", "meets",
                       "falls short", "unknown", "no mail");
    for (const Json& rule : report.at("rules")) {
        const std::string name = text_in(rule, "rule");
        const Json& outcomes = rule.at("outcomes");
        out += fmt::format("  {:<26} {:>10} {:>10} {:>11} {:>9} {:>9}\n",
                           name.empty() ? "(no readable address)" : name,
                           number_in(rule, "recipients"), number_in(outcomes, "meets"),
                           number_in(outcomes, "falls-short"), number_in(outcomes, "unknown"),
                           number_in(outcomes, "no-mail"));
    }
    return out;
}

std::string domains_text(const Json& domains, std::string_view words) {
    if (number_in(domains, "domains") == 0)
        return "";
    const std::size_t shown = domains.at("top").size();
    std::string out = title(
        shown < number_in(domains, "domains")
            ? fmt::format("{} ({} of {} domains)", words, shown, number_in(domains, "domains"))
            : std::string(words));
    for (const Json& domain : domains.at("top")) {
        const std::string name = text_in(domain, "domain");
        out += line(name.empty() ? "(no domain)" : name, number_in(domain, "recipients"));
        for (const Json& reason : domain.at("reasons")) {
            const std::string sentence = text_in(reason, "sentence");
            if (!sentence.empty())
                out += fmt::format("      {} ({}): {}\n", sentence, text_in(reason, "reason"),
                                   number_in(reason, "recipients"));
        }
    }
    return out;
}

std::string who(const Json& exception) {
    const std::string recipient =
        exception.contains("recipient") ? text_in(exception, "recipient") : std::string();
    if (!recipient.empty())
        return recipient;
    return exception.contains("domain") ? "an address at " + text_in(exception, "domain")
                                        : std::string("not in the store any more");
}

std::string exceptions_text(const Json& exceptions) {
    std::string out = title("Exceptions");
    out += line("live", number_in(exceptions, "live"));
    out += line("to come", number_in(exceptions, "to_come"));
    for (const Json& one : exceptions.at("used"))
        out += fmt::format("  used: {} for {}{}: {} recipients, of whom {} would have fallen "
                           "short\n",
                           number_in(one, "id"), who(one),
                           one.contains("owner") ? ", owner " + text_in(one, "owner") : "",
                           number_in(one, "recipients"), number_in(one, "needed"));
    for (const Json& one : exceptions.at("ending"))
        out += fmt::format("  about to end: {} for {}, owner {}, until {}\n", number_in(one, "id"),
                           who(one), text_in(one, "owner"), text_in(one, "until"));
    return out;
}

std::string events_text(const Json& report) {
    std::string out;
    const auto recurrent = [&](const char* name, const char* heading) {
        if (!report.at(name).empty())
            out += title(heading);
        for (const Json& one : report.at(name))
            out += fmt::format("  {}: {} ({}), {} times, last {}\n", text_in(one, "next_hop"),
                               text_in(one, "sentence"), text_in(one, "reason"),
                               number_in(one, "times"), text_in(one, "last"));
    };
    recurrent("held_back", "Held back at delivery (answers of the lock)");
    recurrent("would_hold_back", "Delivery that enforce mode would have held back (audit)");
    recurrent("downgrades", "Destinations that became weaker");
    if (!report.at("incidents").empty())
        out += title("Incidents");
    for (const Json& one : report.at("incidents"))
        out += fmt::format("  {} {}\n", text_in(one, "time"), text_in(one, "detail"));
    if (!report.at("mode_changes").empty())
        out += title("Changes of the mode");
    for (const Json& one : report.at("mode_changes"))
        out += fmt::format("  {} to {} ({}: {})\n", text_in(one, "time"), text_in(one, "mode"),
                           text_in(one, "kind"), text_in(one, "detail"));
    if (!report.at("changes").empty()) {
        out += title("Other rows of the ledger");
        for (const auto& [kind, count] : report.at("changes").items())
            out += line(printable(kind, 26), count.get<Number>());
    }
    return out;
}

// ---- CSV

class Lines {
  public:
    void add(std::string_view section, std::string_view name, std::string_view detail,
             const Json& count) {
        const std::array<std::string, 4> cells = {std::string(section), std::string(name),
                                                  std::string(detail), print_json(count)};
        out_ += csv_line(cells);
    }
    void counts(std::string_view section, std::string_view detail, const Json& counts) {
        for (const auto& [name, count] : counts.items())
            add(section, name, detail, count);
    }
    void domains(std::string_view section, const Json& domains) {
        for (const Json& domain : domains.at("top"))
            for (const Json& reason : domain.at("reasons"))
                add(section, text_in(domain, "domain"), text_in(reason, "reason"),
                    reason.at("recipients"));
    }
    std::string take() { return std::move(out_); }

  private:
    std::string out_ = "section,name,detail,count\r\n";
};

} // namespace

std::string report_text(const Json& report) {
    std::string out = head_text(report);
    if (number_in(report.at("ledger"), "rows") > 0) {
        out += mail_text(report);
        out += rules_text(report);
        out += domains_text(report.at("falls_short"), "Domains that fall short");
        out += domains_text(report.at("unknown"), "Domains of which it could not be told");
        out += domains_text(report.at("no_mail"), "Domains that take no mail");
        if (report.at("rarest_given_up") == true)
            out += "  (there were too many: those seen least are missing or counted too low)\n";
        if (report.contains("addresses") && !report.at("addresses").empty()) {
            out += title("Recipients who fell short, or of whom it could not be told");
            for (const Json& one : report.at("addresses"))
                out += line(text_in(one, "recipient"), number_in(one, "times"));
        }
    }
    out += exceptions_text(report.at("exceptions"));
    out += events_text(report);
    out += "\nThis counts what was decided when mail was handed over. What delivery then did is in "
           "the mail\nserver's log, and what is not here: mail that never passed the milter, and "
           "the way behind the\nnext hop.\n";
    return out;
}

std::string report_csv(const Json& report) {
    Lines out;
    out.counts("messages", "", report.at("messages"));
    const Json& recipients = report.at("recipients");
    out.add("recipients", "all", "", recipients.at("all"));
    out.add("recipients", "refused in floods", "", recipients.at("refused_in_floods"));
    out.counts("outcome", "", recipients.at("outcomes"));
    out.counts("action", "", recipients.at("actions"));
    out.counts("audited", "", recipients.at("audited"));
    const Json& on = report.at("went_on");
    out.counts("held-to", "", on.at("held_to"));
    out.add("held-to", "under an exception", "", on.at("under_exception"));
    out.add("held-to", "not looked up", "", on.at("not_looked_up"));
    out.counts("required", "", on.at("required"));
    out.add("unbound", "", "", on.at("unbound"));
    for (const Json& rule : report.at("rules")) {
        const std::string name = text_in(rule, "rule");
        for (const auto& [outcome, count] : rule.at("outcomes").items())
            out.add("rule", name, outcome, count);
        for (const auto& [action, count] : rule.at("actions").items())
            out.add("rule-action", name, action, count);
    }
    out.domains("falls-short", report.at("falls_short"));
    out.domains("unknown", report.at("unknown"));
    out.domains("no-mail", report.at("no_mail"));
    if (report.contains("addresses"))
        for (const Json& one : report.at("addresses"))
            out.add("address", text_in(one, "recipient"), "", one.at("times"));
    for (const Json& one : report.at("exceptions").at("used")) {
        const std::string id = print_json(one.at("id"));
        out.add("exception", id, "recipients", one.at("recipients"));
        out.add("exception", id, "needed", one.at("needed"));
    }
    for (const auto& [item, name] :
         {std::pair("held-back", "held_back"), std::pair("would-hold-back", "would_hold_back"),
          std::pair("downgrade", "downgrades")})
        for (const Json& one : report.at(name))
            out.add(item, text_in(one, "next_hop"), text_in(one, "reason"), one.at("times"));
    for (const auto& [kind, count] : report.at("changes").items())
        out.add("change", kind, "", count);
    return out.take();
}

} // namespace surehop
