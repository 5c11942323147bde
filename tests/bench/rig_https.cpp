// SPDX-License-Identifier: Apache-2.0

// The HTTPS host of every MTA-STS policy: it makes a certificate for each name when it is first
// asked for, and answers every request with an enforce policy of that name's domain, once per
// connection. rig_https ADDRESS PORT CA-FILE; the CA's certificate is written to CA-FILE.
//
// A line on standard input is answered by the number of requests so far.

#include "bench.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>
#include <thread>

namespace {

using bench::fail;

std::atomic<std::uint64_t> requests{0}; // NOLINT: a program of one file

struct Authority {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    EVP_PKEY* host_key = EVP_EC_gen("P-256"); // one for all hosts
    X509* certificate = nullptr;
};

void add(X509* to, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context{};
    X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    if (extension == nullptr)
        fail("no extension " + value);
    X509_add_ext(to, extension, -1);
    X509_EXTENSION_free(extension);
}

X509* certificate(const std::string& name, EVP_PKEY* key, X509* issuer, EVP_PKEY* signer) {
    static std::atomic<long> serial{1};
    X509* out = X509_new();
    X509_set_version(out, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(out), serial++);
    X509_gmtime_adj(X509_getm_notBefore(out), -3600);
    X509_gmtime_adj(X509_getm_notAfter(out), 86400);
    X509_set_pubkey(out, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(out), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(issuer ? "host" : "rig"), -1,
                               -1, 0);
    X509_set_issuer_name(out, issuer ? X509_get_subject_name(issuer) : X509_get_subject_name(out));
    if (issuer != nullptr)
        add(out, issuer, NID_subject_alt_name, "DNS:" + name);
    else
        add(out, out, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(out, signer, EVP_sha256());
    return out;
}

int choose(SSL* tls, int*, void* of) {
    const auto& authority = *static_cast<Authority*>(of);
    const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    X509* made = certificate(name, authority.host_key, authority.certificate, authority.key);
    SSL_use_certificate(tls, made);
    SSL_use_PrivateKey(tls, authority.host_key);
    X509_free(made);
    return SSL_TLSEXT_ERR_OK;
}

void serve(SSL_CTX* context, int fd) {
    SSL* tls = SSL_new(context);
    SSL_set_fd(tls, fd);
    std::string request;
    std::array<char, 4096> octets{};
    if (SSL_accept(tls) == 1) {
        while (request.find("\r\n\r\n") == std::string::npos) {
            const int got = SSL_read(tls, octets.data(), static_cast<int>(octets.size()));
            if (got <= 0)
                break;
            request.append(octets.data(), static_cast<std::size_t>(got));
        }
        ++requests;
        const std::string host = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
        const std::string body = "version: STSv1\r\nmode: enforce\r\nmx: mx." +
                                 host.substr(host.find('.') + 1) + "\r\nmax_age: 604800\r\n";
        const std::string reply =
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
        SSL_write(tls, reply.data(), static_cast<int>(reply.size()));
        SSL_shutdown(tls);
    }
    SSL_free(tls);
    ::close(fd);
}

} // namespace

int main(int count, char** words) {
    if (count < 4)
        return 64;
    std::signal(SIGPIPE, SIG_IGN);
    Authority authority;
    authority.certificate = certificate("", authority.key, nullptr, authority.key);
    FILE* file = std::fopen(words[3], "w");
    if (file == nullptr || PEM_write_X509(file, authority.certificate) != 1)
        fail(std::string("cannot write ") + words[3]);
    std::fclose(file);

    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_tlsext_servername_callback(context, choose);
    SSL_CTX_set_tlsext_servername_arg(context, &authority);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0); // nobody comes twice

    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(std::stoi(words[2])));
    ::inet_pton(AF_INET, words[1], &at.sin_addr);
    const int door = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ::setsockopt(door, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::bind(door, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(door, 1024) != 0)
        fail(std::string("cannot listen: ") + std::strerror(errno));
    for (int i = 0; i < 16; ++i)
        std::thread([&] {
            for (;;)
                if (const int fd = ::accept4(door, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0)
                    serve(context, fd);
        }).detach();
    std::puts("serves");
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);)
        std::cout << requests << std::endl;
    std::_Exit(0);
}
