// SPDX-License-Identifier: Apache-2.0
#include "exporter/exporter.h"

#include "milter/listen.h"

#include <fmt/format.h>

#include <microhttpd.h>

#include <string_view>
#include <unistd.h>

namespace surehop {

namespace {

constexpr unsigned most_connections = 16;
constexpr unsigned patience = 10; // seconds of silence
constexpr int backlog = 16;
constexpr std::size_t most_octets = 16'384; // that a request may take

MHD_Result reply(MHD_Connection* connection, unsigned status, const std::string& text,
                 const char* type = "text/plain; charset=utf-8") {
    MHD_Response* response = MHD_create_response_from_buffer(
        text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY);
    if (response == nullptr)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    const MHD_Result done = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return done;
}

// libmicrohttpd calls it once when the header is there, and again when the request has been read.
MHD_Result answer(void* page, MHD_Connection* connection, const char* url, const char* method,
                  const char* /*version*/, const char* /*data*/, std::size_t* octets,
                  void** request) {
    static const char seen = 0;
    if (*request == nullptr) {
        *request = const_cast<char*>(&seen);
        return MHD_YES;
    }
    if (*octets != 0) { // what a POST has to say does not matter
        *octets = 0;
        return MHD_YES;
    }
    const std::string_view verb = method;
    if (verb != MHD_HTTP_METHOD_GET && verb != MHD_HTTP_METHOD_HEAD)
        return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is answered\n");
    if (std::string_view(url) != "/metrics")
        return reply(connection, MHD_HTTP_NOT_FOUND, "see /metrics\n");
    const auto text = (*static_cast<const Exporter::Page*>(page))();
    if (!text)
        return reply(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "surehopd is busy\n");
    return reply(connection, MHD_HTTP_OK, *text, "text/plain; version=0.0.4; charset=utf-8");
}

} // namespace

struct Exporter::State {
    Page page;
    MHD_Daemon* daemon = nullptr;
};

Exporter::Exporter(std::unique_ptr<State> state) : state_(std::move(state)) {}

Exporter::~Exporter() { MHD_stop_daemon(state_->daemon); }

Result<std::unique_ptr<Exporter>> Exporter::open(const std::string& where, Page page) {
    const auto at = parse_listen_address(where);
    if (!at)
        return Error{at.error()};
    const auto listening = listen_tcp(*at, backlog);
    if (!listening)
        return Error{listening.error()};
    auto state = std::make_unique<State>();
    state->page = std::move(page);
    state->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, nullptr, nullptr, &answer, &state->page,
        MHD_OPTION_LISTEN_SOCKET, *listening, MHD_OPTION_CONNECTION_LIMIT, most_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, patience, MHD_OPTION_CONNECTION_MEMORY_LIMIT, most_octets,
        MHD_OPTION_END);
    if (state->daemon == nullptr) {
        ::close(*listening);
        return Error{fmt::format("cannot serve metrics on {}", where)};
    }
    return std::unique_ptr<Exporter>(new Exporter(std::move(state)));
}

} // namespace surehop
