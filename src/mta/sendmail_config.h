// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What of sendmail.cf matters to surehop, and the sources of its maps. The file is what m4 has made
// of sendmail.mc, and all that the running Sendmail knows.

namespace surehop {

struct SendmailMilter {
    std::string name;
    std::map<char, std::string> equates; // S=, F=, T=
};

struct SendmailMap {
    std::string type;                 // socket, hash
    std::vector<std::string> options; // -T<TMPF>
    std::string rest;                 // local:/path@name, /etc/mail/access
};

class SendmailConfig {
  public:
    // Errors: it is no sendmail.cf.
    static Result<SendmailConfig> parse(std::string_view text);

    // The last one of this name, in any case; "" if it is not set.
    std::string option(std::string_view name) const;
    // All of them, of DaemonPortOptions.
    std::vector<std::string> options(std::string_view name) const;
    std::string macro(char name) const; // DSrelay: the smart host
    const SendmailMilter* milter(std::string_view name) const;
    const std::vector<SendmailMilter>& milters() const { return milters_; }
    const SendmailMap* map(std::string_view name) const;
    // Its R lines, one after the other; "" where there is none.
    std::string ruleset(std::string_view name) const;
    std::array<std::uint32_t, 2> version() const {
        return version_;
    } // 8.17; 0.0 where it is not said

  private:
    void read(std::string_view line);

    std::vector<std::pair<std::string, std::string>> options_; // names in lower case
    std::map<char, std::string> macros_;
    std::vector<SendmailMilter> milters_;
    std::map<std::string, SendmailMap, std::less<>> maps_;
    std::map<std::string, std::string, std::less<>> rulesets_; // names in lower case
    std::string in_ruleset_;
    std::array<std::uint32_t, 2> version_{};
    bool is_one_ = false;
};

// "key<blanks>value" of /etc/mail/access and mailertable.
struct SendmailEntry {
    std::string key, value;
};
std::vector<SendmailEntry> sendmail_table(std::string_view text);

// "Name=MTA, I=other", "S=local:/path, F=T": by first letter, in upper case.
std::map<char, std::string> sendmail_equates(std::string_view text);
// "5d", "30s"; a bare number counts in `unit`.
std::optional<Millis> sendmail_time(std::string_view text, char unit);

} // namespace surehop
