// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "support/dns_message.h"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

// A name server on 127.0.0.1, UDP and TCP on one port that the system picks, in a thread of its
// own. A function says what it sends back for each query: nothing, one packet or several, at once
// or later.

namespace surehop::test {

struct DnsPacket {
    DnsPacket(Bytes bytes, Millis after = Millis{0}) : octets(std::move(bytes)), delay(after) {}
    DnsPacket(const DnsMessage& message, Millis after = Millis{0})
        : octets(message.bytes()), delay(after) {}
    Bytes octets;
    Millis delay;
};

class NameServer {
  public:
    using Answers =
        std::function<std::vector<DnsPacket>(const DnsQuery&)>; // in the server's thread

    explicit NameServer(Answers answers);
    ~NameServer();

    std::uint16_t port() const { return port_; }
    std::vector<DnsQuery> queries() const; // so far

  private:
    void run();
    void receive_udp();
    void receive_tcp(int fd);
    std::vector<DnsPacket> answer(std::span<const std::uint8_t> packet, bool tcp);

    Answers answers_;
    std::uint16_t port_ = 0;
    int udp_ = -1, tcp_ = -1, stop_ = -1;
    std::map<int, Bytes> connections_; // and what has been read of the next query
    struct Late;
    std::vector<Late> late_;
    mutable std::mutex mutex_;
    std::vector<DnsQuery> queries_;
    std::thread thread_;
};

} // namespace surehop::test
