// SPDX-License-Identifier: Apache-2.0
#include "report/correspondents.h"

#include "address/path.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace surehop {

namespace {

// What one line of a log says of a message: "... postfix/smtp[123]: 4F3a: to=<...>, ...".
struct LogLine {
    std::string_view program; // "postfix/smtp"
    std::string_view id;
    std::string_view rest; // from "to=" or "from=" on
};

std::optional<LogLine> log_line(std::string_view text) {
    for (const std::string_view key : {": to=", ": from="}) {
        const auto at = text.find(key);
        if (at == std::string_view::npos)
            continue;
        const std::string_view before = text.substr(0, at);
        const auto space = before.rfind(' ');
        if (space == std::string_view::npos || !before.substr(0, space).ends_with("]:"))
            continue;
        LogLine line;
        line.id = before.substr(space + 1);
        line.rest = text.substr(at + 2);
        if (!is_queue_id(line.id))
            continue;
        const std::string_view tag = before.substr(0, space);
        const auto bracket = tag.rfind('[');
        const auto start = tag.rfind(' ', bracket);
        if (bracket == std::string_view::npos)
            continue;
        line.program = tag.substr(start == std::string_view::npos ? 0 : start + 1);
        line.program = line.program.substr(0, line.program.find('['));
        return line;
    }
    return std::nullopt;
}

// The value of ", name=value" behind the address.
std::string_view value_of(std::string_view rest, std::string_view name) {
    const std::string key = fmt::format(", {}=", name);
    const auto at = rest.find(key);
    if (at == std::string_view::npos)
        return {};
    const std::string_view value = rest.substr(at + key.size());
    return value.substr(0, value.find_first_of(", "));
}

// "<a@b>,<c@d>, delay=..." or, of Sendmail, "a@b, delay=...".
std::vector<std::string_view> addresses_in(std::string_view rest) {
    std::vector<std::string_view> out;
    for (;;) {
        std::size_t end = std::string_view::npos;
        if (rest.starts_with('<')) {
            bool quoted = false;
            for (std::size_t i = 1; i < rest.size() && end == std::string_view::npos; ++i) {
                if (rest[i] == '\\')
                    ++i;
                else if (rest[i] == '"')
                    quoted = !quoted;
                else if (rest[i] == '>' && !quoted)
                    end = i + 1;
            }
            if (end == std::string_view::npos)
                return out;
        } else {
            end = std::min(rest.find(','), rest.size());
        }
        if (end > 0)
            out.push_back(rest.substr(0, end));
        rest = rest.substr(end);
        if (!rest.starts_with(',') || rest.starts_with(", "))
            return out;
        rest = rest.substr(1);
    }
}

bool is_smtp(std::string_view program, std::string_view mailer) {
    constexpr std::array<std::string_view, 5> mailers = {"smtp", "esmtp", "smtp8", "dsmtp",
                                                         "relay"}; // Sendmail's
    return program.ends_with("/smtp") || std::ranges::find(mailers, mailer) != mailers.end();
}

} // namespace

void Correspondents::line(std::string_view text) {
    ++lines_;
    while (text.ends_with('\n') || text.ends_with('\r'))
        text.remove_suffix(1);
    if (const auto log = log_line(text)) {
        if (!is_log_) { // what came before were lines of a log, too
            complaints_.clear();
            not_read_ = 0;
        }
        is_log_ = true;
        if (log->rest.starts_with("to="))
            to_line(log->id, log->program, log->rest.substr(3));
        else
            from_line(log->id, log->rest.substr(5));
    } else {
        list_line(text);
    }
}

void Correspondents::list_line(std::string_view text) {
    const std::string_view word = trim(text);
    if (word.empty() || word.starts_with('#') || is_log_)
        return;
    if (word.find('@') != std::string_view::npos) {
        const auto path = Path::parse(word);
        if (path && !path->is_null())
            return count(path->text(), std::nullopt);
    } else if (const auto domain = Domain::parse(word)) {
        return count("@" + domain->text(), std::nullopt);
    }
    complain("is neither an address nor a domain", word);
}

void Correspondents::from_line(std::string_view id, std::string_view rest) {
    const auto found = addresses_in(rest);
    if (found.empty())
        return;
    const auto path = Path::parse(found.front());
    if (!path || senders_.contains(id))
        return;
    if (senders_.size() >= limits_.senders) {
        senders_.erase(senders_order_.front());
        senders_order_.pop_front();
    }
    senders_.emplace(id, path->text());
    senders_order_.emplace_back(id);
}

void Correspondents::to_line(std::string_view id, std::string_view program, std::string_view rest) {
    if (!is_smtp(program, value_of(rest, "mailer")))
        return;
    std::string state = lower(value_of(rest, "status"));
    if (state.empty())
        state = lower(value_of(rest, "stat"));
    const bool put_off = state.starts_with("deferred") || state.starts_with("queued");
    const auto sender = senders_.find(id);
    for (const std::string_view address : addresses_in(rest)) {
        const auto path = Path::parse(address);
        if (!path || path->is_null() || (!path->domain() && !path->literal()))
            complain("names a recipient that cannot be read", address);
        else if (first_try(id, path->text(), put_off))
            count(path->text(),
                  sender == senders_.end() ? std::nullopt : std::optional(sender->second));
    }
}

// What was put off will be in the log again.
bool Correspondents::first_try(std::string_view id, std::string_view recipient, bool put_off) {
    const std::size_t hash = std::hash<std::string>()(fmt::format("{} {}", id, recipient));
    if (tried_.contains(hash)) {
        if (!put_off)
            tried_.erase(hash);
        return false;
    }
    if (put_off && tried_.size() < limits_.tries)
        tried_.insert(hash);
    return true;
}

void Correspondents::count(std::string_view recipient, const std::optional<std::string>& sender) {
    const std::string domain(recipient.substr(recipient.rfind('@') + 1));
    auto& pairs = found_[domain];
    const auto [place, added] = pairs.try_emplace({std::string(recipient), sender}, 0);
    if (added && ++pairs_ > limits_.pairs) {
        pairs.erase(place);
        --pairs_;
        full_ = true;
        return;
    }
    ++place->second;
}

void Correspondents::complain(std::string_view what, std::string_view text) {
    ++not_read_;
    if (complaints_.size() < limits_.complaints)
        complaints_.push_back(fmt::format("line {}: '{}' {}", lines_, printable(text, 80), what));
}

Correspondents::Domains Correspondents::domains() const {
    Domains out;
    for (const auto& [domain, pairs] : found_) {
        if (pairs.empty())
            continue;
        auto& list = out[domain];
        for (const auto& [pair, mails] : pairs)
            list.push_back({pair.first, pair.second, mails});
    }
    return out;
}

} // namespace surehop
