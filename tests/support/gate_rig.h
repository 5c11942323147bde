// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/gate.h"
#include "gate/site.h"
#include "resolve/resolver.h"
#include "store/ledger.h"
#include "support/still_clock.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

// A whole gate for tests: the real spine, rules and store (SQLite in a folder of its own), with
// facts put in by hand, a DNS that says no to everything after a time of our choosing, and a clock
// that stands still.

namespace surehop::test {

class MapBook final : public FactsBook {
  public:
    Result<FactsPtr> read(std::string_view key) override;
    void put(const std::string& key, FactsPtr facts) override;

  private:
    std::mutex mutex_;
    std::unordered_map<std::string, FactsPtr> facts_;
};

// Every name does not exist, `delay` after it was asked for.
class NoDns final : public Dns {
  public:
    asio::awaitable<DnsAnswer> ask(Question question) override;
    std::atomic<Millis> delay{Millis{0}};
    std::atomic<int> asked{0};
};

class NoHttps final : public Https {
  public:
    asio::awaitable<HttpsReply> get(HttpsRequest request) override;
};

Path path(std::string_view text);   // throws when it is none
NextHop hop(std::string_view text); // likewise
AddressPattern pattern(std::string_view text);

// What a next hop publishes, until an hour after `now`.
FactsPtr dane_facts(std::string_view host, Time now);
FactsPtr bare_facts(std::string_view host, Time now); // nothing
FactsPtr null_mx_facts(Time now);
FactsPtr no_domain_facts(Time now);
FactsPtr failed_facts(Reason reason, Time now); // the MX look-up failed

class GateRig {
  public:
    explicit GateRig(ResolverLimits limits = {});
    ~GateRig();

    void knows(std::string_view next_hop, FactsPtr facts);

    // A site that demands `authenticated` of everybody and refuses what falls short.
    static Requirement requirement();
    void site_of(Requirement last_resort, std::vector<Rule> rules = {});

    std::vector<LedgerRow> rows(std::string_view what); // latest first
    void break_ledger();                                // every later write fails
    void mend_ledger();

    StillClock clock;
    MapBook book;
    NoDns dns;
    NoHttps https;
    Site site; // copied by whoever captures it

  private:
    struct Folder {
        Folder();
        ~Folder();
        std::filesystem::path path;
    };
    Folder folder_;
    std::string store_;
    asio::io_context loop_;
    asio::executor_work_guard<asio::io_context::executor_type> busy_;
    std::thread loop_thread_;

  public:
    Database reader;
    Writer writer;
    std::unique_ptr<Allowlist> allowlist;
    std::unique_ptr<Promises> promises;
    Ledger ledger;
    Outage outage;
    Resolver resolver;
    Gate gate;
    References references;
};

} // namespace surehop::test
