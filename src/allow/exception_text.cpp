// SPDX-License-Identifier: Apache-2.0
#include "allow/exception_text.h"

#include "base/remark.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace surehop {

namespace {

constexpr std::string_view a_time = "2027-03-31 or 2027-03-31T12:00:00Z";

constexpr auto fields = std::to_array<ExceptionField>({
    {"recipient", &ExceptionText::recipient, true,
     "user@example.org, example.org, or .example.org for the domains below it"},
    {"sender", &ExceptionText::sender, false,
     "user@example.org, example.org, .example.org or <>; nothing for every sender"},
    {"lowest", &ExceptionText::lowest, true, "none, encrypted, verified, authenticated or dane"},
    {"reason", &ExceptionText::reason, true, "why, in one line of at most 500 octets"},
    {"owner", &ExceptionText::owner, true, "who answers for it, in at most 200 octets"},
    {"ticket", &ExceptionText::ticket, false, "where it was decided, in at most 200 octets"},
    {"from", &ExceptionText::from, false, "2027-01-01 or 2027-01-01T08:00:00Z; nothing for now"},
    {"until", &ExceptionText::until, true, a_time},
    {"override_published", &ExceptionText::override_published, false,
     "yes, where delivery shall not insist on what the destination publishes; else nothing"},
});

// What a domain or an address looked like before the parsers' own remedy, which names patterns that
// no exception may have.
std::string_view without_remedy(std::string_view error) {
    return error.substr(0, error.find("; write "));
}

class Reading {
  public:
    Reading(const ExceptionText& text, const AllowTerms& terms, Times times, Time now)
        : text_(text), terms_(terms), times_(times), now_(now) {}

    std::variant<Exception, std::vector<FieldProblem>> read() {
        for (const ExceptionField& field : fields)
            if (field.required && trim(text_.*field.text).empty())
                problem(field.name, fmt::format("the {} is missing", field.name));
        patterns();
        if (const auto level = level_of(text_.lowest))
            exception_.lowest = *level;
        else if (!text_.lowest.empty())
            problem("lowest", fmt::format("'{}' is not a level", printable(text_.lowest)));
        if (text_.override_published == "yes")
            exception_.overrides_published = true;
        else if (!text_.override_published.empty() && text_.override_published != "no")
            problem("override_published",
                    fmt::format("'{}' is neither yes nor no", printable(text_.override_published)));
        remark("reason", text_.reason, most_in_reason, exception_.reason);
        remark("owner", text_.owner, most_in_name, exception_.owner);
        remark("ticket", text_.ticket, most_in_name, exception_.ticket);
        period();
        if (!problems_.empty())
            return std::move(problems_);
        return std::move(exception_);
    }

  private:
    void problem(std::string_view name, std::string text) {
        const auto known = [&](const FieldProblem& one) { return one.field == name; };
        if (std::any_of(problems_.begin(), problems_.end(), known))
            return; // one mistake, one error
        const auto* const field = std::find_if(
            fields.begin(), fields.end(), [&](const ExceptionField& f) { return f.name == name; });
        problems_.push_back({field->name, fmt::format("{}; write {}", text, field->remedy)});
    }

    void patterns() {
        using Kind = AddressPattern::Kind;
        if (auto recipient = AddressPattern::parse(text_.recipient); !recipient)
            problem("recipient", std::string(without_remedy(recipient.error())));
        else if (recipient->kind() == Kind::any || recipient->kind() == Kind::null_sender)
            problem("recipient", "an exception is for an address, a domain or a suffix; what holds "
                                 "for everybody is set in [policy]");
        else
            exception_.recipient = *std::move(recipient);
        if (text_.sender.empty())
            return;
        if (auto sender = AddressPattern::parse(text_.sender); !sender)
            problem("sender", std::string(without_remedy(sender.error())));
        else
            exception_.sender = *std::move(sender);
    }

    void remark(std::string_view name, const std::string& text, std::size_t most,
                std::string& taken) {
        if (auto good = check_remark(name, text, most, false); !good)
            problem(name, good.error());
        taken = text;
    }

    std::optional<Time> time(std::string_view name, const std::string& text,
                             Result<Time> (*parse)(std::string_view, Time)) {
        if (text.starts_with('+') && times_ == Times::absolute) {
            problem(name,
                    fmt::format("'{}' means another time whenever it is read", printable(text)));
            return std::nullopt;
        }
        const auto time = parse(text, now_);
        if (!time)
            problem(name, std::string(without_remedy(time.error())));
        return time ? std::optional(*time) : std::nullopt;
    }

    void period() {
        exception_.from = now_;
        std::optional<Time> from = now_;
        if (!text_.from.empty())
            from = time("from", text_.from, parse_begin_time);
        const auto until =
            text_.until.empty() ? std::nullopt : time("until", text_.until, parse_time);
        if (!from || !until)
            return;
        exception_.from = std::max(now_, *from);
        exception_.until = *until;
        if (*until <= *from && *from > now_)
            problem("until", fmt::format("the exception would end at {}, before it begins",
                                         format_time(*until)));
        else if (*until > now_ + terms_.longest)
            problem("until", fmt::format("{} is further away than [allow] longest = \"{}\" lets an "
                                         "exception end",
                                         format_time(*until), format_duration(terms_.longest)));
    }

    const ExceptionText& text_;
    const AllowTerms& terms_;
    const Times times_;
    const Time now_;
    Exception exception_;
    std::vector<FieldProblem> problems_;
};

std::string short_pattern(const AddressPattern& pattern) {
    const std::string& text = pattern.text();
    return text.starts_with('@') ? text.substr(1) : text;
}

} // namespace

std::span<const ExceptionField> exception_fields() { return fields; }

std::variant<Exception, std::vector<FieldProblem>>
read_exception(const ExceptionText& text, const AllowTerms& terms, Times times, Time now) {
    return Reading(text, terms, times, now).read();
}

ExceptionText write_exception(const Exception& exception) {
    ExceptionText out;
    out.recipient = short_pattern(exception.recipient);
    out.sender = exception.sender ? short_pattern(*exception.sender) : "";
    out.lowest = name_of(exception.lowest);
    out.reason = exception.reason;
    out.owner = exception.owner;
    out.ticket = exception.ticket;
    out.from = format_time(exception.from);
    out.until = format_time(exception.until);
    out.override_published = exception.overrides_published ? "yes" : "";
    return out;
}

} // namespace surehop
