// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "base/log.h"
#include "base/text.h"
#include "milter/reply.h"
#include "support/world.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Runs stories: test-scenario FILE.scn... Each file is one story, told in words that a postmaster
// can review, on a made-up internet (tests/support/world.h) and with the real gate, lock, resolver
// and store. Prints what went otherwise than told, and "N passed, N failed" by file.
//
// A line that begins with # is for people; an indented line belongs to the last one that is not.
//
//   config                          the lines below are surehop.toml. Without it: lock = "postfix",
//                                   minimum = "authenticated", mode = "enforce"
//   dns                             the lines below are zones and records (tests/support/zone.h):
//                                     zone example.test signed|unsigned|bogus [ttl SECONDS]
//                                     NAME TYPE DATA, or NAME TYPE fails timeout|servfail|refused
//   dns without NAME TYPE           takes records away, or a failure
//   policy-host DOMAIN              the lines below are what mta-sts.DOMAIN serves from now on. A
//                                   line (empty) is an empty one, and \r \t \s \xHH stand for a
//                                   carriage return, a tab, a blank, any octet
//   policy-host DOMAIN answers N    the HTTP status, with the same body
//   policy-host DOMAIN serves TYPE  the media type (text/html), with the same body
//   policy-host DOMAIN is down
//   policy-host DOMAIN fails WHY    certificate, timeout, size (too large) or private-address
//   resolver validates              or: never-validated, stopped-validating
//   exception RECIPIENT down-to LEVEL for DURATION [in DURATION | from SENDER | whatever is
//   published] exception RECIPIENT ended       as an admin does before its time promise NEXT-HOP
//   released       as an admin does, once held mail is delivered or deleted time passes DURATION
//   30s, 5m, 2h, 5d
//       queries N, fetches N        what surehopd asked meanwhile, of its own accord
//   clock is set forward|back DURATION
//   incidents are PART...           what surehopd takes for its own fault now: dns, dnssec, https,
//                                   clock, or "none"
//   facts are kept fresh            from here on, as surehopd does; without it nothing is looked up
//                                   but what a mail or a lock needs
//   restart                         surehopd ends and starts again, with the same store
//
//   mail from SENDER to RECIPIENT [by MAILER [via HOST]]     as at RCPT; MAILER and HOST as the MTA
//                                                            says them
//       by-user NAME, from-client ADDRESS, at-listener NAME, at-time DAY HH:MM, asks REQUIRETLS
//                                   what the mail server tells at once ("by-user nobody"); all that
//                                   is not told here is not told at all
//       says NAME: VALUE            a header field, and how large the message is: what is told
//       after size OCTETS                 RCPT gate accept                 what the sender sees:
//       accept, tag, quarantine, or the reply's
//                                   codes ("550 5.7.10"). An accepted mail keeps its promise
//       end accept                  likewise, when the message has said what it says: only where
//                                   RCPT could not know which rule decides
//       verdict meets               or: falls-short, unknown, no-mail
//       reason TOKEN                as in surehop(8); "none" for no reason
//       level LEVEL                 the strongest that the next hop offers and the lock can hold
//       would ACTION                what enforce mode would do
//       rule NAME                   which rule decided; "default" is [policy]
//       queries N                   DNS questions that this cost
//       fetches N                   policies fetched
//       policy-of DOMAIN...         the domains whose MTA-STS record was asked for, in this order;
//                                   "nobody" for none
//   lock NEXT-HOP [for MAP]         as when the MTA delivers; MAP is postfix unless said otherwise
//       answer TEXT                 on the wire; "TEMP ..." is any text that begins so
//       queries N, fetches N, policy-of DOMAIN...
//
// Whatever is expected must be found; a mail or a lock of which nothing is expected is an error.

namespace surehop::test {
namespace {

struct Line {
    std::size_t number = 0;
    std::vector<std::string> words;
    std::string text;
};

// What is not indented, and what is indented below it.
struct Statement {
    Line head;
    std::vector<Line> body;

