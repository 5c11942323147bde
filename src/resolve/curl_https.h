// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "resolve/https.h"
#include "resolve/loop.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// HTTPS over libcurl, in a loop and thread of its own, so that a TLS handshake never delays a warm
// look-up. RFC 8461 §3.3: only https, no redirects, no proxy, no cache, WebPKI with the policy host's
// name, TLS 1.2 or later (RFC 8996), whole transfer and body bounded. No connection is reused:
// pinned addresses would leak into the next transfer.

namespace surehop {

struct CurlSettings {
    std::string ca_file;   // empty: the system's store
    std::uint16_t port = 443;
    Millis timeout{10000}; // of the whole transfer
    std::size_t most_bytes = 65536;
    std::size_t most_in_flight = 64; // more wait their turn
    // Private, loopback, link-local and other special ranges (RFC 6890) are refused but for these.
    std::vector<std::string> allow_private;
};

class CurlHttps final : public Https {
  public:
    // Throws std::runtime_error when libcurl cannot start (start-up only).
    explicit CurlHttps(CurlSettings settings);
    ~CurlHttps() override; // transfers under way end with sts-fetch-connect

    // Callable from any coroutine; resumes on the caller's own executor.
    asio::awaitable<HttpsReply> get(HttpsRequest request) override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Ranges: "10.0.0.0/8", "2001:db8::/32", or one address. Whether a policy host may live there: RFC 6890 special-purpose ranges of both families, mapped
// (::ffff:0:0/96), NAT64 and 6to4 forms of them included, are not public.
bool is_public_address(const std::string& address);
// An error names the range that cannot be read.
Status check_ranges(const std::vector<std::string>& ranges);
bool is_within(const std::string& address, const std::vector<std::string>& ranges);

} // namespace surehop
