// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "metrics/measures.h"
#include "resolve/dns.h"
#include "resolve/https.h"

// DNS and HTTPS as whoever stands behind them answers, counted.

namespace surehop {

class MeasuredDns final : public Dns {
  public:
    MeasuredDns(Dns& inner, Measures& measures) : inner_(inner), measures_(measures) {}
    asio::awaitable<DnsAnswer> ask(Question question) override;

  private:
    Dns& inner_;
    Measures& measures_;
};

class MeasuredHttps final : public Https {
  public:
    MeasuredHttps(Https& inner, Measures& measures) : inner_(inner), measures_(measures) {}
    asio::awaitable<HttpsReply> get(HttpsRequest request) override;

  private:
    Https& inner_;
    Measures& measures_;
};

} // namespace surehop
