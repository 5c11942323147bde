// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "cmd/exception_files.h"
#include "cmd/exception_watch.h"
#include "cmd/facts_changes.h"
#include "conf/settings.h"
#include "control/commands.h"
#include "gate/gate.h"
#include "gate/refresher.h"
#include "resolve/curl_https.h"
#include "resolve/dns_servers.h"
#include "resolve/measured.h"
#include "resolve/resolver.h"
#include "store/allowlist.h"
#include "store/database.h"
#include "store/facts_store.h"
#include "store/ledger.h"
#include "store/promises.h"
#include "store/writer.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

// Everything between the doors: store, resolver, gate, in the order in which each needs the one
// before. Built once by surehopd, and by `surehop --offline` where no daemon runs.

namespace surehop {

class SystemClock final : public Clock {
  public:
    Time now() const override;
};

// The settings in force. A reload swaps the pointer; whoever took it keeps what he has.
class CurrentSettings {
  public:
    explicit CurrentSettings(SettingsPtr settings) : settings_(std::move(settings)) {}
    SettingsPtr get() const {
        const std::lock_guard hold(mutex_);
        return settings_;
    }
    void set(SettingsPtr settings) {
        const std::lock_guard hold(mutex_);
        settings_ = std::move(settings);
    }

  private:
    mutable std::mutex mutex_;
    SettingsPtr settings_;
};

// What can fail while it is being opened, before the rest is built upon it.
struct Opened {
    SettingsPtr settings;
    std::unique_ptr<Database> reader;
    std::unique_ptr<Writer> writer;
    std::unique_ptr<Allowlist> allowlist;
    std::unique_ptr<Promises> promises;
    LedgerAddresses addresses;
    std::unique_ptr<DnsServers> dns;
    bool new_store = false; // there was none before
};

// The configured servers; else those of this machine and, for as long as none of these answers,
// those that this resolv.conf names. Trusted is, of these, who is on this machine as well.
Result<std::vector<ServerChoice>> choose_servers(const Settings::Resolver& settings,
                                                 const std::string& resolv_conf);

struct Engine {
    // Opens the store and the channels to the resolvers. The error names what is wrong and the
    // remedy; nothing is left half-built. read_only: the store is another process's, and what is
    // learnt here is not kept.
    static Result<std::unique_ptr<Engine>>
    build(asio::io_context& loop, SettingsPtr settings,
          Database::Access access = Database::Access::read_write);

    // Tests the resolvers at once and then every `resolver.retest`; logs what changes. The first
    // test decides whether DANE counts: `after_first` is called when it has ended.
    asio::awaitable<void> keep_testing(std::function<void()> after_first);

    asio::io_context& loop;
    SystemClock clock;
    Opened opened;
    CurrentSettings current;
    FactsStore facts;
    Ledger ledger;
    Measures measures;
    CurlHttps https;
    MeasuredDns measured_dns;
    MeasuredHttps measured_https;
    Outage outage;
    ChangeCounts changes;
    Resolver resolver;
    Refresher refresher; // only surehopd lets it run
    Gate gate;
    References references;
    ExceptionFiles exception_files; // these two, too
    ExceptionWatch exception_watch;

    Engine(asio::io_context& the_loop, Opened what);
};

} // namespace surehop
