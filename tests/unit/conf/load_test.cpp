// SPDX-License-Identifier: Apache-2.0
#include "conf/load.h"

#include "conf/show.h"
#include "resolve/ares_dns.h"
#include "support/source_tree.h"
#include "support/temp_dir.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace surehop {
namespace {

std::string joined(const std::vector<Problem>& problems) {
    std::string out;
    for (const Problem& problem : problems)
        out += problem.line() + "\n";
    return out;
}

std::string errors_of(const std::string& text) {
    const Loaded loaded = load_text(text, "f");
    EXPECT_EQ(loaded.settings == nullptr, !loaded.errors.empty()) << text;
    return joined(loaded.errors);
}

std::string warnings_of(const std::string& text) {
    const Loaded loaded = load_text(text, "f");
    EXPECT_EQ("", joined(loaded.errors)) << text;
    return joined(loaded.warnings);
}

struct Bad {
    std::string text;
    std::string said; // every line of it
};

const std::string audit = "[policy]\nmode = \"audit\"\n";     // lines 1 and 2
const std::string enforce = "[policy]\nmode = \"enforce\"\n"; // likewise
const std::string postfix = enforce + "[mta]\nlock = \"postfix\"\n";

// ---- one value ----

TEST(ConfLoad, a_value_of_another_type_or_out_of_range) {
    const std::vector<Bad> table = {
        {"[mta]\nlock = \"postfx\"",
         "f:4:8: lock cannot be \"postfx\"; write \"postfix\", or another of postfix, postfix310, "
         "sendmail or none\n"},
        {"[mta]\nlock = \"Postfix\"", // words are exact; the case is suggested
         "f:4:8: lock cannot be \"Postfix\"; write \"postfix\", or another of postfix, postfix310, "
         "sendmail or none\n"},
        {"[mta]\nlock = \"qmail-is-far-off\"", "f:4:8: lock cannot be \"qmail-is-far-off\"; write "
                                               "postfix, postfix310, sendmail or none\n"},
        {"[mta]\nlock = 3",
         "f:4:8: lock must be a text in quotes, not a number; write lock = \"postfix\"\n"},
        {"[mta]\nlock = true",
         "f:4:8: lock must be a text in quotes, not true or false; write lock = \"postfix\"\n"},
        {"[mta]\nlock = [\"postfix\"]",
         "f:4:8: lock must be a text in quotes, not a list; write lock = \"postfix\"\n"},
        {"[mta.lock]\nx = 1",
         "f:3:1: lock must be a text in quotes, not a section; write lock = \"postfix\"\n"},
        {"[mta]\nqueue_lifetime = 5",
         "f:4:18: queue_lifetime must be a text in quotes, not a number; write queue_lifetime = "
         "\"5s\"\n"},
        {"[mta]\nqueue_lifetime = 2026-11-21",
         "f:4:18: queue_lifetime must be a text in quotes, not a date or time; write "
         "queue_lifetime = \"5d\"\n"},
        {"[mta]\nqueue_lifetime = \"5 d\"",
         "f:4:18: queue_lifetime = \"5 d\" is no time; write for example 5d, from 1m to 100d\n"},
        {"[mta]\nqueue_lifetime = \"59s\"",
         "f:4:18: queue_lifetime = \"59s\" is out of range; write from 1m to 100d\n"},
        {"[mta]\nqueue_lifetime = \"101d\"",
         "f:4:18: queue_lifetime = \"101d\" is out of range; write from 1m to 100d\n"},
        {"[mta]\nfinal_domains = \"a.example\"",
         "f:4:17: final_domains must be a list of texts; write final_domains = [\"a.example\"]\n"},
        {"[mta]\nfinal_domains = [\"a.example\", 3, \"b..example\"]",
         "f:4:31: final_domains must be a list of texts, not a number; write final_domains = "
         "[\"...\"]\n"
         "f:4:34: final_domains: 'b..example' is not a domain name: a label is empty; write a "
         "domain such as example.org\n"},
        {"[gate]\nwait = \"5s\"", "f:4:8: wait = \"5s\" is out of range; write from 100ms to 4s\n"},
        {"[gate]\nwait = \"0s\"", "f:4:8: wait = \"0s\" is out of range; write from 100ms to 4s\n"},
        {"[gate]\ntag_header = \"\"",
         "f:4:14: tag_header is empty; write a header name of your own such as X-Surehop\n"},
        {"[gate]\ntag_header = \"X Surehop\"", "f:4:14: tag_header: \"X Surehop\" is not a header "
                                               "name (RFC 5322); write a header name of "
                                               "your own such as X-Surehop\n"},
        {"[gate]\ntag_header = \"X-Surehop:\"",
         "f:4:14: tag_header: \"X-Surehop:\" is not a header name (RFC 5322); write a header name "
         "of your own such as X-Surehop\n"},
        {"[gate]\ntag_header = \"subject\"",
         "f:4:14: tag_header: \"subject\" is a header that mail needs, and would be removed from "
         "all of it; write a header name of your own such as X-Surehop\n"},
        {"[gate]\ntag_header = \"Content-Type\"",
         "f:4:14: tag_header: \"Content-Type\" is a header that mail needs, and would be removed "
         "from all of it; write a header name of your own such as X-Surehop\n"},
        {"[https]\nport = \"443\"", "f:4:8: port must be a number, not a text; write port = 443\n"},
        {"[https]\nport = 443.0",
         "f:4:8: port must be a number, not a number with a fraction; write port = 443\n"},
        {"[https]\nport = 0", "f:4:8: port = 0 is out of range; write a number from 1 to 65535\n"},
        {"[https]\nport = -1",
         "f:4:8: port = -1 is out of range; write a number from 1 to 65535\n"},
        {"[https]\nport = 65536",
         "f:4:8: port = 65536 is out of range; write a number from 1 to 65535\n"},
        {"[https]\nca_file = \"ca.pem\"",
         "f:4:11: ca_file: \"ca.pem\" is not an absolute path; write an absolute path\n"},
        {"[https]\nallow_private = [\"10.0.0.0/33\"]",
         "f:4:18: allow_private: \"10.0.0.0/33\" is not a range of addresses; write 10.0.0.0/8, "
         "2001:db8::/32 or one address\n"},
        {"[https]\ntimeout = \"61s\"",
         "f:4:11: timeout = \"61s\" is out of range; write from 1s to 1m\n"},
        {"[resolver]\nservers = [\"dns.example\"]",
         "f:4:12: servers: \"dns.example\" is not the address of a DNS server; write 127.0.0.1, "
         "127.0.0.1:53, ::1 or [::1]:53\n"},
        {"[resolver]\ntrusted = [\"10.0.0.1:53\"]",
         "f:4:12: trusted: \"10.0.0.1:53\" is not an address; write an address such as "
         "192.0.2.53\n"},
        {"[resolver]\nbogus_names = [\"-\\u0000\"]",
         "f:4:16: bogus_names has a control character; write a domain such as example.org\n"},
        {"[resolver]\ntimeout = \"50ms\"",
         "f:4:11: timeout = \"50ms\" is out of range; write from 100ms to 5s\n"},
        {"[resolver]\nretest = \"2h\"",
         "f:4:10: retest = \"2h\" is out of range; write from 1s to 1h\n"},
        {"[log]\nlevel = \"warn\"", "f:4:9: level cannot be \"warn\"; write \"warning\", or "
                                    "another of debug, info, warning or "
                                    "error\n"},
        {"[log]\ntarget = \"file\"", "f:4:10: target cannot be \"file\"; write stderr or syslog\n"},
        {"[store]\npath = \"surehop.db\"",
         "f:4:8: path: \"surehop.db\" is not an absolute path; write an absolute path\n"},
        {"[store]\npath = \"/var/lib/surehop/\"",
         "f:4:8: path: \"/var/lib/surehop/\" names a folder, not a file; write an absolute path\n"},
        {"[listen]\nmilter = \"/run/m.sock\"",
         "f:4:10: milter: \"/run/m.sock\" is not a socket; write unix:/absolute/path or "
         "inet:PORT@ADDRESS\n"},
        {"[listen]\nmilter = \"unix:m.sock\"",
         "f:4:10: milter: \"m.sock\" is not an absolute path; write unix:/absolute/path or "
         "inet:PORT@ADDRESS\n"},
        {"[listen]\nmilter = \"inet:8891\"",
         "f:4:10: milter: \"inet:8891\" names no address, so every address would be served; write "
         "unix:/absolute/path or inet:PORT@ADDRESS\n"},
        {"[listen]\nmilter = \"inet:0@127.0.0.1\"",
         "f:4:10: milter: \"inet:0@127.0.0.1\" has a port that is not from 1 to 65535; write "
         "unix:/absolute/path or inet:PORT@ADDRESS\n"},
        {"[listen]\nmilter = \"inet:8891@localhost\"",
         "f:4:10: milter: \"inet:8891@localhost\" has a host that is not an address; write "
         "unix:/absolute/path or inet:PORT@ADDRESS\n"},
        {"[listen]\ncontrol = \"unix:/run/c.sock\"",
         "f:4:11: control: \"unix:/run/c.sock\" is not an absolute path; write an absolute path\n"},
        {"[listen]\ncontrol = \"/" + std::string(107, 'x') + "\"",
         "f:4:11: control: \"/" + std::string(107, 'x') +
             "\" is longer than the 107 octets that a socket's path may have; write an absolute "
             "path\n"},
    };
    for (const Bad& bad : table)
        EXPECT_EQ(errors_of(audit + bad.text), bad.said) << bad.text;
}

TEST(ConfLoad, policy_words) {
    const std::vector<Bad> table = {
        {"minimum = \"authentificated\"",
         "f:3:11: minimum cannot be \"authentificated\"; write \"authenticated\", or another of "
         "none, encrypted, verified, authenticated or dane\n"},
        {"falls_short = \"accept\"", // would be no requirement at all
         "f:3:15: falls_short cannot be \"accept\"; write reject, quarantine, defer or tag\n"},
        {"falls_short = \"bounce\"",
         "f:3:15: falls_short cannot be \"bounce\"; write reject, quarantine, defer or tag\n"},
        {"unknown = \"quarentine\"",
         "f:3:11: unknown cannot be \"quarentine\"; write \"quarantine\", or another of defer, "
         "reject, quarantine, tag or accept\n"},
        {"help = \"ask \\\"Bob\\\"\"",
         "f:3:8: help: \"ask \"Bob\"\" has a character that cannot stand in an SMTP reply; write "
         "printable ASCII without \" and \\\n"},
        {"help = \"" + std::string(101, 'x') + "\"",
         "f:3:8: help is longer than 100 octets; write a shorter one\n"},
        {"mode = \"enforce\"", // twice
         "f:3:8: Error while parsing key-value pair: cannot redefine existing string 'mode'; write "
         "each setting once\n"},
    };
    for (const Bad& bad : table)
        EXPECT_EQ(errors_of(audit + bad.text), bad.said) << bad.text;
}

// Enforcement is never lost by accident: a file that does not speak of it is no audit mode.
TEST(ConfLoad, the_mode_must_be_said) {
    EXPECT_EQ(errors_of("[log]\nlevel = \"info\"\n"),
              "f:1:1: [policy] has no mode; write mode = \"audit\" or mode = \"enforce\"\n");
    EXPECT_EQ(errors_of("# mine\n[policy]\nminimum = \"dane\"\n"),
              "f:2:1: [policy] has no mode; write mode = \"audit\" or mode = \"enforce\"\n");
    EXPECT_EQ(errors_of("[policy]\nmode = \"enforced\"\n"),
              "f:2:8: mode cannot be \"enforced\"; write \"enforce\", or another of audit or "
              "enforce\n");
}

// ---- names of settings ----

TEST(ConfLoad, unknown_names_are_refused_with_a_suggestion) {
    const std::vector<Bad> table = {
        {"minimun = \"dane\"", "f:3:1: unknown setting minimun in [policy]; write minimum\n"},
        {"Minimum = \"dane\"", "f:3:1: unknown setting Minimum in [policy]; write minimum\n"},
        {"wait = \"2s\"", "f:3:1: unknown setting wait in [policy]; write it below [gate]\n"},
        {"timeout = \"2s\"",
         "f:3:1: unknown setting timeout in [policy]; write it below [resolver] or [https]\n"},
        {"\"a b\" = 1", "f:3:1: unknown setting a b in [policy]; write one of: minimum, least_tls, "
                        "falls_short, unknown, mode, help\n"},
        {"[resolvers]\nservers = []", "f:3:1: unknown section [resolvers]; write [resolver]\n"},
        {"[[rules]]\nname = \"a\"", "f:3:1: unknown section [rules]; write [[rule]]\n"},
        {"[smtp]\nport = 25",
         "f:3:1: unknown section [smtp]; write one of: [mta], [policy], [[rule]], [[route]], "
         "[listen], [store], [ledger], [resolver], [https], [facts], [gate], [allow], [log]\n"},
        {"[rule]\nname = \"a\"",
         "f:3:1: a rule is one of several; write [[rule]] in double brackets\n"},
        {"[[mta]]\nlock = \"none\"", "f:3:1: [mta] stands only once; write [mta] in single "
                                     "brackets\n"},
        {"[log]\n[log]", "f:4:1: Error while parsing table header: cannot redefine existing table "
                         "'log'; write each section once; only [[rule]] and [[route]] may stand "
                         "several times\n"},
    };
    for (const Bad& bad : table)
        EXPECT_EQ(errors_of(audit + bad.text), bad.said) << bad.text;
    EXPECT_EQ(errors_of("wait = \"2s\"\n" + audit),
              "f:1:1: wait stands outside of every section; write it below [gate]\n");
    EXPECT_EQ(errors_of("rule = []\nlog = 1\nfoo = 2\n" + audit),
              "f:1:1: rule is a section; write [[rule]] on a line of its own\n"
              "f:2:1: log is a section; write [log] on a line of its own\n"
              "f:3:1: unknown setting foo; surehop.toml(5) lists all settings\n");
}

// ---- not TOML ----

TEST(ConfLoad, syntax_errors_have_a_place_and_a_remedy) {
    const std::vector<Bad> table = {
        // The middle is the library's word; place and remedy are ours.
        {"[policy]\nmode = enforce\n",
         "f:2:8: |; write texts and times in quotes, as in mode = \"audit\" or wait = \"2s\"\n"},
        {"[gate]\nwait = 2s\n",
         "f:2:9: |; write texts and times in quotes, as in mode = \"audit\" or wait = \"2s\"\n"},
        {"[policy]\nmode = \"audit\n", "f:2:14: |; close the text with a quote in the same line, "
                                       "and write \\\\ for a backslash\n"},
        {"[policy]\nmode: audit\n", "f:2:5: |; write key = value\n"},
        {"[policy\nmode = \"audit\"\n", "f:1:8: |; write [section] and below it key = value\n"},
        {"[mta]\nfinal_domains = [\"a\"\n", "f:2:22: |; close the list with ]\n"},
        {"{\"policy\": {}}", "f:1:1: |; write [section] and below it key = value\n"},
        {"[log]\nx = \"\xff\"", "f:2:5: |; save the file as UTF-8\n"},
    };
    for (const Bad& bad : table) {
        const std::string said = errors_of(bad.text);
        const auto bar = bad.said.find('|');
        EXPECT_TRUE(said.starts_with(bad.said.substr(0, bar)) &&
                    said.ends_with(bad.said.substr(bar + 1)))
            << said;
    }
}

// ---- rules ----

TEST(ConfLoad, rules) {
    const std::vector<Bad> table = {
        {"[[rule]]\nminimum = \"dane\"", "f:5:1: [[rule]] has no name; write name = \"...\"\n"},
        {"[[rule]]\nname = \"\"",
         "f:6:8: name is empty; write printable ASCII without \" and \\\n"},
        {"[[rule]]\nname = \"\xc3\xa4rzte\"", // stands in SMTP replies
         "f:6:8: name: \"??rzte\" has a character that cannot stand in an SMTP reply; write "
         "printable ASCII without \" and \\\n"},
        {"[[rule]]\nname = \"a \"", "f:6:8: name: \"a \" begins or ends with a blank; write "
                                    "printable ASCII without \" and \\\n"},
        {"[[rule]]\nname = \"default\"",
         "f:6:8: the name \"default\" is that of [policy]; write another name\n"},
        {"[[rule]]\nname = \"a\"\nrecipient = [\"a.example\"]\n[[rule]]\nname = \"a\"",
         "f:9:8: the name \"a\" is that of the rule in line 5; write another name\n"},
        {"[[rule]]\nname = \"a\"\nrecipient = []",
         "f:7:13: recipient is empty; write recipient = [\"...\"], or leave it out\n"},
        {"[[rule]]\nname = \"a\"\nrecipient = [\"<>\"]",
         "f:7:14: recipient: \"<>\" is a sender, never a recipient; write user@example.org, "
         "@example.org, *.example.org, * or file:/path\n"},
        {"[[rule]]\nname = \"a\"\nsender = [\"@a.example\", \"b@*.example\"]",
         "f:7:25: sender: 'b@*.example' is not an address pattern: a star stands alone or before "
         "the first dot of a domain; write user@example.org, @example.org, *.example.org, <>, * "
         "or file:/path\n"},
        {"[[rule]]\nname = \"a\"\nheader = { \"X-Class\" = \"(secret\" }",
         "f:7:24: header: the expression for X-Class is not valid at character 8: missing closing "
         "parenthesis; write { \"X-Classification\" = \"(?i)confidential|secret\" }\n"},
        {"[[rule]]\nname = \"a\"\nheader = \"secret\"",
         "f:7:10: header must be a table of texts; write header = { \"X-Classification\" = "
         "\"(?i)confidential|secret\" }\n"},
        {"[[rule]]\nname = \"a\"\nheader = {}",
         "f:7:10: header is empty; write header = { \"X-Classification\" = "
         "\"(?i)confidential|secret\" }, or leave it out\n"},
        {"[[rule]]\nname = \"a\"\nheader = { \"X-Class\" = 3 }",
         "f:7:24: header must be a table of texts, not a number; write header = { "
         "\"X-Classification\" = \"(?i)confidential|secret\" }\n"},
        {"[[rule]]\nname = \"a\"\nclient = [\"10.0.0.0/33\"]",
         "f:7:11: client: \"10.0.0.0/33\" is not a range of addresses; write 10.0.0.0/8, "
         "2001:db8::/32 or one address\n"},
        {"[[rule]]\nname = \"a\"\nhours = [\"9-17\"]",
         "f:7:10: hours: '9-17' is no window of time; write Mon-Fri 08:00-18:00, Sat 00:00-24:00 "
         "or "
         "22:00-06:00\n"},
        {"[[rule]]\nname = \"a\"\nlarger_than = \"10MB\"",
         "f:7:15: larger_than must be a number, not a text; write larger_than = 10000000\n"},
        {"[[rule]]\nname = \"a\"\nlarger_than = 0",
         "f:7:15: larger_than = 0 is out of range; write a number from 1 to 1000000000000\n"},
        {"[[rule]]\nname = \"a\"\nuser = []",
         "f:7:8: user is empty; write user = [\"...\"], or leave it out\n"},
        {"[[rule]]\nname = \"a\"\nmode = \"off\"",
         "f:7:8: mode cannot be \"off\"; write audit or enforce\n"},
    };
    for (const Bad& bad : table)
        EXPECT_EQ(errors_of(postfix + bad.text), bad.said) << bad.text;

    std::string many = audit;
    for (std::size_t i = 0; i <= most_rules; ++i)
        many += "[[rule]]\nname = \"" + std::to_string(i) + "\"\nrecipient = [\"u" +
                std::to_string(i) + "@a.example\"]\n";
    EXPECT_EQ(errors_of(many),
              "f:3003:1: there are more than 1000 [[rule]]; write fewer, with more "
              "patterns in each\n");
}

TEST(ConfLoad, too_many_patterns) {
    const test::TempDir dir;
    const std::string list = dir / "partners";
    const auto write = [&](std::size_t count) {
        std::ofstream file(list);
        for (std::size_t i = 0; i < count; ++i)
            file << "d" << i << ".example\n";
    };
    const std::string many =
        postfix + "[[rule]]\nname = \"a\"\nminimum = \"dane\"\nrecipient = [\"file:" + list +
        "\"]\n";
    write(most_patterns);
    EXPECT_EQ(errors_of(many), "");
    EXPECT_EQ(
        errors_of(many + "[[rule]]\nname = \"b\"\nsender = [\"x.example\"]\n"),
        "f:9:1: the rules have more than 100000 patterns; write fewer, such as *.example.org for "
        "many domains\n");
    write(most_patterns + 1);
    EXPECT_EQ(errors_of(many), "f:8:14: recipient: the list " + list +
                                   " has more than 100000 lines; write user@example.org, "
                                   "@example.org, *.example.org, * or file:/path\n");
}

TEST(ConfLoad, a_version_of_tls_is_held_by_postfix_and_for_a_domain) {
    const std::string policy = "minimum = \"encrypted\"\nmode = \"enforce\"\n";
    const auto site = [&](const std::string& lock, const std::string& rest) {
        return errors_of("[mta]\nlock = \"" + lock + "\"\n[policy]\n" + policy + rest);
    };
    const std::string least = "least_tls = \"1.3\"\n";
    EXPECT_EQ(site("postfix", least), "");
    EXPECT_EQ(site("postfix310", least), "");
    EXPECT_EQ(site("none", least), "f:6:13: lock = \"none\" cannot hold a version of TLS; remove "
                                   "least_tls, or write lock = \"postfix\"\n");
    EXPECT_EQ(site("none", "least_tls = \"1.2\"\n"), "");
    const std::string rule = "[[rule]]\nname = \"a\"\nrecipient = [\"a.example\"]\n" + least;
    EXPECT_EQ(site("postfix", rule), "");
    EXPECT_EQ(site("postfix", rule + "sender = [\"@b.example\"]\n"),
              "f:9:13: rule \"a\" looks at more than the recipient's domain, which is all that the "
              "lock sees; move least_tls to [policy] or to a rule for the domain\n");
    EXPECT_EQ(site("postfix", "least_tls = \"1.1\"\n"),
              "f:6:13: least_tls cannot be \"1.1\"; write \"1.2\", or another of 1.2 or 1.3\n");
}

TEST(ConfLoad, lists_in_files) {
    const test::TempDir dir;
    const std::string list = dir / "partners";
    const std::string rule = postfix +
                             "[[rule]]\nname = \"a\"\nminimum = \"dane\"\nrecipient = "
                             "[\"x@a.example\", \"file:" +
                             list + "\"]\n";
    const std::string write = "; write user@example.org, @example.org, *.example.org, * or "
                              "file:/path\n";
    EXPECT_EQ(errors_of(rule), "f:8:29: recipient: the list " + list +
                                   " cannot be read (No such file or directory)" + write);
    std::ofstream(list) << "# partners\r\n\n b.example  # since 2026\r\n*.c.example\n";
    ASSERT_EQ(errors_of(rule), "");
    const Loaded loaded = load_text(rule, "f");
    const AddressSet& recipients = loaded.settings->rules.at(0).recipients;
    EXPECT_TRUE(recipients.matches(*Path::parse("any@b.example")));
    EXPECT_TRUE(recipients.matches(*Path::parse("any@x.c.example")));
    EXPECT_TRUE(recipients.matches(*Path::parse("x@a.example")));
    EXPECT_EQ(recipients.size(), 3U);
    EXPECT_NE(show_text(*loaded.settings).find("recipient = [\"x@a.example\", \"file:" + list),
              std::string::npos);
    std::ofstream(list) << "b.example\nc@*.example\n";
    EXPECT_TRUE(errors_of(rule).starts_with("f:8:29: recipient: " + list +
                                            ":2: 'c@*.example' is not an address pattern"))
        << errors_of(rule);
    EXPECT_TRUE(errors_of(postfix + "[[rule]]\nname = \"a\"\nsender = [\"file:relative\"]\n")
                    .starts_with("f:7:11: sender: \"relative\" is not an absolute path"));
    EXPECT_TRUE(errors_of(postfix + "[[rule]]\nname = \"a\"\nsender = [\"file:/dev/zero\"]\n")
                    .starts_with("f:7:11: sender: /dev/zero is no file"));
}

// Whatever a rule can ask for is read, and shown as it was written.
TEST(ConfLoad, every_condition_of_a_rule) {
    const std::string rule = "[[rule]]\nname = \"a\"\nuser = [\"Alice\", \"*\"]\n"
                             "client = [\"10.0.0.0/8\"]\nlistener = [\"submission\"]\n"
                             "header = { \"X-Class\" = \"a\\\\b\", \"Subject\" = \"!x\" }\n"
                             "larger_than = 1000\nhours = [\"Mon-Fri 08:00-18:00\"]\n"
                             "minimum = \"dane\"\n";
    const Loaded loaded = load_text(postfix + rule, "f");
    ASSERT_TRUE(loaded) << joined(loaded.errors);
    const Rule& read = loaded.settings->rules.at(0);
    EXPECT_EQ(read.users, (std::vector<std::string>{"alice", "*"}));
    EXPECT_EQ(read.clients.size(), 1U);
    EXPECT_EQ(read.listeners, std::vector<std::string>{"submission"});
    EXPECT_EQ(read.fields.size(), 2U);
    EXPECT_EQ(read.larger_than, 1000U);
    EXPECT_EQ(read.hours.size(), 1U);
    const std::string shown = show_text(*loaded.settings);
    EXPECT_NE(shown.find("header = { \"Subject\" = \"!x\", \"X-Class\" = \"a\\\\b\" }"),
              std::string::npos)
        << shown;
    const Loaded again = load_text(shown, "g");
    ASSERT_TRUE(again) << joined(again.errors);
    EXPECT_EQ(again.settings->site->rules->hash(), loaded.settings->site->rules->hash());
    EXPECT_EQ(show_json(*loaded.settings)["settings"]["rule"][0]["header"]["value"],
              (Json{{"Subject", "!x"}, {"X-Class", "a\\b"}}));
}

TEST(ConfLoad, rules_take_from_policy_what_they_do_not_say) {
    const Loaded loaded =
        load_text(postfix + "[[rule]]\n"
                            "name = \"patient data\"\n"
                            "sender = [\"@Clinic.example\", \"*.example.net\", \"<>\"]\n"
                            "recipient = [\"*.example.gov\", \"Bob@B\xc3\xbc"
                            "cher.example\"]\n"
                            "minimum = \"dane\"\n"
                            "falls_short = \"quarantine\"\n",
                  "f");
    ASSERT_TRUE(loaded) << joined(loaded.errors);
    const auto path = [](std::string_view text) { return *Path::parse(text); };
    const RuleSet& rules = *loaded.settings->site->rules;
    const auto asked = [&](std::string_view from, std::string_view to) {
        Context context;
        context.sender = path(from);
        context.recipient = path(to);
        return *rules.candidates(context).front();
    };
    const Requirement r = asked("a@clinic.example", "x@a.example.gov");
    EXPECT_EQ(r.rule, "patient data");
    EXPECT_EQ(r.minimum, Level::dane);
    EXPECT_EQ(r.falls_short, Action::quarantine);
    EXPECT_EQ(r.unknown, Action::defer);
    EXPECT_EQ(r.mode, PolicyMode::enforce);
    EXPECT_EQ(asked("<>", "Bob@xn--bcher-kva.example").rule, "patient data");
    const Requirement last = asked("a@other.example", "x@a.example.gov");
    EXPECT_EQ(last.rule, "default");
    EXPECT_EQ(last.minimum, Level::authenticated);
    EXPECT_EQ(last.falls_short, Action::reject);
}

TEST(ConfLoad, a_rule_that_never_decides_is_warned_of) {
    const auto rule = [](const std::string& name, const std::string& conditions) {
        return "[[rule]]\nname = \"" + name + "\"\n" + conditions + "\n";
    };
    const auto says = [](const std::string& rules) { return warnings_of(audit + rules); };
    const std::string never = " never decides, since rule \"a\" in line 3 matches all of it first; "
                              "move it up, or remove it\n";
    EXPECT_EQ(says(rule("a", "") + rule("b", "recipient = [\"x.example\"]")),
              "f:6:1: rule \"b\"" + never);
    const std::vector<std::pair<std::string, std::string>> hidden = {
        {"recipient = [\"x.example\"]", "recipient = [\"@X.example\"]"},
        {"recipient = [\"x.example\"]", "recipient = [\"bob@x.example\"]"},
        {"recipient = [\"*.x.example\"]", "recipient = [\"bob@a.b.x.example\"]"},
        {"recipient = [\"*.x.example\"]", "recipient = [\"a.x.example\", \"*.b.x.example\"]"},
        {"recipient = [\"*\"]", "sender = [\"<>\"]"},
        {"sender = [\"@x.example\"]", "sender = [\"bob@x.example\"]\nrecipient = [\"y.example\"]"},
    };
    for (const auto& [first, second] : hidden)
        EXPECT_EQ(says(rule("a", first) + rule("b", second)), "f:6:1: rule \"b\"" + never)
            << first << " / " << second;
    const std::vector<std::pair<std::string, std::string>> seen = {
        {"recipient = [\"*.x.example\"]", "recipient = [\"x.example\"]"}, // not itself
        {"recipient = [\"x.example\"]", "recipient = [\"*.x.example\"]"},
        {"recipient = [\"bob@x.example\"]", "recipient = [\"x.example\"]"},
        {"recipient = [\"x.example\"]", "recipient = [\"x.example\", \"y.example\"]"},
        {"recipient = [\"x.example\"]", "sender = [\"x.example\"]"},
        {"recipient = [\"x.example\"]\nsender = [\"y.example\"]", "recipient = [\"x.example\"]"},
        {"recipient = [\"x.example\"]", ""},
    };
    for (const auto& [first, second] : seen)
        EXPECT_EQ(says(rule("a", first) + rule("b", second)), "") << first << " / " << second;
}

// ---- the lock ----

TEST(ConfLoad, enforce_needs_a_lock) {
    const std::string wanted =
        "mode = \"enforce\" needs to know which mail server binds its deliveries; write below "
        "[mta] lock = \"postfix\" (Postfix 3.4 to 3.9), \"postfix310\" (3.10 and later), "
        "\"sendmail\", or \"none\" if nothing shall be bound\n";
    EXPECT_EQ(errors_of(enforce), "f:2:8: " + wanted);
    EXPECT_EQ(errors_of(audit + "[[rule]]\nname = \"a\"\nmode = \"enforce\""), "f:5:8: " + wanted);
    EXPECT_EQ(errors_of(audit), "");
    EXPECT_EQ(errors_of(postfix), "");
    // One mistake, one error.
    EXPECT_EQ(errors_of(enforce + "[mta]\nlock = \"postfi\""),
              "f:4:8: lock cannot be \"postfi\"; write \"postfix\", or another of postfix, "
              "postfix310, sendmail or none\n");
}

TEST(ConfLoad, what_a_lock_cannot_bind) {
    const std::string sendmail = enforce + "[mta]\nlock = \"sendmail\"\n";
    EXPECT_EQ(warnings_of(sendmail), "");
    for (const std::string level : {"encrypted", "verified", "dane"}) {
        EXPECT_EQ(errors_of(sendmail + "[[rule]]\nname = \"a\"\nminimum = \"" + level + "\""),
                  "f:7:11: minimum = \"" + level +
                      "\" cannot be bound with lock = \"sendmail\"; write \"authenticated\" or "
                      "\"none\"\n");
        EXPECT_EQ(errors_of("[policy]\nmode = \"audit\"\nminimum = \"" + level +
                            "\"\n[mta]\nlock = \"sendmail\"\n[[rule]]\nname = \"a\""),
                  "f:3:11: minimum = \"" + level +
                      "\" cannot be bound with lock = \"sendmail\"; write \"authenticated\" or "
                      "\"none\"\n");
    }
    EXPECT_EQ(errors_of(postfix + "[listen]\nsocketmap = []"),
              "f:6:13: lock = \"postfix\" needs a socket over which the mail server asks; write "
              "socketmap = [\"unix:/absolute/path\"]\n");
    EXPECT_EQ(warnings_of(audit + "[mta]\nlock = \"postfix\"\n[listen]\nsocketmap = []"),
              "f:6:13: lock = \"postfix\" needs a socket over which the mail server asks; write "
              "socketmap = [\"unix:/absolute/path\"]\n");
}

TEST(ConfLoad, without_a_lock_nothing_is_bound) {
    EXPECT_EQ(
        warnings_of(enforce + "[mta]\nlock = \"none\"\n[[rule]]\nname = "
                              "\"a\"\nminimum = \"verified\""),
        "f:4:8: with lock = \"none\" the gate refuses, but nothing holds deliveries to what it "
        "found; write lock = \"postfix\" once smtp_tls_policy_maps asks surehop\n"
        "f:7:11: minimum = \"verified\" holds only where delivery is bound; with lock = "
        "\"none\" it takes \"authenticated\" or \"dane\" to meet it\n");
    EXPECT_EQ(warnings_of(audit + "[mta]\nlock = \"none\"\n"), "");
}

// DESIGN §2: the lock sees no sender and no address, so such a rule may only raise.
TEST(ConfLoad, with_a_lock_rules_below_the_floor_are_refused) {
    const std::string rule = "[[rule]]\nname = \"newsletter\"\nsender = [\"news@clinic.example\"]\n"
                             "minimum = \"none\"\n";
    const std::string said =
        "rule \"newsletter\" asks for none, but its recipients' domains have the floor "
        "authenticated: the lock sees no sender and no address, so such a rule may only raise; set "
        "minimum = \"authenticated\" or higher, or make an exception with 'surehop allow add'\n";
    EXPECT_EQ(errors_of(postfix + rule), "f:8:11: " + said);
    EXPECT_EQ(errors_of(enforce + "[mta]\nlock = \"none\"\n" + rule), "");
    EXPECT_EQ(errors_of(audit + "[mta]\nlock = \"postfix\"\n" + rule), "");
    EXPECT_EQ(errors_of(postfix + "[[rule]]\nname = \"partner\"\nrecipient = [\"p.example\"]\n"
                                  "minimum = \"none\"\n"),
              "");
    // Nor may it watch or mark what the lock would then hold back.
    const std::string by_sender = "[[rule]]\nname = \"r\"\nsender = [\"news@clinic.example\"]\n";
    const std::string then = ", but its recipients' domains have the floor authenticated: the lock "
                             "sees no sender and no "
                             "address, so such a rule may only raise; set ";
    const std::string or_else = ", or make an exception with 'surehop allow add'\n";
    EXPECT_EQ(errors_of(postfix + by_sender + "mode = \"audit\"\n"),
              "f:5:1: rule \"r\" is in audit mode and lets all mail pass" + then +
                  "mode = \"enforce\", or mode = \"audit\" for the whole domain" + or_else);
    EXPECT_EQ(errors_of(postfix + by_sender + "falls_short = \"tag\"\n"),
              "f:5:1: rule \"r\" lets mail pass that falls short or cannot be judged" + then +
                  "falls_short and unknown to \"reject\", \"defer\" or \"quarantine\"" + or_else);
}

TEST(ConfLoad, with_a_lock_what_passes_unjudged_is_not_held_and_that_is_said) {
    const std::string rule = "[[rule]]\nname = \"r\"\nrecipient = [\"p.example\"]\n";
    const std::string said =
        " lets pass what is unknown (unknown = \"accept\"), so the lock demands nothing of its "
        "domains and nothing is promised: its minimum authenticated is judged at RCPT and not held "
        "at delivery; write unknown = \"defer\" to have both\n";
    EXPECT_EQ(warnings_of(postfix + rule + "unknown = \"accept\"\n"), "f:8:11: rule \"r\"" + said);
    EXPECT_EQ(errors_of(postfix + rule + "unknown = \"accept\"\n"), "") << "valid all the same";
    EXPECT_EQ(warnings_of(postfix + rule + "unknown = \"tag\"\nfalls_short = \"tag\"\n"), "")
        << "whoever marks both knows";
    EXPECT_EQ(warnings_of(postfix + rule + "unknown = \"accept\"\nmode = \"audit\"\n"), "");
    EXPECT_EQ(warnings_of(postfix + rule + "unknown = \"accept\"\nminimum = \"none\"\n"), "");
    EXPECT_EQ(warnings_of(enforce + "unknown = \"accept\"\n[mta]\nlock = \"postfix\"\n" + rule),
              "f:3:11: [policy]" + said)
        << "once for those who inherit it";
}

// ---- routes, sockets, resolver ----

TEST(ConfLoad, routes) {
    const std::vector<Bad> table = {
        {"[[route]]", "f:3:1: the route says neither domain nor next_hop; write one of them or "
                      "both\n"},
        {"[[route]]\nscope = \"internal\"",
         "f:3:1: the route says neither domain nor next_hop; write one of them or both\n"},
        {"[[route]]\nnext_hop = \"[10.1.1.1]\"",
         "f:3:1: the route changes nothing; write domain as well, or scope = \"internal\"\n"},
        {"[[route]]\ndomain = [\"a.example\"]",
         "f:3:1: the route changes nothing; write next_hop as well, or scope = \"internal\"\n"},
        {"[[route]]\ndomain = [\"bob@a.example\"]\nscope = \"internal\"",
         "f:4:11: domain: \"bob@a.example\" is more than a domain; write example.org, "
         "*.example.org or *\n"},
        {"[[route]]\nnext_hop = \"[10.1.1.1\"\nscope = \"internal\"",
         "f:4:12: next_hop: '[10.1.1.1' is not a next hop: no closing bracket; write "
         "example.org, [mx.example.org] or [192.0.2.1], with or without :PORT\n"},
        {"[[route]]\nnext_hop = \"[10.1.1.1]\"\nscope = \"local\"",
         "f:5:9: scope cannot be \"local\"; write transport or internal\n"},
    };
    for (const Bad& bad : table)
        EXPECT_EQ(errors_of(audit + bad.text), bad.said) << bad.text;
}

TEST(ConfLoad, sockets) {
    EXPECT_EQ(errors_of(audit + "[listen]\nmilter = \"unix:/run/a\"\ncontrol = \"/run/a\""),
              "f:5:11: listen.milter and listen.control are the same socket unix:/run/a; write "
              "different ones\n");
    EXPECT_EQ(errors_of(audit + "[listen]\nsocketmap = [\"inet:99@::1\", \"inet:99@[0::1]\"]"),
              "f:4:29: listen.socketmap[1] and listen.socketmap[2] are the same socket "
              "inet:99@::1; write different ones\n");
    EXPECT_EQ(warnings_of(audit + "[listen]\nmilter = \"inet:8891@0.0.0.0\"\nsocketmap = "
                                  "[\"inet:8892@127.0.0.1\", \"inet:8892@192.0.2.1\", "
                                  "\"inet:8893@::\"]"),
              "f:4:10: inet:8891@0.0.0.0 serves every address of this machine, and asks nobody who "
              "they are; write @127.0.0.1 or a unix: socket\n"
              "f:5:37: inet:8892@192.0.2.1 is not on loopback, and [listen] peers names nobody "
              "else who may ask\n"
              "f:5:60: inet:8893@:: is not on loopback, and [listen] peers names nobody else who "
              "may ask\n");
    EXPECT_EQ(warnings_of(audit + "[listen]\nsocketmap = [\"inet:8892@192.0.2.1\"]\n"
                                  "peers = [\"192.0.2.0/24\"]"),
              "");
}

TEST(ConfLoad, resolvers_that_cannot_be_believed) {
    EXPECT_EQ(warnings_of(audit + "[resolver]\nservers = [\"127.0.0.1\", \"192.0.2.53\", "
                                  "\"127.0.0.53\"]\ntrusted = [\"127.0.0.53\", \"192.0.2.54\"]"),
              "f:4:25: the word of 192.0.2.53 on DNSSEC cannot be trusted, so it is asked only "
              "where no other server validates, and then no destination reaches \"dane\"; use a "
              "validating resolver on 127.0.0.1, or write trusted = [\"192.0.2.53\"] if it "
              "validates and the way to it is safe\n"
              "f:5:26: 192.0.2.54 is trusted, but not asked; write it into servers, too\n");
    const auto trusted = [](const std::string& resolver, const std::string& server) {
        return is_trusted(load_text(audit + "[resolver]\n" + resolver, "f").settings->resolver,
                          *parse_dns_server(server));
    };
    EXPECT_TRUE(trusted("", "127.0.0.1"));
    EXPECT_TRUE(trusted("", "[::1]:5353"));
    EXPECT_TRUE(trusted("trusted = [\"192.0.2.53\"]", "192.0.2.53:5353"));
    EXPECT_FALSE(trusted("trusted = [\"192.0.2.53\"]", "192.0.2.54"));
    EXPECT_FALSE(trusted("servers = [\"127.0.0.53\"]", "127.0.0.53"));
    EXPECT_EQ(warnings_of(audit + "[https]\nport = 8443"),
              "f:4:8: policy hosts listen on port 443 (RFC 8461), so port 8443 finds no policy of "
              "strangers; write port = 443\n");
}

TEST(ConfLoad, all_problems_at_once_and_in_order) {
    EXPECT_EQ(errors_of("[gate]\nwait = \"9s\"\n[policy]\nmode = \"audit\"\nmaximum = 1\n[mta]\n"
                        "lock = 1\n[[rule]]\nname = \"\"\n"),
              "f:2:8: wait = \"9s\" is out of range; write from 100ms to 4s\n"
              "f:5:1: unknown setting maximum in [policy]; write minimum\n"
              "f:7:8: lock must be a text in quotes, not a number; write lock = \"postfix\"\n"
              "f:9:8: name is empty; write printable ASCII without \" and \\\n");
}

// ---- good ones ----

TEST(ConfLoad, everything_said) {
    const Loaded loaded = load_text(R"([mta]
lock = "postfix310"
queue_lifetime = "12h"
final_domains = ["Clinic.example.", "bücher.example"]
tls_required = "off"
[policy]
minimum = "encrypted"
falls_short = "tag"
unknown = "accept"
mode = "enforce"
help = "postmaster@clinic.example"
[[route]]
next_hop = "[10.1.1.1]"
scope = "internal"
[[route]]
domain = ["partner.example", "*.partner.example"]
next_hop = "[Relay.example]:2525"
[listen]
milter = "inet:8891@127.0.0.1"
socketmap = ["unix:/run/s", "inet:8892@[::1]"]
control = "/run/c"
[store]
path = "/srv/surehop.db"
[resolver]
servers = ["127.0.0.2:5353", "::1"]
trusted = ["::1"]
bogus_names = ["Bogus.example"]
timeout = "1s"
retest = "1h"
[https]
ca_file = "/etc/ca.pem"
port = 8443
allow_private = ["10.0.0.0/8", "::1"]
timeout = "60s"
[gate]
wait = "100ms"
tag_header = "X-Hop"
[log]
level = "error"
target = "syslog"
)",
                                    "/etc/surehop/surehop.toml");
    ASSERT_TRUE(loaded) << joined(loaded.errors);
    const Settings& s = *loaded.settings;
    EXPECT_EQ(s.file, "/etc/surehop/surehop.toml");
    EXPECT_EQ(s.hash.size(), 64U);
    EXPECT_EQ(s.mta.lock, Lock::postfix310);
    EXPECT_EQ(s.mta.queue_lifetime, std::chrono::hours{12});
    ASSERT_EQ(s.mta.final_domains.size(), 2U);
    EXPECT_EQ(s.mta.final_domains[0].text(), "clinic.example");
    EXPECT_EQ(s.mta.final_domains[1].text(), "xn--bcher-kva.example");
    EXPECT_EQ(s.policy.rule, "default");
    EXPECT_EQ(s.policy.minimum, Level::encrypted);
    EXPECT_EQ(s.policy.falls_short, Action::tag);
    EXPECT_EQ(s.policy.unknown, Action::accept);
    EXPECT_EQ(s.policy.mode, PolicyMode::enforce);
    EXPECT_EQ(s.policy.help, "postmaster@clinic.example");
    ASSERT_EQ(s.routes.size(), 2U);
    EXPECT_TRUE(s.routes[0].internal);
    EXPECT_EQ(s.routes[0].next_hop->key(), "[10.1.1.1]");
    EXPECT_FALSE(s.routes[1].internal);
    EXPECT_EQ(s.routes[1].domains.size(), 2U);
    EXPECT_EQ(s.routes[1].next_hop->key(), "[relay.example]:2525");
    EXPECT_EQ(s.listen.milter, "inet:8891@127.0.0.1");
    EXPECT_EQ(s.listen.socketmap, (std::vector<std::string>{"unix:/run/s", "inet:8892@::1"}));
    EXPECT_EQ(s.listen.control, "/run/c");
    EXPECT_EQ(s.store.path, "/srv/surehop.db");
    EXPECT_EQ(s.resolver.servers, (std::vector<std::string>{"127.0.0.2:5353", "[::1]:53"}));
    EXPECT_EQ(s.resolver.trusted, std::vector<std::string>{"::1"});
    EXPECT_EQ(s.resolver.bogus_names, std::vector<std::string>{"bogus.example"});
    EXPECT_EQ(s.resolver.timeout, Millis{1000});
    EXPECT_EQ(s.resolver.retest, std::chrono::hours{1});
    EXPECT_EQ(s.https.ca_file, "/etc/ca.pem");
    EXPECT_EQ(s.https.port, 8443);
    EXPECT_EQ(s.https.allow_private, (std::vector<std::string>{"10.0.0.0/8", "::1"}));
    EXPECT_EQ(s.https.timeout, Millis{60'000});
    EXPECT_EQ(s.gate.wait, Millis{100});
    EXPECT_EQ(s.gate.tag_header, "X-Hop");
    EXPECT_EQ(s.log.level, LogLevel::error);
    EXPECT_EQ(s.log.target, LogTarget::syslog);

    const Site& site = *s.site;
    EXPECT_EQ(site.rules->last_resort().minimum, Level::encrypted);
    EXPECT_EQ(site.routes.size(), 2U);
    EXPECT_EQ(site.final_domains, s.mta.final_domains);
    EXPECT_EQ(site.lock, Lock::postfix310);
    EXPECT_EQ(site.queue_lifetime, std::chrono::hours{12});
    EXPECT_EQ(site.wait, Millis{100});
    EXPECT_EQ(site.tag_header, "X-Hop");
    EXPECT_FALSE(site.refuses_waiver);
    EXPECT_EQ(site.configuration_hash, s.hash);

    EXPECT_EQ(s.places.at("mta.lock").line, 2U);
    EXPECT_EQ(s.places.at("mta.lock").column, 8U);
    EXPECT_EQ(s.places.at("route[2].next_hop").line, 17U);
    EXPECT_EQ(s.places.at("listen.socketmap[2]").column, 29U);
}

TEST(ConfLoad, every_default) {
    for (const SettingsPtr& settings : {default_settings(), load_text(audit, "f").settings}) {
        ASSERT_NE(settings, nullptr);
        const Settings& s = *settings;
        EXPECT_EQ(s.mta.lock, Lock::none);
        EXPECT_EQ(s.mta.queue_lifetime, std::chrono::days{5});
        EXPECT_TRUE(s.mta.final_domains.empty());
        EXPECT_EQ(s.policy.rule, "default");
        EXPECT_EQ(s.policy.minimum, Level::authenticated);
        EXPECT_EQ(s.policy.falls_short, Action::reject);
        EXPECT_EQ(s.policy.unknown, Action::defer);
        EXPECT_EQ(s.policy.mode, PolicyMode::audit);
        EXPECT_EQ(s.policy.help, "");
        EXPECT_TRUE(s.rules.empty());
        EXPECT_TRUE(s.routes.empty());
        EXPECT_EQ(s.listen.milter, "unix:" SUREHOP_RUNSTATEDIR "/surehop/milter.sock");
        EXPECT_EQ(s.listen.socketmap,
                  std::vector<std::string>{"unix:" SUREHOP_RUNSTATEDIR "/surehop/socketmap.sock"});
        EXPECT_EQ(s.listen.control, SUREHOP_RUNSTATEDIR "/surehop/control.sock");
        EXPECT_EQ(s.store.path, SUREHOP_LOCALSTATEDIR "/lib/surehop/surehop.db");
        EXPECT_TRUE(s.resolver.servers.empty());
        EXPECT_TRUE(s.resolver.trusted.empty());
        EXPECT_TRUE(s.resolver.bogus_names.empty());
        EXPECT_EQ(s.resolver.timeout, Millis{1500});
        EXPECT_EQ(s.resolver.retest, Millis{60'000});
        EXPECT_EQ(s.https.ca_file, "");
        EXPECT_EQ(s.https.port, 443);
        EXPECT_TRUE(s.https.allow_private.empty());
        EXPECT_EQ(s.https.timeout, Millis{10'000});
        EXPECT_EQ(s.gate.wait, Millis{2000});
        EXPECT_EQ(s.gate.tag_header, "X-Surehop");
        EXPECT_EQ(s.log.level, LogLevel::info);
        EXPECT_EQ(s.log.target, LogTarget::standard_error);
        ASSERT_NE(s.site, nullptr);
        EXPECT_EQ(s.site->rules->mode(), PolicyMode::audit);
        EXPECT_EQ(s.site->tag_header, "X-Surehop");
        EXPECT_TRUE(s.site->refuses_waiver);
    }
    EXPECT_EQ(default_settings()->file, "");
    EXPECT_TRUE(default_settings()->places.empty());
}

// ---- files ----

class ConfFile : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/surehop-conf-XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& text) {
        const std::string path = folder_ + "/surehop.toml";
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
    static std::string said(const std::string& path) {
        const Loaded loaded = load_file(path);
        EXPECT_EQ(loaded.settings, nullptr);
        return joined(loaded.errors);
    }

    std::string folder_;
};

TEST_F(ConfFile, is_loaded) {
    const std::string path = write(audit);
    const Loaded loaded = load_file(path);
    ASSERT_TRUE(loaded) << joined(loaded.errors);
    EXPECT_EQ(loaded.settings->file, path);
    EXPECT_EQ(loaded.settings->hash, load_text(audit, "elsewhere").settings->hash);
    EXPECT_NE(loaded.settings->hash, load_text(audit + " ", path).settings->hash);
}

TEST_F(ConfFile, missing_or_useless_is_an_error_and_never_the_defaults) {
    const std::string path = folder_ + "/surehop.toml";
    EXPECT_EQ(said(path), path + ": cannot be read (No such file or directory); write it, or name "
                                 "another one with --config\n");
    EXPECT_EQ(said(folder_),
              folder_ + ": cannot be read (Is a directory); name the file in this folder\n");
    EXPECT_EQ(said(write("")),
              path + ": is empty; 'surehop config defaults' prints every setting\n");
    EXPECT_EQ(said(write("# nothing\n\n")),
              path + ": has no setting; 'surehop config defaults' prints every setting\n");
    EXPECT_EQ(said(write(audit + std::string(most_configuration_bytes, '\n'))),
              path + ": is larger than 1048576 octets; is this the right file?\n");
    EXPECT_EQ(said(write("[policy]\nmode = 1\n")),
              path + ":2:8: mode must be a text in quotes, not a number; write mode = \"audit\" or "
                     "mode = \"enforce\"\n");
}

// root may read everything, so a child that is not root tries.
TEST_F(ConfFile, unreadable) {
    const std::string path = write(audit);
    ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
    ASSERT_EQ(::chmod(path.c_str(), 0), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        if (::geteuid() == 0 && ::setuid(65534) != 0)
            ::_exit(2);
        ::_exit(said(path) == path + ": cannot be read (Permission denied); let the user that "
                                     "surehopd runs as read it\n"
                    ? 0
                    : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

// What make install writes is audit mode, loads without a warning, and says every section.
TEST(ConfShipped, loads_clean) {
    const std::string text =
        test::filled(test::read_text(test::source_tree() / "contrib" / "surehop.toml"));
    const Loaded loaded = load_text(text, "surehop.toml");
    ASSERT_TRUE(loaded) << joined(loaded.errors);
    EXPECT_EQ(joined(loaded.warnings), "");
    EXPECT_EQ(loaded.settings->policy.mode, PolicyMode::audit);
    EXPECT_FALSE(loaded.settings->places.contains("mta.lock")); // enforce must ask for it
    EXPECT_EQ(text.find('@'), text.find("@clinic.example")) << "an unfilled place";
}

// Each example in its comments is one, too: without the first '#' of "#key" lines it still loads.
TEST(ConfShipped, its_examples_load) {
    std::string text =
        test::filled(test::read_text(test::source_tree() / "contrib" / "surehop.toml"));
    std::string all;
    for (std::size_t from = 0; from < text.size();) {
        const auto end = text.find('\n', from);
        std::string line = text.substr(from, end - from);
        from = end + 1;
        if (line.size() > 1 && line[0] == '#' && line[1] != ' ')
            line.erase(0, 1);
        all += line + "\n";
    }
    const Loaded loaded = load_text(all, "surehop.toml");
    EXPECT_TRUE(loaded) << joined(loaded.errors);
    EXPECT_EQ(joined(loaded.warnings), "");
    EXPECT_FALSE(loaded.settings->rules.empty());
}

} // namespace
} // namespace surehop
