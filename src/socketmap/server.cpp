// SPDX-License-Identifier: Apache-2.0
#include "socketmap/server.h"

#include "base/text.h"
#include "socketmap/netstring.h"

#include <fmt/format.h>

#include <array>

namespace surehop {

namespace {

constexpr std::size_t longest_request = 10'000; // what Postfix sends at most
constexpr Millis deadline{8'000};
constexpr std::chrono::seconds longest_silence{300};

std::string on_wire(const LockAnswer& answer) {
    switch (answer.kind) {
    case LockAnswer::Kind::policy:
        return "OK " + answer.text;
    case LockAnswer::Kind::not_found:
        return "NOTFOUND ";
    case LockAnswer::Kind::temporary:
        break;
    }
    return "TEMP " + answer.text;
}

} // namespace

SocketmapServer::SocketmapServer(const Gate& gate, const Clock& clock,
                                 std::function<SitePtr()> site)
    : gate_(gate), clock_(clock), site_(std::move(site)) {}

asio::awaitable<void> SocketmapServer::serve(StreamSocket connection) {
    Patience peer(std::move(connection), longest_silence);
    NetstringReader reader(longest_request);
    std::array<char, 4096> buffer{};
    for (;;) {
        asio::error_code gone;
        const std::size_t count = co_await peer.patiently().async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, gone));
        if (gone)
            co_return;
        reader.feed(std::string_view(buffer.data(), count));
        std::string out;
        while (auto request = reader.next())
            out += to_netstring(co_await answer(*std::move(request)));
        if (!out.empty())
            co_await asio::async_write(peer.patiently(), asio::buffer(out),
                                       asio::redirect_error(asio::use_awaitable, gone));
        if (gone || reader.broken())
            co_return;
    }
}

asio::awaitable<std::string> SocketmapServer::answer(std::string request) {
    const auto space = request.find(' ');
    const std::string_view map = std::string_view(request).substr(0, space);
    const auto consumer = lock_of(map);
    if (space == std::string::npos || !consumer || *consumer == Lock::none)
        co_return fmt::format("PERM no map '{}' here; use postfix, postfix310 or sendmail",
                              printable(map, 40));
    const std::string_view key = std::string_view(request).substr(space + 1);
    if (key.starts_with('.'))
        co_return "NOTFOUND ";
    const auto next_hop = NextHop::parse(key);
    if (!next_hop) // never "not found": the MTA would send without a policy
        co_return fmt::format("TEMP {}", printable(next_hop.error()));

    const SitePtr site = site_();
    auto known = gate_.bind_known(*next_hop, *site, *consumer, clock_.now());
    if (const auto* miss = std::get_if<Miss>(&known)) {
        const Learnt learnt = co_await gate_.resolver().learn(miss->next_hop, deadline);
        known = gate_.bind_known(*next_hop, *site, *consumer, clock_.now());
        if (std::holds_alternative<Miss>(known))
            co_return on_wire(Gate::bind_unlearnt(reason_of(learnt)));
    }
    co_return on_wire(std::get<LockAnswer>(known));
}

} // namespace surehop
