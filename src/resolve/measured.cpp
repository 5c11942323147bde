// SPDX-License-Identifier: Apache-2.0
#include "resolve/measured.h"

#include <chrono>
#include <string_view>

namespace surehop {

namespace {

std::string_view name_of(RrType type) {
    switch (type) {
    case RrType::a:
        return "a";
    case RrType::cname:
        return "cname";
    case RrType::soa:
        return "soa";
    case RrType::mx:
        return "mx";
    case RrType::txt:
        return "txt";
    case RrType::aaaa:
        return "aaaa";
    case RrType::tlsa:
        return "tlsa";
    }
    return "other";
}

std::string_view name_of(DnsStatus status) {
    switch (status) {
    case DnsStatus::answer:
        return "answer";
    case DnsStatus::no_data:
        return "no-data";
    case DnsStatus::no_name:
        return "no-name";
    case DnsStatus::timeout:
        return "timeout";
    case DnsStatus::unreachable:
        return "unreachable";
    case DnsStatus::servfail:
        return "servfail";
    case DnsStatus::refused:
        return "refused";
    case DnsStatus::malformed:
        return "malformed";
    }
    return "other";
}

} // namespace

// Not by a Lap: what is under way when surehopd stops is destroyed with the loop, after the
// measures.
asio::awaitable<DnsAnswer> MeasuredDns::ask(Question question) {
    const RrType type = question.type;
    const auto began = std::chrono::steady_clock::now();
    DnsAnswer answer = co_await inner_.ask(std::move(question));
    measures_.dns_time.add(std::chrono::steady_clock::now() - began);
    measures_.dns.add({name_of(type), name_of(answer.status)});
    co_return answer;
}

asio::awaitable<HttpsReply> MeasuredHttps::get(HttpsRequest request) {
    constexpr long ok = 200;
    const auto began = std::chrono::steady_clock::now();
    HttpsReply reply = co_await inner_.get(std::move(request));
    measures_.fetch_time.add(std::chrono::steady_clock::now() - began);
    if (reply.reason != Reason::none)
        measures_.fetches.add({token_of(reply.reason)});
    else
        measures_.fetches.add({reply.status == ok ? "ok" : token_of(Reason::sts_fetch_status)});
    co_return reply;
}

} // namespace surehop
