// SPDX-License-Identifier: Apache-2.0
#include "resolve/curl_https.h"

#include "resolve/curl_https_transfer.h"

#include <chrono>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>

namespace surehop {

namespace {

using std::chrono::steady_clock;

// Wakes the coroutine that waits, on its own executor.
void hand_over(const CurlTransferPtr& transfer) {
    transfer->release();
    asio::post(transfer->executor, [transfer] {
        transfer->done = true;
        transfer->wake.cancel();
    });
}

void give_up(const CurlTransferPtr& transfer, Reason reason, std::string_view why) {
    transfer->fail(reason, why);
    hand_over(transfer);
}

constexpr std::string_view stopping_text = "surehop is stopping";

} // namespace

struct CurlHttps::State {
    explicit State(CurlSettings given);

    const CurlSettings settings;
    std::string ca_file; // empty: libcurl's own default
    CURLM* multi = nullptr;
    std::thread thread;

    std::mutex mutex; // guards the two below
    std::vector<CurlTransferPtr> submitted;
    bool stopping = false;

    // The thread's own.
    std::deque<CurlTransferPtr> queue; // waiting for their turn
    std::map<CURL*, CurlTransferPtr> running;

    static asio::awaitable<HttpsReply> get(std::shared_ptr<State> state, HttpsRequest request);
    void submit(const CurlTransferPtr& transfer);
    void stop();
    void run();
    bool take_submitted();
    void start_queued();
    void start(const CurlTransferPtr& transfer);
    void end_finished();
    void end(const CurlTransferPtr& transfer, CURLcode code);
    void abandon_all();
};

CurlHttps::State::State(CurlSettings given) : settings(std::move(given)) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw std::runtime_error("libcurl cannot start");
    multi = curl_multi_init();
    if (multi == nullptr)
        throw std::runtime_error("libcurl cannot start");
    const curl_version_info_data* const version = curl_version_info(CURLVERSION_NOW);
    if (!std::string_view(version->ssl_version).starts_with("OpenSSL")) // on_tls_context
        throw std::runtime_error("libcurl must be the one with OpenSSL");
    // Debian's default is a CA file and a CA directory; with a directory libcurl reads the file
    // anew for every transfer. One readable file is enough.
    const char* const built_in = version->cainfo;
    if (!settings.ca_file.empty())
        ca_file = settings.ca_file;
    else if (built_in != nullptr && ::access(built_in, R_OK) == 0)
        ca_file = built_in;
}

void CurlHttps::State::submit(const CurlTransferPtr& transfer) {
    {
        const std::lock_guard lock(mutex);
        if (!stopping) {
            submitted.push_back(transfer);
            curl_multi_wakeup(multi);
            return;
        }
    }
    give_up(transfer, Reason::sts_fetch_connect, stopping_text);
}

asio::awaitable<HttpsReply> CurlHttps::State::get(std::shared_ptr<State> state,
                                                  HttpsRequest request) {
    const auto transfer =
        std::make_shared<CurlTransfer>(co_await asio::this_coro::executor, std::move(request));
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
        constexpr int longest_wait_ms = 1000; // a wake-up or one of libcurl's timers ends it sooner
        curl_multi_poll(multi, nullptr, 0, longest_wait_ms, nullptr);
    }
    abandon_all();
}

// False: it is time to stop.
bool CurlHttps::State::take_submitted() {
    std::vector<CurlTransferPtr> fresh;
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
        give_up(queue.front(), Reason::sts_fetch_timeout, "too many other transfers are under way");
        queue.pop_front();
    }
    while (!queue.empty() && running.size() < settings.most_in_flight) {
        const CurlTransferPtr transfer = std::move(queue.front());
        queue.pop_front();
        if (!transfer->abandoned)
            start(transfer);
    }
}

void CurlHttps::State::start(const CurlTransferPtr& transfer) {
    if (!transfer->prepare(settings, ca_file))
        hand_over(transfer);
    else if (curl_multi_add_handle(multi, transfer->easy) != CURLM_OK)
        give_up(transfer, Reason::sts_fetch_local, "libcurl refuses the transfer");
    else
        running.emplace(transfer->easy, transfer);
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

void CurlHttps::State::end(const CurlTransferPtr& transfer, CURLcode code) {
    transfer->conclude(code);
    curl_multi_remove_handle(multi, transfer->easy);
    hand_over(transfer);
}

void CurlHttps::State::abandon_all() {
    for (const auto& [easy, transfer] : std::exchange(running, {})) {
        curl_multi_remove_handle(multi, easy);
        give_up(transfer, Reason::sts_fetch_connect, stopping_text);
    }
    {
        const std::lock_guard lock(mutex);
        queue.insert(queue.end(), submitted.begin(), submitted.end());
        submitted.clear();
    }
    for (const CurlTransferPtr& transfer : std::exchange(queue, {}))
        give_up(transfer, Reason::sts_fetch_connect, stopping_text);
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
