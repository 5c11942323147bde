// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

// To whom mail is sent, as a list of addresses or domains says it, or the log of Postfix or
// Sendmail. Pure, line by line.
//
// Of a log, deliveries count that left, or were to leave, over SMTP: once for each recipient of a
// message, however often it was tried, and with the sender where the log tells it.

namespace surehop {

struct CorrespondentLimits {
    std::size_t pairs = 1'000'000; // of sender and recipient
    std::size_t tries = 1'000'000; // deliveries that were put off, of which more may come
    std::size_t senders = 100'000; // of messages that are under way
    std::size_t complaints = 20;   // that are kept
};

struct Correspondent {
    std::string recipient;             // canonical (address/path.h); of a domain "@domain"
    std::optional<std::string> sender; // canonical, "" for the null sender; none: not told
    std::uint64_t mails = 0;
};

class Correspondents {
  public:
    explicit Correspondents(CorrespondentLimits limits = {}) : limits_(limits) {}

    void line(std::string_view text);

    // By recipient domain. In a list each line is one mail.
    using Domains = std::map<std::string, std::vector<Correspondent>, std::less<>>;
    Domains domains() const;

    bool is_log() const { return is_log_; }
    std::uint64_t lines() const { return lines_; }

    // "line 7: ...": what is neither address nor domain; in a log, addresses that cannot be read.
    const std::vector<std::string>& complaints() const { return complaints_; }
    std::uint64_t not_read() const { return not_read_; }
    bool full() const { return full_; } // there were more pairs than were kept

  private:
    void list_line(std::string_view text);
    void from_line(std::string_view id, std::string_view rest);
    void to_line(std::string_view id, std::string_view program, std::string_view rest);
    void count(std::string_view recipient, const std::optional<std::string>& sender);
    void complain(std::string_view what, std::string_view text);
    bool first_try(std::string_view id, std::string_view recipient, bool put_off);

    CorrespondentLimits limits_;
    std::uint64_t lines_ = 0, not_read_ = 0;
    bool is_log_ = false, full_ = false;
    std::vector<std::string> complaints_;
    std::map<std::string,
             std::map<std::pair<std::string, std::optional<std::string>>, std::uint64_t>,
             std::less<>>
        found_; // by domain
    std::size_t pairs_ = 0;
    std::unordered_set<std::size_t> tried_;                   // hashes of message and recipient
    std::map<std::string, std::string, std::less<>> senders_; // by queue id
    std::deque<std::string> senders_order_;
};

} // namespace surehop