    std::string block() const {
        std::string out;
        for (const Line& line : body)
            out += line.text + "\n";
        return out;
    }
};

// A policy as it comes over the wire: what a line of a story cannot hold is written as an escape.
std::string octets_of(const Statement& statement) {
    std::string out;
    for (const Line& line : statement.body) {
        std::string_view rest = line.text == "(empty)" ? "" : std::string_view(line.text);
        while (!rest.empty()) {
            const auto escape = rest.find('\\');
            out += rest.substr(0, escape);
            if (escape == std::string_view::npos)
                break;
            rest.remove_prefix(escape + 1);
            const char kind = rest.empty() ? ' ' : rest.front();
            if (kind == 'x') {
                const Bytes octet = from_hex(rest.substr(1, 2)).value();
                out.append(octet.begin(), octet.end());
            } else if (kind == 'r' || kind == 't' || kind == 's') {
                out += kind == 'r' ? '\r' : kind == 't' ? '\t' : ' ';
            } else {
                throw std::invalid_argument("after \\ only r, t, s or xHH may follow");
            }
            rest.remove_prefix(kind == 'x' ? 3 : 1);
        }
        out += '\n';
    }
    return out;
}

Reason failure_of_policy_host(const std::string& why) {
    if (why == "certificate")
        return Reason::sts_fetch_tls;
    if (why == "timeout")
        return Reason::sts_fetch_timeout;
    if (why == "size")
        return Reason::sts_fetch_size;
    if (why == "private-address")
        return Reason::sts_fetch_address;
    throw std::invalid_argument("not a failure of a policy host: " + why);
}

std::vector<Statement> read_story(std::istream& in) {
    std::vector<Statement> out;
    std::string text;
    for (std::size_t number = 1; std::getline(in, text); ++number) {
        const std::string_view bare = trim(text);
        if (bare.empty() || bare.front() == '#')
            continue;
        Line line{number, {}, std::string(bare)};
        std::istringstream words(line.text);
        line.words.assign(std::istream_iterator<std::string>(words), {});
        if (text.front() != ' ')
            out.push_back({std::move(line), {}});
        else if (out.empty())
            throw std::invalid_argument("the first line is indented");
        else
            out.back().body.push_back(std::move(line));
    }
    return out;
}

Seconds seconds(const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed)
        throw std::invalid_argument(parsed.error());
    return std::chrono::floor<Seconds>(*parsed);
}

class Story {
  public:
    // What was found otherwise than told: "12: gate is "550 5.7.10", not "accept"".
    std::vector<std::string> run(const std::vector<Statement>& statements) {
        for (const Statement& statement : statements)
            try {
                take(statement);
            } catch (const std::exception& error) {
                wrong(statement.head, error.what());
                break; // what follows relies on it
            }
        if (expectations_ == 0 && wrong_.empty())
            wrong_.emplace_back("0: the story expects nothing");
        return std::move(wrong_);
    }

  private:
    void take(const Statement& statement) {
        const std::vector<std::string>& words = statement.head.words;
        const std::size_t count = words.size();
        const auto says = [&](std::size_t i, std::string_view text) {
            return i < count && words[i] == text;
        };
        if (says(0, "config") && count == 1)
            world_.configure(statement.block());
        else if (says(0, "dns") && count == 1)
            world_.dns.add(statement.block());
        else if (says(0, "dns") && says(1, "without") && count == 4)
            world_.dns.remove(words[2], words[3]);
        else if (says(0, "policy-host") && count == 2)
            world_.https.serve(words[1], octets_of(statement));
        else if (says(0, "policy-host") && says(2, "answers") && count == 4)
            world_.https.reply_of(words[1]).status = std::stol(words[3]);
        else if (says(0, "policy-host") && says(2, "serves") && count == 4)
            world_.https.reply_of(words[1]).media_type = words[3];
        else if (says(0, "policy-host") && says(2, "fails") && count == 4)
            world_.https.fail(words[1], failure_of_policy_host(words[3]));
        else if (says(0, "policy-host") && says(2, "is") && says(3, "down") && count == 4)
            world_.https.stop(words[1]);
        else if (says(0, "resolver") && count == 2)
            resolver(words[1]);
        else if (says(0, "exception") && says(2, "down-to") && says(4, "for"))
            exception(words);
        else if (says(0, "exception") && says(2, "ended") && count == 3)
            end_exceptions(words[1]);
        else if (says(0, "promise") && says(2, "released") && count == 3)
            release(words[1]);
        else if (says(0, "time") && says(1, "passes") && count == 3)
            pass(statement);
        else if (says(0, "clock") && says(1, "is") && says(2, "set") && says(3, "forward") &&
                 count == 5)
            world_.set_clock(seconds(words[4]));
        else if (says(0, "clock") && says(1, "is") && says(2, "set") && says(3, "back") &&
                 count == 5)
            world_.set_clock(-seconds(words[4]));
        else if (says(0, "incidents") && says(1, "are") && count >= 3)
            incidents(statement.head);
        else if (says(0, "facts") && says(1, "are") && says(2, "kept") && says(3, "fresh") &&
                 count == 4)
            world_.refreshing = true;
        else if (says(0, "restart") && count == 1)
            world_.restart();
        else if (says(0, "mail") && says(1, "from") && says(3, "to") && count >= 5)
            mail(statement);
        else if (says(0, "lock") && count >= 2)
            lock(statement);
        else
            throw std::invalid_argument("not understood: " + statement.head.text);
    }

