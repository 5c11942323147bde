// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.h"
#include "facts/facts.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Whether everything fails at once, which is the fault of this site and not of the destinations
// (DESIGN invariant 8): the resolver is dead, HTTPS does not get out, the clock is wrong, so that
// no signature and no certificate is valid. Judged from the self-test of the resolver and from next
// hops that were present within a day: three of them fail. First contacts that fail tell nothing,
// so that nobody brings it about by writing to domains that do not work; whatever works ends it,
// since not everything fails then.
//
// On the loop, but for active().

namespace surehop {

class Outage {
  public:
    enum class Part : std::uint8_t { dns, dnssec, https, clock };
    struct Incident {
        Part part;
        Time since;
        std::string text; // a sentence
    };
    // `over`: it has just ended.
    using Told = std::function<void(const Incident& incident, bool over)>;

    explicit Outage(Told told = {}) : told_(std::move(told)) {}

    // From any thread. Whoever would reject because of what is unknown, defers.
    bool active() const { return active_; }
    std::vector<Incident> incidents() const;

    // What a look-up brought, and what was known before it.
    void learnt(const std::string& key, const Facts* before, const Facts& after);

    void resolver_answers(bool answers, Time now); // the self-test

    // Every few seconds: `wall` is the system's clock, `running` one that nobody sets. Where they
    // have parted since the last call, somebody has set the system's clock: an incident for a
    // quarter of an hour. Ends the other incidents that nothing speaks for any more.
    void tick(Time wall, Seconds running);
    // Nobody has set the system's clock for a day, as far as this process knows. What is deleted
    // because it is old is deleted only then.
    bool clock_has_settled() const;

  private:
    struct Evidence {
        std::map<std::string, Time, std::less<>> failed; // since the last success
        std::optional<Incident> incident;
    };
    enum class Shown : std::uint8_t { nothing, works, fails };
    static Shown dns_shows(const Facts& after);
    static Shown signatures_show(const Facts& after);
    static Shown https_shows(const Facts& after);
    void weigh(Part part, const std::string& key, Shown shown, Time now);
    void forget_old(Part part, Time now);
    void begin(Part part, Time now, std::string text);
    void end_unless_it_lasts(Part part); // not of the clock
    void end(Part part);
    void sum();
    Evidence& of(Part part) { return parts_.at(static_cast<std::size_t>(part)); }

    Told told_;
    std::array<Evidence, 4> parts_;
    bool resolver_silent_ = false;
    std::optional<Seconds> wall_less_running_, settling_since_;
    Seconds last_running_{0};
    std::atomic<bool> active_{false};
};
std::string_view name_of(Outage::Part part); // "dns", "dnssec", "https", "clock"

} // namespace surehop
