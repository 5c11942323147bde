// SPDX-License-Identifier: Apache-2.0
#include "support/https_server.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace surehop::test {

namespace {

// A write to a client that has gone must give an error here, not a signal to the whole test.
struct NoSigpipe {
    NoSigpipe() {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    }
};

std::string read_request(SSL* ssl) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos && request.size() < 65536) {
        const int octets = SSL_read(ssl, buffer, sizeof buffer);
        if (octets <= 0)
            break;
        request.append(buffer, static_cast<std::size_t>(octets));
    }
    return request;
}

} // namespace

bool HttpsConnection::write(std::string_view octets) {
    return fd_ >= 0 && SSL_write(ssl_, octets.data(), static_cast<int>(octets.size())) > 0;
}

bool HttpsConnection::wait(Millis time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
        pollfd gone{fd_, POLLIN | POLLRDHUP, 0};
        if (server_.stopping() || (poll(&gone, 1, 5) > 0 && gone.revents != 0))
            return false;
    }
    return true;
}

void HttpsConnection::cut() {
    ::shutdown(fd_, SHUT_RDWR);
    fd_ = -1;
    SSL_set_quiet_shutdown(ssl_, 1);
}

HttpsServer::HttpsServer(const Certificate& certificate, Behaviour behaviour, int newest_tls)
    : behaviour_(std::move(behaviour)), context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), newest_tls);
    SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0"); // else no TLS 1.1
    SSL_CTX_use_certificate(context_.get(), certificate.x509.get());
    SSL_CTX_use_PrivateKey(context_.get(), certificate.key.get());

    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(listener_, 128) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("no port for the test's HTTPS server");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

HttpsServer::~HttpsServer() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& session : sessions_)
        session.join();
    close(listener_);
}

std::vector<HttpsContact> HttpsServer::contacts() const {
    const std::lock_guard lock(mutex_);
    return contacts_;
}

void HttpsServer::accept_all() {
    while (!stopping_) {
        pollfd waiting{listener_, POLLIN, 0};
        if (poll(&waiting, 1, 10) <= 0)
            continue;
        if (const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
            sessions_.emplace_back([this, fd] { serve(fd); });
    }
}

void HttpsServer::serve(int fd) {
    const NoSigpipe no_sigpipe;
    const timeval limit{5, 0}; // a client that stands still must not hang the test
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl.get(), fd);
    HttpsContact contact;
    contact.handshake = SSL_accept(ssl.get()) == 1;
    if (const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name))
        contact.server_name = name;
    if (contact.handshake)
        contact.request = read_request(ssl.get());
    const bool asked = !contact.request.empty();
    {
        const std::lock_guard lock(mutex_);
        contacts_.push_back(std::move(contact));
    }
    if (asked) {
        HttpsConnection connection(*this, ssl.get(), fd);
        behaviour_(connection);
        SSL_shutdown(ssl.get());
    }
    close(fd);
}

std::string http_reply(std::string_view body, std::string_view status,
                       std::string_view content_type) {
    return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", status,
                       content_type, body.size(), body);
}

HttpsServer::Behaviour always(std::string reply) {
    return [reply = std::move(reply)](HttpsConnection& connection) { connection.write(reply); };
}

} // namespace surehop::test
