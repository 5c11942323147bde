// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/gate.h"
#include "gate/refresher.h"
#include "gate/site.h"
#include "socketmap/server.h"
#include "store/facts_store.h"
#include "support/fake_https.h"
#include "support/still_clock.h"
#include "support/temp_dir.h"
#include "support/test_store.h"
#include "support/zone.h"

#include <memory>
#include <string>
#include <string_view>
#include <variant>

// surehop's judgement on a made-up internet: the real gate, lock, resolver, inquiry and store, with
// a DNS, policy hosts and a clock of our own. One thread; nothing waits for the network.

namespace surehop::test {

class World {
  public:
    explicit World(std::string_view zones = "", ResolverLimits limits = {});
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // surehop.toml, read as surehopd does; throws with what is wrong with it. Without it: a
    // Postfix, and a minimum of `authenticated`.
    void configure(const std::string& toml);
    SitePtr site() const { return site_; }
    void set(Site site) { site_ = std::make_shared<const Site>(std::move(site)); }

    // As the milter and `surehop explain` do: what is known, else learnt.
    Decision judge(const Context& context);
    Decision mail(std::string_view from, std::string_view to, std::string mailer = "",
                  std::string host = "");
    void keep_promise(const Decision& decision); // as when the message is accepted

    // The lock's answer on the wire, without the netstring.
    std::string lock(const std::string& next_hop, const std::string& map = "postfix");

    // Time passes; with `refreshing`, as surehopd lives through it: what is due in the meantime is
    // looked up.
    void pass(Seconds time);
    bool refreshing = false;
    void set_clock(Seconds by); // as somebody does who has no business with it

    // Ends the process and starts it again: what is on disk is what is known.
    void restart();

    StillClock clock;
    asio::io_context loop; // before the DNS, whose timers it holds
    Zone dns;
    FakeHttps https;
    Validation validation = Validation::proven;

    // What lives as long as a process does.
    struct Process {
        Process(World& world, const std::string& path, ResolverLimits limits);
        TestStore store;
        std::unique_ptr<Allowlist> allowlist;
        std::unique_ptr<Promises> promises;
        FactsStore facts;
        Ledger ledger;
        Outage outage;
        Resolver resolver;
        Refresher refresher;
        Gate gate;
        Deferrals deferrals;
        Measures measures;
        SocketmapServer socketmap;
    };
    Process& process() { return *process_; }
    Gate& gate() { return process_->gate; }

  private:
    Seconds running_{0}; // a clock that nobody sets
    TempDir folder_;
    ResolverLimits limits_;
    SitePtr site_;
    std::unique_ptr<Process> process_;
};

// Each throws when the text is none.
Path path_of(std::string_view text);
AddressPattern pattern_of(std::string_view text);
Domain domain_of(std::string_view text);

} // namespace surehop::test
