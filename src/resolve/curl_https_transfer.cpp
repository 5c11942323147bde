// SPDX-License-Identifier: Apache-2.0
#include "resolve/curl_https_transfer.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <string_view>
#include <sys/socket.h>
#include <utility>

namespace surehop {

namespace {

constexpr std::size_t most_header_octets = 16384;
constexpr long dns_cache_seconds = 30; // how long a pin stays behind: without this, for ever
constexpr long ca_cache_seconds = 3600;

// The name goes into a URL, a pin and the TLS handshake: letters, digits, hyphens, underscores,
// dots.
bool is_host_name(std::string_view host) {
    return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
}

bool is_path(std::string_view path) {
    return path.starts_with('/') && path.size() <= 1024 &&
           std::all_of(path.begin(), path.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// "text/plain; charset=utf-8" → "text/plain" (RFC 8461 §3.2: parameters are ignored).
std::string media_type_of(const char* content_type) {
    if (content_type == nullptr)
        return {};
    const std::string_view text(content_type);
    return lower(trim(text.substr(0, text.find(';'))));
}

std::string address_of(const sockaddr& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* octets = nullptr;
    if (address.sa_family == AF_INET)
        octets = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    else if (address.sa_family == AF_INET6)
        octets = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (octets != nullptr)
        inet_ntop(address.sa_family, octets, text.data(), static_cast<socklen_t>(text.size()));
    return text.data();
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* to) {
    auto& transfer = *static_cast<CurlTransfer*>(to);
    const std::size_t octets = size * count;
    if (transfer.reply.body.size() + octets > transfer.most_octets) {
        transfer.too_large = true;
        return 0; // ends the transfer
    }
    transfer.reply.body.append(data, octets);
    return octets;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* to) {
    auto& transfer = *static_cast<CurlTransfer*>(to);
    const std::string_view line(data, size * count);
    transfer.header_whole = line == "\r\n" || line == "\n";
    transfer.header_octets += line.size();
    if (transfer.header_octets > most_header_octets) {
        transfer.too_large = true;
        return 0;
    }
    return line.size();
}

// libcurl from 8.10 on ends a connection in its own time, long after its transfer is gone: what TLS
// reports goes to something that belongs to both.
using Goodbye = CurlTransfer::Goodbye;

void forget_goodbye(void*, void* goodbye, CRYPTO_EX_DATA*, int, long, void*) {
    const std::unique_ptr<Goodbye> mine(static_cast<Goodbye*>(goodbye));
}

int goodbye_index() {
    static const int index =
        SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &forget_goodbye);
    return index;
}

void on_tls_event(const SSL* tls, int what, int value) {
    if (what != SSL_CB_READ_ALERT || (value & 0xff) != SSL_AD_CLOSE_NOTIFY)
        return;
    auto* const goodbye = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(tls), goodbye_index());
    **static_cast<Goodbye*>(goodbye) = true;
}

CURLcode on_tls_context(CURL*, void* context, void* of) {
    auto* const tls = static_cast<SSL_CTX*>(context);
    auto goodbye = std::make_unique<Goodbye>(static_cast<CurlTransfer*>(of)->goodbye);
    if (SSL_CTX_set_ex_data(tls, goodbye_index(), goodbye.get()) != 1)
        return CURLE_OUT_OF_MEMORY;
    [[maybe_unused]] auto* const its_own = goodbye.release(); // forget_goodbye() ends it
    SSL_CTX_set_info_callback(tls, on_tls_event);
    return CURLE_OK;
}

// RFC 9112 §8: what has a length or chunks, libcurl sees to; what ends with the connection is whole
// only if TLS has said goodbye (§9.8). libcurl lets that pass for the sake of old servers, but
// somebody who cuts the connection could make "max_age: 86400" pass for "max_age: 864".
bool is_whole(const CurlTransfer& transfer) {
    curl_off_t length = -1;
    curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_header* coding = nullptr;
    const bool chunked = curl_easy_header(transfer.easy, "Transfer-Encoding", 0, CURLH_HEADER, -1,
                                          &coding) == CURLHE_OK &&
                         lower(coding->value).find("chunked") != std::string::npos;
    const bool bodiless = transfer.reply.status == 204 || transfer.reply.status == 304;
    return transfer.header_whole && (length >= 0 || chunked || bodiless || *transfer.goodbye);
}

// The last guard before a packet leaves: whatever libcurl came to believe, it connects to one of
// the addresses that this transfer was given, or to none.
curl_socket_t on_open_socket(void* from, curlsocktype purpose, curl_sockaddr* to) {
    auto& transfer = *static_cast<CurlTransfer*>(from);
    const std::string address = address_of(to->addr);
    const auto& allowed = transfer.addresses;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        std::find(allowed.begin(), allowed.end(), address) == allowed.end()) {
        transfer.refused_address = true;
        return CURL_SOCKET_BAD;
    }
    return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

// RFC 8461 §3.3 wants the name in a DNS-ID of the certificate. libcurl takes the common name where
// a certificate has no DNS-ID at all; we do not.
bool has_dns_id(CURL* easy) {
    curl_certinfo* chain = nullptr;
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == nullptr ||
        chain->num_of_certs < 1)
        return false;
    constexpr std::string_view field = "X509v3 Subject Alternative Name:";
    for (const curl_slist* line = chain->certinfo[0]; line != nullptr; line = line->next) {
        const std::string_view text(line->data);
        if (text.starts_with(field) && text.find("DNS:") != std::string_view::npos)
            return true;
    }
    return false;
}

Reason reason_of(CURLcode code, const CurlTransfer& transfer) {
    if (transfer.too_large)
        return Reason::sts_fetch_size;
    switch (code) {
    case CURLE_OK:
        return Reason::none;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return Reason::sts_fetch_tls;
    case CURLE_OPERATION_TIMEDOUT:
        return Reason::sts_fetch_timeout;
    case CURLE_FILESIZE_EXCEEDED:
        return Reason::sts_fetch_size;
    case CURLE_SSL_CACERT_BADFILE: // ours: the CA file is missing or broken
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_FAILED_INIT:
    case CURLE_OUT_OF_MEMORY:
        return Reason::sts_fetch_local;
    case CURLE_COULDNT_CONNECT:
        return transfer.refused_address ? Reason::sts_fetch_address : Reason::sts_fetch_connect;
    default:
        return Reason::sts_fetch_connect;
    }
}

} // namespace

