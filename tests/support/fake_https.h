// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resolve/https.h"
#include "resolve/loop.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Policy hosts without a network: a table of host → reply, which counts what is fetched. A host
// that is not in it cannot be reached.

namespace surehop::test {

class FakeHttps final : public Https {
  public:
    asio::awaitable<HttpsReply> get(HttpsRequest request) override {
        asked.push_back(std::move(request));
        const auto found = replies_.find(asked.back().host);
        co_return found == replies_.end() ? HttpsReply{} : found->second;
    }

    // What mta-sts.DOMAIN serves from now on, as RFC 8461 §3.2 wants it.
    void serve(const std::string& domain, std::string body) {
        HttpsReply reply;
        reply.reason = Reason::none;
        reply.status = 200;
        reply.media_type = "text/plain";
        reply.body = std::move(body);
        replies_["mta-sts." + domain] = std::move(reply);
    }
    // The same answer with another status, type or failure.
    HttpsReply& reply_of(const std::string& domain) { return replies_["mta-sts." + domain]; }
    // No answer comes of it until it serves something again.
    void fail(const std::string& domain, Reason why) {
        HttpsReply reply;
        reply.reason = why;
        replies_["mta-sts." + domain] = std::move(reply);
    }
    void stop(const std::string& domain) { replies_.erase("mta-sts." + domain); }

    std::vector<HttpsRequest> asked;

  private:
    std::map<std::string, HttpsReply> replies_;
};

// "version: STSv1\nmode: enforce\n...".
inline std::string policy_body(std::string_view mode, const std::vector<std::string>& mx,
                               std::string_view max_age = "604800") {
    std::string body = "version: STSv1\nmode: " + std::string(mode) + "\n";
    for (const std::string& pattern : mx)
        body += "mx: " + pattern + "\n";
    return body + "max_age: " + std::string(max_age) + "\n";
}

} // namespace surehop::test
