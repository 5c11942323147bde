// SPDX-License-Identifier: Apache-2.0
#include "milter/reply.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace surehop {

namespace {

constexpr std::size_t longest_line = 400;
constexpr std::size_t most_named = 4;     // domains in the answer for a whole message
constexpr std::size_t several_width = 28; // of each of them

struct Codes {
    int permanent;
    std::string_view permanent_enhanced;
    int temporary;
    std::string_view temporary_enhanced;
};

bool dns_failed(Reason reason) {
    return token_of(reason).starts_with("dns-") || reason == Reason::look_up_running ||
           reason == Reason::resolver_untested;
}

Codes codes_of(const Verdict& verdict) {
    if (verdict.reason == Reason::next_hop_hidden)
        return {550, "5.7.1", 451, "4.7.1"};
    if (verdict.outcome == OutcomeKind::no_mail) {
        if (verdict.reason == Reason::null_mx)
            return {556, "5.1.10", 451, "4.1.10"}; // RFC 7505 §4.2
        return {550, "5.1.2", 451, "4.1.2"};
    }
    if (verdict.reason == Reason::next_hop_invalid || verdict.reason == Reason::next_hop_nowhere)
        return {550, "5.7.10", 451, "4.3.5"}; // our own mail server's configuration
    if (verdict.reason == Reason::internal)
        return {550, "5.7.10", 451, "4.3.0"};
    if (verdict.outcome == OutcomeKind::unknown && dns_failed(verdict.reason))
        return {550, "5.7.10", 451, "4.4.3"};
    return {550, "5.7.10", 451, "4.7.5"};
}

// A long text loses its middle: both ends of a domain tell people more than its labels in between.
std::string shortened(std::string_view text, std::size_t most) {
    if (text.size() <= most)
        return std::string(text);
    const std::size_t tail = (most - 3) / 2;
    const std::size_t head = most - 3 - tail;
    return fmt::format("{}...{}", text.substr(0, head), text.substr(text.size() - tail));
}

std::string destination(const Path& recipient, std::size_t width) {
    if (const auto& domain = recipient.domain())
        return shortened(domain->text(), width);
    if (const auto& literal = recipient.literal())
        return shortened(printable("[" + *literal + "]"), width);
    return shortened(printable(recipient.text()), width);
}

std::string_view words_of(Level level) {
    switch (level) {
    case Level::none:
        return "any connection";
    case Level::encrypted:
        return "an encrypted connection";
    case Level::verified:
        return "a connection with a verified certificate";
    case Level::authenticated:
        return "an authenticated connection";
    case Level::dane:
        return "a connection authenticated by DANE";
    }
    return "";
}

// What was required, and by which rule or exception.
std::string requirement_words(const Decision& decision, std::size_t width) {
    const Requirement& required = decision.requirement;
    const std::string rule = shortened(printable(required.rule, 200), width);
    if (required.by_requiretls && decision.verdict.demanded == Level::none)
        return fmt::format("{} (asked for by the sender, REQUIRETLS)", words_of(required.minimum));
    if (decision.verdict.demanded != Level::none)
        return fmt::format("{} (as all mail to its next hop, whatever rule \"{}\" asks)",
                           words_of(decision.verdict.demanded), rule);
    if (decision.exception && decision.exception->lowest < required.minimum)
        return fmt::format("{} (rule \"{}\", exception {})", words_of(decision.exception->lowest),
                           rule, decision.exception->id);
    return fmt::format("{} (rule \"{}\")", words_of(required.minimum), rule);
}

// Named where it is not simply the recipient's domain: then "it" below means this.
std::string via(const Decision& decision, std::size_t width) {
    const NextHop& hop = decision.next_hop;
    if (hop.kind() == HopKind::hidden || hop.kind() == HopKind::internal)
        return "";
    if (const auto& domain = decision.recipient.domain(); domain && hop.key() == domain->text())
        return "";
    if (const auto& literal = decision.recipient.literal();
        literal && hop.key() == "[" + *literal + "]")
        return "";
    return fmt::format(" goes by way of {} and", shortened(printable(hop.key(), 300), width));
}

std::string advice(const Decision& decision, bool permanent, std::size_t width) {
    const bool unknown = decision.verdict.outcome == OutcomeKind::unknown;
    if (unknown && !permanent)
        return "Try again later.";
    const std::string& help = decision.requirement.help;
    const std::string whom =
        help.empty() ? "your postmaster" : shortened(printable(help, 300), width);
    return fmt::format("{} {} for an exception.", permanent ? "Ask" : "Try again later, or ask",
                       whom);
}

std::string ending(const std::string& reference) {
    return reference.empty() ? "" : " Ref " + reference;
}

std::string compose(const Decision& decision, bool permanent, std::size_t width, bool with_via) {
    const Verdict& verdict = decision.verdict;
    const std::string to = destination(decision.recipient, width);
    const std::string_view found = sentence_of(verdict.reason);
    if (verdict.outcome == OutcomeKind::no_mail)
        return fmt::format("Mail to {} cannot be delivered: {}. Check the address.{}", to, found,
                           ending(decision.reference));
    const bool unknown =
        verdict.outcome == OutcomeKind::unknown && verdict.reason != Reason::next_hop_hidden;
    return fmt::format("Mail to {}{} must leave over {}, but {}{}. {}{}", to,
                       with_via ? via(decision, width) : "", requirement_words(decision, width),
                       unknown ? "whether it can is not known now: " : "", found,
                       advice(decision, permanent, width), ending(decision.reference));
}

// What is left out when the line would be too long, in this order: the way, then the middle of
// names.
Reply fitted(Reply reply, const Decision& decision) {
    struct Attempt {
        std::size_t width;
        bool with_via;
    };
    constexpr std::array<Attempt, 4> attempts = {
        {{64, true}, {64, false}, {40, false}, {24, false}}};
    for (const Attempt& attempt : attempts) {
        reply.text = compose(decision, reply.permanent(), attempt.width, attempt.with_via);
        if (reply.line().size() <= longest_line)
            break;
    }
    return reply;
}

Reply with_codes(const Decision& decision, bool permanent) {
    const Codes codes = codes_of(decision.verdict);
    Reply reply;
    reply.code = permanent ? codes.permanent : codes.temporary;
    reply.enhanced = permanent ? codes.permanent_enhanced : codes.temporary_enhanced;
    return reply;
}

} // namespace

