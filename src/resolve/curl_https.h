// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "resolve/address_range.h"
#include "resolve/https.h"
#include "resolve/loop.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// HTTPS over libcurl, in a thread of its own, so that a TLS handshake never delays a warm look-up.
// RFC 8461 §3.3: only https, no redirects, no proxy, no cache, WebPKI with the policy host's name
// as DNS-ID and in SNI (§7.1), TLS 1.2 or later (RFC 8996), transfer, header and body bounded. No
// connection is reused: pinned addresses would leak into the next transfer.

namespace surehop {

struct CurlSettings {
    std::string ca_file; // empty: the system's store
    std::uint16_t port = 443;
    Millis timeout{10000}; // of the whole transfer
    std::size_t most_bytes = 65536;
    std::size_t most_in_flight = 64; // more wait their turn, no longer than `timeout`
    // Private, loopback, link-local and other special ranges (RFC 6890) are refused but for these.
    std::vector<std::string> allow_private;
};

class CurlHttps final : public Https {
  public:
    // Throws std::runtime_error when libcurl cannot start (start-up only).
    explicit CurlHttps(CurlSettings settings);
    // Before the callers' loops end. Transfers under way end with sts-fetch-connect.
    ~CurlHttps() override;

    // Callable from any coroutine; resumes on the caller's own executor.
    asio::awaitable<HttpsReply> get(HttpsRequest request) override;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace surehop
