// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resolve/dns.h"
#include "resolve/loop.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A made-up DNS with a DNSSEC switch, for tests that read like a zone file:
//
//   zone dane.test signed                 signed, unsigned, or bogus: signatures do not hold
//   dane.test              MX    10 mx.dane.test
//   mx.dane.test           A     192.0.2.1
//   _25._tcp.mx.dane.test  TLSA  3 1 1 key-a
//   zone sts.test unsigned ttl 60
//   sts.test               MX    0 .
//   _mta-sts.sts.test      TXT   v=STSv1; id=1
//   www.sts.test           CNAME host.dane.test
//   _mta-sts.sts.test      TXT   "v=STSv1; i" "d=1"    several strings, joined (RFC 8461 §3.1)
//   mx.sts.test            A     fails timeout     or servfail, refused, unreachable, malformed
//
// Types: A AAAA MX TXT CNAME TLSA. In a TLSA record, key-X stands for some SHA2-256 digest. A name
// belongs to the longest zone that holds it; a name in no zone does not exist, unsigned. Answers as
// a validating resolver gives them: CNAMEs followed through all zones, the AD bit if each of them
// is signed, SERVFAIL for a bogus one unless checking is disabled. Names with nothing at or below
// them do not exist. Counts what it is asked. On the loop's thread.

namespace surehop::test {

class Zone final : public Dns {
  public:
    Zone() = default;
    explicit Zone(std::string_view text) { add(text); }

    // One or more lines as above; throws std::invalid_argument with the line that is none. A zone
    // line that names a known zone changes it and keeps its records.
    void add(std::string_view text);
    void remove(std::string_view name, std::string_view type); // throws when there is none

    asio::awaitable<DnsAnswer> ask(Question question) override;

    bool validates = true; // false: never the AD bit, and bogus data like any other

    // What was asked since the start or since forget(), in order: "MX dane.test"; with " +cd" where
    // checking was disabled.
    std::vector<std::string> asked;
    void forget() { asked.clear(); }
    std::size_t count(std::string_view type) const; // "TLSA": how many such questions

    // Questions asked while held are answered after release().
    void hold() { held_ = true; }
    void release();

  private:
    enum class Security { is_signed, is_unsigned, is_bogus };
    struct Cut {
        Security security = Security::is_unsigned;
        std::uint32_t ttl = 300;
    };
    using Key = std::pair<std::string, RrType>;

    void add_line(const std::string& line);
    void add_record(const std::string& name, RrType type, const std::string& data);
    const Cut& cut_of(const std::string& name) const;
    bool exists(const std::string& name) const;
    DnsAnswer answer(const Question& question) const;

    std::map<std::string, Cut> cuts_{{"", Cut{}}};
    std::map<Key, std::vector<DnsRecord>> records_;
    std::map<Key, DnsStatus> failures_;
    bool held_ = false;
    std::vector<std::shared_ptr<asio::steady_timer>> waiting_;
};

// Some SHA2-256 digest: the same for the same name, and 64 hexadecimal digits.
std::string digest_named(std::string_view name);

} // namespace surehop::test
