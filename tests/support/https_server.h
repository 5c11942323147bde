// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "support/test_ca.h"

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// An HTTPS server on a port of 127.0.0.1 that the system picks. What it says after the handshake is
// a function, so that it can misbehave in any way: it writes octets, waits, and closes.

namespace surehop::test {

class HttpsServer;

// One connection after its handshake; the request has been read.
class HttpsConnection {
  public:
    HttpsConnection(HttpsServer& server, SSL* ssl, int fd) : server_(server), ssl_(ssl), fd_(fd) {}
    bool write(std::string_view octets); // false: the client has gone
    bool wait(Millis time);              // false: the client or the server has gone
    void cut();                          // closes without a TLS goodbye

  private:
    HttpsServer& server_;
    SSL* ssl_;
    int fd_;
};

struct HttpsContact { // what came over one connection
    std::string server_name, request;
    bool handshake = false;
};

class HttpsServer {
  public:
    using Behaviour = std::function<void(HttpsConnection&)>; // in a thread of its own

    HttpsServer(const Certificate& certificate, Behaviour behaviour,
                int newest_tls = TLS1_3_VERSION);
    ~HttpsServer();

    std::uint16_t port() const { return port_; }
    std::vector<HttpsContact> contacts() const;
    bool stopping() const { return stopping_; }

  private:
    void accept_all();
    void serve(int fd);

    Behaviour behaviour_;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_ = false;
    mutable std::mutex mutex_;
    std::vector<HttpsContact> contacts_;
    std::vector<std::thread> sessions_;
    std::thread acceptor_;
};

// "HTTP/1.1 200 OK" with a length, a type and the body.
std::string http_reply(std::string_view body, std::string_view status = "200 OK",
                       std::string_view content_type = "text/plain");

// A server that always gives one reply.
HttpsServer::Behaviour always(std::string reply);

} // namespace surehop::test
