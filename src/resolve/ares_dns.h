// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "resolve/dns.h"
#include "resolve/loop.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// The DNS over c-ares, in the loop's thread. Each query carries EDNS (1232 octets, RFC 6891) and
// the AD bit (RFC 6840 §5.7), never DO, and falls back to TCP on truncation. SERVFAIL is an answer,
// never a reason to ask the next server: a second server that does not validate would make a bogus
// zone look merely unsigned. At most 200 questions asked within the last half second are on the
// wire; more wait their turn, and their deadline includes that wait.

namespace surehop {

struct DnsServer {
    std::string address; // canonical text
    std::uint16_t port = 53;
};

struct AresSettings {
    std::vector<DnsServer> servers; // never empty: resolv.conf is read elsewhere
    Millis timeout{1500};           // of one try
    int tries = 2;                  // a question ends after timeout * 2^tries at the latest
    // Whether the AD bit of each of these servers may be believed (DESIGN invariant 7). c-ares does
    // not tell which server answered, so it is all or none: DnsServers sees to that.
    bool trusted_path = false;
};

class AresDns final : public Dns {
  public:
    // Error: c-ares refuses the settings.
    static Result<std::unique_ptr<AresDns>> create(asio::io_context& loop, AresSettings settings);
    // In the loop's thread or after the loop has ended. Questions under way end with `unreachable`.
    ~AresDns() override;

    asio::awaitable<DnsAnswer> ask(Question question) override;

  private:
    struct State;
    explicit AresDns(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

// A server's text from the configuration: "127.0.0.1", "127.0.0.1:53", "::1", "[::1]:5353".
Result<DnsServer> parse_dns_server(std::string_view text);

// On this machine, and not one of the stubs (127.0.0.53, 127.0.0.54, 127.0.0.11) that forward to
// somebody else and pass on an AD bit they have not checked.
bool is_trusted_path(const DnsServer& server);

// "127.0.0.1:53", "[::1]:53": what parse_dns_server() takes, and c-ares too.
std::string text_of(const DnsServer& server);

// The nameserver lines of a resolv.conf: the first three that can be read, as for the C library.
std::vector<DnsServer> read_resolv_conf(const std::string& text);

} // namespace surehop
