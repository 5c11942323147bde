// SPDX-License-Identifier: Apache-2.0
#include "resolve/curl_https.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <curl/curl.h>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace surehop {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t most_header_octets = 16384;
constexpr long dns_cache_seconds = 30; // how long a pin stays behind: without this, for ever
constexpr long ca_cache_seconds = 3600;

// One GET, shared by the coroutine that waits for it and by the thread that does it. Between
// submit() and the posted wake-up only that thread touches it, `abandoned` excepted.
struct Transfer {
    Transfer(asio::any_io_executor where, HttpsRequest asked)
        : request(std::move(asked)), executor(std::move(where)),
          wake(executor, asio::steady_timer::time_point::max()) {}

    HttpsRequest request;
    asio::any_io_executor executor; // the caller's
    asio::steady_timer wake;
    bool done = false;
    std::atomic<bool> abandoned = false;
    HttpsReply reply;

    steady_clock::time_point give_up{}; // while it waits for its turn
    std::vector<std::string> addresses; // the allowed ones
    std::size_t most_octets = 0, header_octets = 0;
    bool too_large = false, refused_address = false;
    curl_slist* pins = nullptr;
    CURL* easy = nullptr;
    std::array<char, CURL_ERROR_SIZE> error{};
};
using TransferPtr = std::shared_ptr<Transfer>;

void finish(const TransferPtr& transfer, Reason reason, std::string_view detail) {
    transfer->reply.reason = reason;
    transfer->reply.detail = printable(detail, 300);
    asio::post(transfer->executor, [transfer] {
        transfer->done = true;
        transfer->wake.cancel();
    });
}

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
    auto& transfer = *static_cast<Transfer*>(to);
    const std::size_t octets = size * count;
    if (transfer.reply.body.size() + octets > transfer.most_octets) {
        transfer.too_large = true;
        return 0; // ends the transfer
    }
    transfer.reply.body.append(data, octets);
    return octets;
}

std::size_t on_header(char*, std::size_t size, std::size_t count, void* to) {
    auto& transfer = *static_cast<Transfer*>(to);
    transfer.header_octets += size * count;
    if (transfer.header_octets > most_header_octets) {
        transfer.too_large = true;
        return 0;
    }
    return size * count;
}