    void resolver(const std::string& how) {
        if (how == "validates")
            world_.validation = Validation::proven;
        else if (how == "never-validated")
            world_.validation = Validation::never;
        else if (how == "stopped-validating")
            world_.validation = Validation::lost;
        else
            throw std::invalid_argument("not a state of a resolver: " + how);
        world_.dns.validates = world_.validation == Validation::proven;
    }

    void incidents(const Line& line) {
        std::string now;
        for (const Outage::Incident& incident : world_.process().outage.incidents())
            now += " " + std::string(name_of(incident.part));
        ++expectations_;
        if (const std::string said = now.empty() ? " none" : now;
            "incidents are" + said != line.text)
            wrong(line, "the incidents are" + said);
    }

    void pass(const Statement& statement) {
        begin_counting();
        world_.pass(seconds(statement.head.words[2]));
        if (!statement.body.empty())
            expect(statement, [&](const std::string& what) { return counted(what); });
    }

    // exception RECIPIENT down-to LEVEL for DURATION [in DURATION | from SENDER | whatever is
    // published]
    void exception(const std::vector<std::string>& words) {
        Exception made;
        made.recipient = pattern_of(words.at(1));
        made.lowest = level_of(words.at(3)).value();
        made.from = world_.clock.now();
        made.until = made.from + seconds(words.at(5));
        if (words.size() == 8 && words[6] == "from")
            made.sender = pattern_of(words[7]);
        else if (words.size() == 8 && words[6] == "in") {
            made.from += seconds(words[7]);
            made.until += seconds(words[7]);
        } else if (words.size() == 9 && words[6] == "whatever" && words[8] == "published")
            made.overrides_published = true;
        else if (words.size() != 6)
            throw std::invalid_argument("after DURATION only 'in DURATION', 'from SENDER' or "
                                        "'whatever is published' may follow");
        made.reason = made.owner = made.created_by = "story";
        if (const auto id = world_.process().allowlist->add(made); !id)
            throw std::invalid_argument(id.error());
    }

    void end_exceptions(const std::string& recipient) {
        bool found = false;
        for (const Exception& e : world_.process().allowlist->list())
            if (e.recipient == pattern_of(recipient) && e.live(world_.clock.now())) {
                const auto ended =
                    world_.process().allowlist->remove(e.id, world_.clock.now(), "story", "story");
                if (!ended)
                    throw std::invalid_argument(ended.error());
                found = true;
            }
        if (!found)
            throw std::invalid_argument("there is no exception for " + recipient);
    }

    void release(const std::string& next_hop) {
        const auto ended =
            world_.process().promises->release(next_hop, world_.clock.now(), "story", "story");
        if (!ended)
            throw std::invalid_argument(ended.error());
    }

    // mail from SENDER to RECIPIENT [by MAILER [via HOST]]
    void mail(const Statement& statement) {
        const std::vector<std::string>& words = statement.head.words;
        const bool has_mailer = words.size() >= 7 && words[5] == "by";
        const bool has_host = words.size() == 9 && words[7] == "via";
        if (words.size() != (has_host ? 9U : has_mailer ? 7U : 5U))
            throw std::invalid_argument("after RECIPIENT only 'by MAILER via HOST' may follow");
        Context context;
        context.sender = path_of(words[2]);
        context.recipient = path_of(words[4]);
        context.mailer = has_mailer ? words[6] : "";
        context.host = has_host ? words[8] : "";
        Fields fields;
        std::optional<std::uint64_t> size;
        Statement expected = statement;
        std::erase_if(expected.body,
                      [&](const Line& line) { return take_given(line, context, fields, size); });
        begin_counting();
        context.more_to_come = true;
        const Decision at_rcpt = world_.judge(context);
        fields.all = true;
        context.fields = &fields;
        context.size = size;
        context.more_to_come = false;
        const Decision d = at_rcpt.open.empty() ? at_rcpt : world_.judge(context);
        world_.keep_promise(d);
        expect(expected, [&](const std::string& what) -> std::optional<std::string> {
            if (what == "gate")
                return seen(at_rcpt);
            if (what == "end" && !at_rcpt.open.empty())
                return seen(d);
            if (what == "verdict")
                return std::string(name_of(d.verdict.outcome));
            if (what == "reason")
                return d.verdict.reason == Reason::none ? "none"
                                                        : std::string(token_of(d.verdict.reason));
            if (what == "level")
                return std::string(name_of(d.verdict.level));
            if (what == "would")
                return std::string(name_of(d.verdict.would));
            if (what == "rule")
                return d.requirement.rule;
            return counted(what);
        });
    }

