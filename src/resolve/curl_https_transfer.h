// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resolve/curl_https.h"

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

// One GET of CurlHttps: what libcurl is told, what it may connect to, and what is made of its
// result. Shared by the coroutine that waits and by the thread that transfers. From its submission
// until `done` only that thread touches it, `abandoned` excepted.

namespace surehop {

struct CurlTransfer {
    CurlTransfer(asio::any_io_executor where, HttpsRequest asked)
        : request(std::move(asked)), executor(std::move(where)),
          wake(executor, asio::steady_timer::time_point::max()) {}
    ~CurlTransfer();
    CurlTransfer(const CurlTransfer&) = delete;
    CurlTransfer& operator=(const CurlTransfer&) = delete;

    // Makes `easy`. False: `reply` says why there is nothing to transfer.
    bool prepare(const CurlSettings& settings, const std::string& ca_file);
    // Fills `reply` from what has become of it.
    void conclude(CURLcode code);
    void fail(Reason reason, std::string_view detail);
    void release(); // what libcurl holds: in its thread, and before libcurl itself ends

    HttpsRequest request;
    asio::any_io_executor executor; // the caller's
    asio::steady_timer wake;        // cancelled: it is done
    bool done = false;
    std::atomic<bool> abandoned = false;
    HttpsReply reply;

    std::chrono::steady_clock::time_point give_up{}; // while it waits for its turn
    std::vector<std::string> addresses;              // those of the request that are allowed
    std::size_t most_octets = 0, header_octets = 0;
    bool header_whole = false; // its last line came
    using Goodbye = std::shared_ptr<bool>;
    Goodbye goodbye = std::make_shared<bool>(false); // TLS close_notify came
    bool too_large = false;                          // we ended it
    bool refused_address = false;                    // libcurl wanted to connect elsewhere
    CURL* easy = nullptr;
    curl_slist* pins = nullptr;
    std::array<char, CURL_ERROR_SIZE> error{};

  private:
    bool set_options(const CurlSettings& settings, const std::string& ca_file);
};
using CurlTransferPtr = std::shared_ptr<CurlTransfer>;

} // namespace surehop