std::string Reply::line() const {
    return refuses() ? fmt::format("{} {} {}", code, enhanced, text) : "";
}

Reply rcpt_reply(const Decision& decision) {
    if (!refuses(decision.verdict.action))
        return {};
    return fitted(with_codes(decision, decision.verdict.action == Action::reject), decision);
}

Reply path_reply(const Path::Failure& failure, PathOf whose, const std::string& reference) {
    Reply reply;
    reply.code = failure.fault == Path::Fault::invalid_idn ? 553 : 501;
    reply.enhanced = whose == PathOf::sender ? "5.1.7" : "5.1.3";
    reply.text = fmt::format("The {}'s address cannot be read: {}.{}",
                             whose == PathOf::sender ? "sender" : "recipient",
                             printable(failure.text, 200), ending(reference));
    return reply;
}

Reply trouble_reply(std::string_view what) {
    Reply reply;
    reply.code = 451;
    reply.enhanced = "4.3.0";
    reply.text = fmt::format("This cannot be accepted now: {}. Try again later.", what);
    return reply;
}

Reply message_reply(std::span<const Decision> refused) {
    const auto temporary = std::ranges::find_if(
        refused, [](const Decision& d) { return d.verdict.action == Action::defer; });
    const Decision& leading = temporary != refused.end() ? *temporary : refused.front();
    const bool permanent = temporary == refused.end();

    Reply reply = with_codes(leading, permanent);
    if (refused.size() == 1) {
        // "Nothing was sent" is said first: the other recipients get nothing either.
        reply = fitted(reply, leading);
        std::string longer = "Nothing was sent. " + reply.text;
        if (longer.size() + reply.line().size() - reply.text.size() <= longest_line)
            reply.text = std::move(longer);
        return reply;
    }
    std::vector<std::string> domains;
    for (const Decision& decision : refused) {
        std::string domain = destination(decision.recipient, several_width);
        if (std::ranges::find(domains, domain) == domains.end())
            domains.push_back(std::move(domain));
    }
    const std::size_t named = std::min(domains.size(), most_named);
    std::string list = join(std::span(domains).first(named), ", ");
    if (domains.size() > named)
        list += fmt::format(" and {} more", domains.size() - named);
    reply.text = fmt::format(
        "Nothing was sent, since mail to {} is {}; {}: {}. {}{}", list,
        permanent ? "refused" : "not accepted now", destination(leading.recipient, several_width),
        sentence_of(leading.verdict.reason),
        leading.verdict.outcome == OutcomeKind::no_mail ? "Check the address."
                                                        : advice(leading, permanent, several_width),
        ending(leading.reference));
    return reply;
}

Reply forged_reply(const std::string& header, int count, const std::string& reference) {
    Reply reply;
    reply.code = 550;
    reply.enhanced = "5.6.0";
    reply.text = fmt::format("This message holds {} fields named {}, which only this site may add. "
                             "Remove them.{}",
                             count, printable(header, 80), ending(reference));
    return reply;
}

Reply waiver_reply(const std::string& reference) {
    Reply reply;
    reply.code = 550;
    reply.enhanced = "5.7.10";
    reply.text = fmt::format("This message says \"TLS-Required: No\", which would lift the "
                             "protection that this site requires. Remove that header field.{}",
                             ending(reference));
    return reply;
}

} // namespace surehop
