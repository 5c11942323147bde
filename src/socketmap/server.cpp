// SPDX-License-Identifier: Apache-2.0
#include "socketmap/server.h"

#include "socketmap/netstring.h"
#include "socketmap/request.h"

#include <algorithm>
#include <array>

namespace surehop {

namespace {

constexpr std::size_t longest_request = 10'000; // what Postfix sends at most

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
    Patience peer(std::move(connection), limits_.silence);
    NetstringReader reader(longest_request);
    std::array<char, 4096> buffer{};
    asio::error_code gone;
    std::string out;
    for (;;) {
        const std::size_t count = co_await peer.patiently().async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, gone));
        if (gone)
            co_return;
        const auto arrived = SteadyTime::clock::now();
        reader.feed(std::string_view(buffer.data(), count));
        while (const auto request = reader.next()) {
            std::variant<std::string, Asked> read = at_once(*request);
            if (auto* asked = std::get_if<Asked>(&read)) {
                // What is known already does not wait for what is not.
                if (!out.empty())
                    co_await asio::async_write(peer.patiently(), asio::buffer(out),
                                               asio::redirect_error(asio::use_awaitable, gone));
                if (gone)
                    co_return;
                out = to_netstring(co_await later(std::move(*asked), arrived));
            } else {
                out += to_netstring(std::get<std::string>(read));
            }
            measures_.lock_time.add(SteadyTime::clock::now() - arrived);
        }
        if (!out.empty())
            co_await asio::async_write(peer.patiently(), asio::buffer(out),
                                       asio::redirect_error(asio::use_awaitable, gone));
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
