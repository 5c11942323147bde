// SPDX-License-Identifier: Apache-2.0
#include "socketmap/server.h"

#include "socketmap/netstring.h"
#include "socketmap/request.h"

#include <algorithm>
#include <array>

namespace surehop {

namespace {

constexpr std::size_t longest_request = 10'000; // what Postfix sends at most

// What of it the socket takes at once: as a rule all.
std::size_t said_at_once(Patience& peer, const std::string& text, asio::error_code& gone) {
    const std::size_t said =
        text.empty() ? 0 : peer.patiently().write_some(asio::buffer(text), gone);
    if (gone == asio::error::would_block)
        gone.clear();
    return said;
}

asio::awaitable<void> say_rest(Patience& peer, const std::string& text, std::size_t said,
                               asio::error_code& gone) {
    co_await asio::async_write(peer.patiently(), asio::buffer(text) + said,
                               asio::redirect_error(asio::use_awaitable, gone));
}

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
                                 std::function<SitePtr()> site, Deferrals& deferrals,
                                 Measures& measures, SocketmapLimits limits)
    : gate_(gate), clock_(clock), site_(std::move(site)), deferrals_(deferrals),
      measures_(measures), limits_(limits) {}

asio::awaitable<void> SocketmapServer::serve(StreamSocket connection) {
    asio::error_code gone;
    connection.non_blocking(true, gone);
    if (gone)
        co_return;
    Patience peer(std::move(connection), limits_.silence);
    NetstringReader reader(longest_request);
    std::array<char, 4096> buffer{};
    std::string out;
    for (;;) {
        // To wait first, and then to read once, spares the read that finds nothing yet.
        co_await peer.patiently().async_wait(asio::socket_base::wait_read,
                                             asio::redirect_error(asio::use_awaitable, gone));
        std::size_t count = 0;
        if (!gone)
            count = peer.patiently().read_some(asio::buffer(buffer), gone);
        if (gone == asio::error::would_block)
            continue; // and waits again
        if (gone)
            co_return;
        const auto arrived = SteadyTime::clock::now();
        reader.feed(std::string_view(buffer.data(), count));
        while (const auto request = reader.next()) {
            std::variant<std::string, Asked> read = at_once(*request);
            if (auto* asked = std::get_if<Asked>(&read)) {
                // What is known already does not wait for what is not.
                if (const auto said = said_at_once(peer, out, gone); !gone && said < out.size())
                    co_await say_rest(peer, out, said, gone);
                if (gone)
                    co_return;
                out = to_netstring(co_await later(std::move(*asked), arrived));
            } else {
                out += to_netstring(std::get<std::string>(read));
            }
            measures_.lock_time.add(SteadyTime::clock::now() - arrived);
        }
        if (const auto said = said_at_once(peer, out, gone); !gone && said < out.size())
            co_await say_rest(peer, out, said, gone);
        out.clear();
        if (gone || reader.broken())
            co_return;
    }
}

asio::awaitable<std::string> SocketmapServer::answer(std::string request) {
    std::variant<std::string, Asked> read = at_once(request);
    if (auto* asked = std::get_if<Asked>(&read))
        co_return co_await later(std::move(*asked), SteadyTime::clock::now());
    co_return std::get<std::string>(std::move(read));
}

std::variant<std::string, SocketmapServer::Asked>
SocketmapServer::at_once(std::string_view request) const {
    const SitePtr site = site_();
    auto read = read_request(request);
    if (auto* text = std::get_if<std::string>(&read)) {
        if (!text->starts_with("NOTFOUND"))
            deferrals_.note_unreadable(request, *text, site->rules->mode(), clock_.now());
        return std::move(*text);
    }
    auto& [next_hop, consumer] = std::get<LockQuestion>(read);
    const auto known = gate_.bind_known(next_hop, *site, consumer, clock_.now());
    if (const auto* miss = std::get_if<Miss>(&known))
        return Asked(std::move(next_hop), consumer, miss->next_hops.front());
    return answered(next_hop, std::get<LockAnswer>(known), *site);
}

std::string SocketmapServer::answered(const NextHop& next_hop, const LockAnswer& answer,
                                      const Site& site) const {
    deferrals_.note(next_hop, answer, site.rules->mode(), clock_.now());
    return on_wire(answer);
}

asio::awaitable<std::string> SocketmapServer::later(Asked asked, SteadyTime arrived) {
    // Several questions may have come at once: each counts from there.
    const Millis patience = asked.consumer == Lock::sendmail ? limits_.sendmail_wait : limits_.wait;
    const auto spent = std::chrono::ceil<Millis>(SteadyTime::clock::now() - arrived);
    const Learnt learnt =
        co_await gate_.resolver().learn(asked.unknown, std::max(patience - spent, Millis{0}));
    const SitePtr site = site_();
    const auto known = gate_.bind_known(asked.next_hop, *site, asked.consumer, clock_.now());
    if (std::holds_alternative<Miss>(known))
        co_return answered(
            asked.next_hop,
            gate_.bind_unlearnt(asked.next_hop, *site, reason_of(learnt), clock_.now()), *site);
    co_return answered(asked.next_hop, std::get<LockAnswer>(known), *site);
}

} // namespace surehop