// The last guard before a packet leaves: whatever libcurl came to believe, it connects to one of
// the addresses that this transfer was given, or to none.
curl_socket_t on_open_socket(void* from, curlsocktype purpose, curl_sockaddr* to) {
    auto& transfer = *static_cast<Transfer*>(from);
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

Reason reason_of(CURLcode code, const Transfer& transfer) {
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

struct CurlHttps::State {
    explicit State(CurlSettings given);

    const CurlSettings settings;
    std::string ca_file; // empty: libcurl's own default
    CURLM* multi = nullptr;
    std::thread thread;

    std::mutex mutex; // guards the two below
    std::vector<TransferPtr> submitted;
    bool stopping = false;

    // The thread's own.
    std::deque<TransferPtr> queue; // waiting for their turn
    std::map<CURL*, TransferPtr> running;

    static asio::awaitable<HttpsReply> get(std::shared_ptr<State> state, HttpsRequest request);
    void submit(const TransferPtr& transfer);
    void stop();
    void run();
    bool take_submitted();
    void start_queued();
    void start(const TransferPtr& transfer);
    bool set_options(Transfer& transfer) const;
    void end_finished();
    void end(const TransferPtr& transfer, CURLcode code);
    void abandon_all();
};

CurlHttps::State::State(CurlSettings given) : settings(std::move(given)) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw std::runtime_error("libcurl cannot start");
    multi = curl_multi_init();
    if (multi == nullptr)
        throw std::runtime_error("libcurl cannot start");
    // Debian's default is a CA file and a CA directory; with a directory libcurl reads the file
    // anew for every transfer. One readable file is enough.
    const char* built_in = curl_version_info(CURLVERSION_NOW)->cainfo;
    if (!settings.ca_file.empty())
        ca_file = settings.ca_file;
    else if (built_in != nullptr && ::access(built_in, R_OK) == 0)
        ca_file = built_in;
}

void CurlHttps::State::submit(const TransferPtr& transfer) {
    {
        const std::lock_guard lock(mutex);
        if (!stopping) {
            submitted.push_back(transfer);
            curl_multi_wakeup(multi);
            return;
        }
    }
    finish(transfer, Reason::sts_fetch_connect, "surehop is stopping");
}

asio::awaitable<HttpsReply> CurlHttps::State::get(std::shared_ptr<State> state,
                                                  HttpsRequest request) {
    const auto transfer =
        std::make_shared<Transfer>(co_await asio::this_coro::executor, std::move(request));
    state->submit(transfer);
    asio::error_code woken;
    co_await transfer->wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    if (!transfer->done) { // the caller was cancelled
        transfer->abandoned = true;
        co_return HttpsReply{};
    }
    co_return std::move(transfer->reply);
}

void CurlHttps::State::stop() {
    {
        const std::lock_guard lock(mutex);
        stopping = true;
    }
    curl_multi_wakeup(multi);
    thread.join();
    curl_multi_cleanup(multi);
    curl_global_cleanup();
}

void CurlHttps::State::run() {
    while (take_submitted()) {
        start_queued();
        int active = 0;
        curl_multi_perform(multi, &active);
        end_finished();
        if (!queue.empty() && running.size() < settings.most_in_flight)
            continue;
        curl_multi_poll(multi, nullptr, 0, 1000,
                        nullptr); // sooner at a wake-up or curl's own timer
    }
    abandon_all();
}

// False: it is time to stop.
bool CurlHttps::State::take_submitted() {
    std::vector<TransferPtr> fresh;
    {
        const std::lock_guard lock(mutex);
        if (stopping)
            return false;
        fresh.swap(submitted);
    }
    for (auto& transfer : fresh) {
        transfer->give_up = steady_clock::now() + settings.timeout;
        queue.push_back(std::move(transfer));
    }
    return true;
}

void CurlHttps::State::start_queued() {
    const auto now = steady_clock::now();
    while (!queue.empty() && queue.front()->give_up <= now) {
        finish(queue.front(), Reason::sts_fetch_timeout, "too many other transfers are under way");
        queue.pop_front();
    }
    while (!queue.empty() && running.size() < settings.most_in_flight) {
        const TransferPtr transfer = std::move(queue.front());
        queue.pop_front();
        if (!transfer->abandoned)
            start(transfer);
    }
}

void CurlHttps::State::start(const TransferPtr& transfer) {
    if (!is_host_name(transfer->request.host) || !is_path(transfer->request.path)) {
        finish(transfer, Reason::sts_fetch_connect, "not the name of a host, or not a path");
        return;
    }
    if (transfer->request.addresses.empty()) {
        finish(transfer, Reason::sts_fetch_connect, "the host has no address");
        return;
    }
    for (const std::string& address : transfer->request.addresses)
        if (is_public_address(address) || is_within(address, settings.allow_private))
            transfer->addresses.push_back(address);
    if (transfer->addresses.empty()) {
        finish(transfer, Reason::sts_fetch_address,
               fmt::format("{} is not a public address", transfer->request.addresses.front()));
        return;
    }
    transfer->most_octets = settings.most_bytes;
    transfer->easy = curl_easy_init();
    if (transfer->easy == nullptr || !set_options(*transfer) ||
        curl_multi_add_handle(multi, transfer->easy) != CURLM_OK) {
        end(transfer, CURLE_FAILED_INIT);
        return;
    }
    running.emplace(transfer->easy, transfer);
}

bool CurlHttps::State::set_options(Transfer& transfer) const {
    CURL* const easy = transfer.easy;
    bool good = true;
    const auto set = [&](CURLoption option, auto value) {
        good = curl_easy_setopt(easy, option, value) == CURLE_OK && good;
    };
    const std::string& host = transfer.request.host;
    const std::string url =
        settings.port == 443
            ? fmt::format("https://{}{}", host, transfer.request.path)
            : fmt::format("https://{}:{}{}", host, settings.port, transfer.request.path);
    // "+": the pin ages in libcurl's DNS cache like a looked-up address, so that the cache stays
    // small.
    std::string pin = fmt::format("+{}:{}:", host, settings.port);
    for (const std::string& address : transfer.addresses) {
        if (pin.back() != ':')
            pin += ',';
        pin += address.find(':') == std::string::npos ? address : fmt::format("[{}]", address);
    }
    transfer.pins = curl_slist_append(nullptr, pin.c_str());
    if (transfer.pins == nullptr)
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

    // RFC 8461 §3.3 and §7: WebPKI, the host's name, TLS 1.2 or later.
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L); // a resumed session shows no certificate
    set(CURLOPT_CERTINFO, 1L);
    set(CURLOPT_CA_CACHE_TIMEOUT, ca_cache_seconds);
    if (!ca_file.empty()) {
        set(CURLOPT_CAINFO, ca_file.c_str());
        set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }

    // The addresses that we looked up, no others, and on no connection that others were pinned to.
    set(CURLOPT_RESOLVE, transfer.pins);
    set(CURLOPT_DNS_CACHE_TIMEOUT, dns_cache_seconds);
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    set(CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
    set(CURLOPT_OPENSOCKETDATA, &transfer);

    set(CURLOPT_TIMEOUT_MS, static_cast<long>(settings.timeout.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.timeout.count()));
    set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(settings.most_bytes));
    set(CURLOPT_WRITEFUNCTION, &on_body);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_HEADERFUNCTION, &on_header);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_ERRORBUFFER, transfer.error.data());
    return good;
}

