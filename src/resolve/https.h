// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "facts/reason.h"
#include "resolve/loop.h"

#include <string>
#include <utility>
#include <vector>

// One HTTPS GET as RFC 8461 §3.3 wants it: no redirects, no caching, no proxy, WebPKI, TLS 1.2 or
// later, limits on time and size. The caller gives the addresses, from our own DNS.

namespace surehop {

struct HttpsRequest {
    HttpsRequest(std::string name, std::string where, std::vector<std::string> at)
        : host(std::move(name)), path(std::move(where)), addresses(std::move(at)) {}
    std::string host; // also SNI and the name that the certificate must hold
    std::string path;
    std::vector<std::string> addresses; // canonical text, tried in order
};

struct HttpsReply {
    Reason reason = Reason::sts_fetch_connect; // none: a whole answer came over valid TLS
    long status = 0;                           // HTTP status, when one came
    std::string media_type;                    // Content-Type, lower case, without parameters
    std::string body;
    std::string detail; // for the log: what the library said
};

class Https {
  public:
    virtual ~Https() = default;
    // Never throws, always ends.
    virtual asio::awaitable<HttpsReply> get(HttpsRequest request) = 0;
};

} // namespace surehop