CurlTransfer::~CurlTransfer() { release(); }

void CurlTransfer::release() {
    curl_easy_cleanup(std::exchange(easy, nullptr));
    curl_slist_free_all(std::exchange(pins, nullptr));
}

void CurlTransfer::fail(Reason reason, std::string_view detail) {
    reply.reason = reason;
    reply.detail = printable(detail, 300);
    reply.body.clear();
}

bool CurlTransfer::prepare(const CurlSettings& settings, const std::string& ca_file) {
    if (!is_host_name(request.host) || !is_path(request.path)) {
        fail(Reason::sts_fetch_connect, "not the name of a host, or not a path");
        return false;
    }
    if (request.addresses.empty()) {
        fail(Reason::sts_fetch_connect, "the host has no address");
        return false;
    }
    for (const std::string& address : request.addresses)
        if (is_public_address(address) || is_within(address, settings.allow_private))
            addresses.push_back(address);
    if (addresses.empty()) {
        fail(Reason::sts_fetch_address,
             fmt::format("{} is not a public address", request.addresses.front()));
        return false;
    }
    most_octets = settings.most_bytes;
    easy = curl_easy_init();
    if (easy == nullptr || !set_options(settings, ca_file)) {
        fail(Reason::sts_fetch_local, "libcurl refuses an option");
        return false;
    }
    return true;
}

bool CurlTransfer::set_options(const CurlSettings& settings, const std::string& ca_file) {
    bool good = true;
    const auto set = [&](CURLoption option, auto value) {
        good = curl_easy_setopt(easy, option, value) == CURLE_OK && good;
    };
    const std::string& host = request.host;
    const std::string url = settings.port == 443
                                ? fmt::format("https://{}{}", host, request.path)
                                : fmt::format("https://{}:{}{}", host, settings.port, request.path);
    // "+": the pin ages in libcurl's DNS cache like a looked-up address, so that the cache stays
    // small.
    std::string pin = fmt::format("+{}:{}:", host, settings.port);
    for (const std::string& address : addresses) {
        if (pin.back() != ':')
            pin += ',';
        pin += address.find(':') == std::string::npos ? address : fmt::format("[{}]", address);
    }
    pins = curl_slist_append(nullptr, pin.c_str());
    if (pins == nullptr)
        return false;

    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_HTTP09_ALLOWED, 0L);
    set(CURLOPT_FOLLOWLOCATION, 0L); // RFC 8461 §3.3: 3xx is not followed
    set(CURLOPT_PROXY, "");          // not the one of the environment either (STS-23)
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(CURLOPT_USERAGENT, "surehop");
    set(CURLOPT_NOSIGNAL, 1L);

    // RFC 8461 §3.3, §7.2: WebPKI, the host's name, TLS 1.2 or later.
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L); // a resumed session shows no certificate
    set(CURLOPT_CERTINFO, 1L);
    set(CURLOPT_SSL_CTX_FUNCTION, &on_tls_context);
    set(CURLOPT_SSL_CTX_DATA, this);
    set(CURLOPT_CA_CACHE_TIMEOUT, ca_cache_seconds);
    if (!ca_file.empty()) {
        set(CURLOPT_CAINFO, ca_file.c_str());
        set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }

    // The addresses that we looked up, no others, and on no connection that others were pinned to.
    set(CURLOPT_RESOLVE, pins);
    set(CURLOPT_DNS_CACHE_TIMEOUT, dns_cache_seconds);
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);

    set(CURLOPT_TIMEOUT_MS, static_cast<long>(settings.timeout.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.timeout.count()));
    set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(settings.most_bytes));
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_ERRORBUFFER, error.data());
    return good;
}

void CurlTransfer::conclude(CURLcode code) {
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply.status);
    const char* content_type = nullptr;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &content_type);
    reply.media_type = media_type_of(content_type);
    if (const Reason reason = reason_of(code, *this); reason != Reason::none)
        fail(reason, error.front() != '\0' ? error.data() : curl_easy_strerror(code));
    else if (!has_dns_id(easy))
        fail(Reason::sts_fetch_tls, "the certificate names no host (subjectAltName)");
    else if (!is_whole(*this))
        fail(Reason::sts_fetch_connect, "the connection was cut before the end of the reply");
    else
        reply.reason = Reason::none;
}

} // namespace surehop