void CurlHttps::State::end_finished() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg != CURLMSG_DONE)
            continue;
        const CURLcode code = message->data.result;
        auto ended = running.extract(message->easy_handle);
        end(ended.mapped(), code);
    }
}

void CurlHttps::State::end(const TransferPtr& transfer, CURLcode code) {
    Reason reason = reason_of(code, *transfer);
    std::string detail = transfer->error.data();
    if (detail.empty() && code != CURLE_OK)
        detail = curl_easy_strerror(code);
    if (transfer->easy != nullptr) {
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &transfer->reply.status);
        const char* content_type = nullptr;
        curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &content_type);
        transfer->reply.media_type = media_type_of(content_type);
        if (reason == Reason::none && !has_dns_id(transfer->easy)) {
            reason = Reason::sts_fetch_tls;
            detail = "the certificate names no host (subjectAltName)";
        }
        curl_multi_remove_handle(multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
        transfer->easy = nullptr;
    }
    curl_slist_free_all(std::exchange(transfer->pins, nullptr));
    if (reason != Reason::none)
        transfer->reply.body.clear();
    finish(transfer, reason, detail);
}

void CurlHttps::State::abandon_all() {
    constexpr std::string_view stopping_text = "surehop is stopping";
    for (const auto& [easy, transfer] : std::exchange(running, {}))
        end(transfer, CURLE_ABORTED_BY_CALLBACK);
    {
        const std::lock_guard lock(mutex);
        queue.insert(queue.end(), submitted.begin(), submitted.end());
        submitted.clear();
    }
    for (const TransferPtr& transfer : std::exchange(queue, {}))
        finish(transfer, Reason::sts_fetch_connect, stopping_text);
}

CurlHttps::CurlHttps(CurlSettings settings) : state_(std::make_shared<State>(std::move(settings))) {
    // Signals are for the main thread; SIGPIPE shows as EPIPE.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    state_->thread = std::thread([state = state_.get()] { state->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

CurlHttps::~CurlHttps() { state_->stop(); }

asio::awaitable<HttpsReply> CurlHttps::get(HttpsRequest request) {
    return State::get(state_, std::move(request)); // which may outlive this object
}

} // namespace surehop