    // What the sender sees.
    static std::string seen(const Decision& decision) {
        const Reply reply = rcpt_reply(decision);
        return reply.refuses() ? fmt::format("{} {}", reply.code, reply.enhanced)
                               : std::string(name_of(decision.verdict.action));
    }

    // What the mail server or the message tells; false for what is expected.
    static bool take_given(const Line& line, Context& context, Fields& fields,
                           std::optional<std::uint64_t>& size) {
        const std::string& what = line.words.front();
        const std::string rest(trim(std::string_view(line.text).substr(what.size())));
        if (what == "by-user")
            context.user = rest == "nobody" ? "" : rest;
        else if (what == "from-client")
            context.client = rest;
        else if (what == "at-listener")
            context.listener = rest;
        else if (what == "asks" && rest == "REQUIRETLS")
            context.requiretls = true;
        else if (what == "at-time")
            context.when = moment(line);
        else if (what == "size")
            size = std::stoull(rest);
        else if (what == "says")
            fields.values.emplace(lower(rest.substr(0, rest.find(':'))),
                                  trim(rest.substr(rest.find(':') + 1)));
        else
            return false;
        return true;
    }

    static LocalTime moment(const Line& line) {
        const std::string day = line.words.at(1) + " 00:00-24:00", time = line.words.at(2);
        for (int weekday = 0; weekday < 7; ++weekday)
            if (Hours::parse(day)->holds({weekday, 0}))
                return {weekday, std::stoi(time.substr(0, 2)) * 60 + std::stoi(time.substr(3))};
        throw std::invalid_argument("no day: " + day);
    }

    // lock NEXT-HOP [for MAP]
    void lock(const Statement& statement) {
        const std::vector<std::string>& words = statement.head.words;
        const bool has_map = words.size() == 4 && words[2] == "for";
        if (!has_map && words.size() != 2)
            throw std::invalid_argument("after NEXT-HOP only 'for MAP' may follow");
        begin_counting();
        const std::string answer = world_.lock(words[1], has_map ? words[3] : "postfix");
        expect(statement, [&](const std::string& what) -> std::optional<std::string> {
            return what == "answer" ? std::string(trim(answer)) : counted(what);
        });
    }

    void begin_counting() {
        world_.dns.forget();
        world_.https.asked.clear();
    }
    std::optional<std::string> counted(const std::string& what) const {
        if (what == "queries")
            return std::to_string(world_.dns.asked.size());
        if (what == "fetches")
            return std::to_string(world_.https.asked.size());
        if (what == "policy-of")
            return policy_of();
        return std::nullopt;
    }

    std::string policy_of() const {
        constexpr std::string_view start = "TXT _mta-sts.";
        std::string out;
        for (const std::string& question : world_.dns.asked)
            if (question.starts_with(start))
                out += (out.empty() ? "" : " ") + question.substr(start.size());
        return out.empty() ? "nobody" : out;
    }

    // `found`: what came of the thing of that name; none when there is no such thing.
    template <class Found> void expect(const Statement& statement, const Found& found) {
        if (statement.body.empty())
            wrong(statement.head, "nothing is expected of this");
        for (const Line& line : statement.body) {
            const std::string& what = line.words.front();
            const std::string_view wanted = trim(std::string_view(line.text).substr(what.size()));
            const std::optional<std::string> is = found(what);
            ++expectations_;
            if (!is)
                wrong(line, "not understood: " + line.text);
            else if (!agrees(*is, wanted))
                wrong(line, fmt::format("{} is \"{}\", not \"{}\"", what, *is, wanted));
        }
    }

    static bool agrees(std::string_view found, std::string_view wanted) {
        if (wanted.ends_with("..."))
            return found.starts_with(wanted.substr(0, wanted.size() - 3));
        return found == wanted;
    }

    void wrong(const Line& line, const std::string& what) {
        wrong_.push_back(fmt::format("{}: {}", line.number, what));
    }

    World world_;
    std::size_t expectations_ = 0;
    std::vector<std::string> wrong_;
};

bool passes(const char* file) {
    std::vector<std::string> wrong;
    try {
        std::ifstream in(file);
        if (!in)
            throw std::runtime_error("0: cannot be read");
        wrong = Story().run(read_story(in));
    } catch (const std::exception& error) {
        wrong = {error.what()};
    }
    for (const std::string& what : wrong)
        fmt::print("{}:{}\n", file, what);
    return wrong.empty();
}

} // namespace
} // namespace surehop::test

int main(int argc, char** argv) {
    surehop::log::set_level("error"); // what a story does not expect is told below
    int passed = 0, failed = 0;
    for (int i = 1; i < argc; ++i)
        ++(surehop::test::passes(argv[i]) ? passed : failed);
    fmt::print("{} passed, {} failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
