// SPDX-License-Identifier: Apache-2.0
#include "resolve/outage.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace surehop {

namespace {

constexpr std::size_t enough = 3; // next hops that fail, and none that works
constexpr std::size_t most_counted = 1000;
constexpr std::chrono::days recently{1};
// Longer than the pause between look-ups that fail; policies are fetched again more seldom.
constexpr Seconds evidence_holds{900};
constexpr Seconds https_evidence_holds{4 * 3600};
constexpr Seconds jump{60};
constexpr Seconds doubt_after_jump{900};
constexpr std::chrono::days settles_in{1};

bool may_be_ours(const Standing& standing) {
    return standing.state == State::unknown && fault_of(standing.reason) != Fault::theirs;
}

std::string what_fails(Outage::Part part) {
    switch (part) {
    case Outage::Part::dns:
        return "DNS look-ups fail for all next hops that were well within a day";
    case Outage::Part::dnssec:
        return "DNSSEC signatures are not valid for any next hop that had valid ones within a day: "
               "is the clock of the resolver right?";
    case Outage::Part::https:
        return "no MTA-STS policy that was fetched within a day can be fetched again: is HTTPS "
               "blocked here, or the clock wrong?";
    case Outage::Part::clock:
        break;
    }
    return "";
}

Seconds life_of_evidence(Outage::Part part) {
    return part == Outage::Part::https ? https_evidence_holds : evidence_holds;
}

bool within(Seconds span, Time then, Time now) { return then <= now && now < then + span; }

} // namespace

std::string_view name_of(Outage::Part part) {
    constexpr std::array<std::string_view, 4> names = {"dns", "dnssec", "https", "clock"};
    return names.at(static_cast<std::size_t>(part));
}

std::vector<Outage::Incident> Outage::incidents() const {
    std::vector<Incident> out;
    for (const Evidence& part : parts_)
        if (part.incident)
            out.push_back(*part.incident);
    return out;
}

// That something fails counts only where it was well within a day; that something works, always.
void Outage::learnt(const std::string& key, const Facts* before, const Facts& after) {
    const Time now = after.learnt;
    const auto judge = [&](Part part, bool was_well, Shown shown) {
        if (was_well || shown == Shown::works)
            weigh(part, key, shown, now);
    };
    const bool reached = before != nullptr && within(recently, before->reached, now);
    judge(Part::dns, reached, dns_shows(after));
    judge(Part::dnssec,
          reached && (before->mx_secure == true || of(Part::dnssec).failed.contains(key)),
          signatures_show(after));
    judge(Part::https,
          before != nullptr && before->sts.standing.state == State::present &&
              within(recently, before->sts.fetched, now),
          https_shows(after));
}

Outage::Shown Outage::dns_shows(const Facts& after) {
    if (after.reached >= after.learnt)
        return Shown::works;
    const auto lost = [](const Host& host) { return may_be_ours(host.addresses); };
    const bool fails = (after.mx && may_be_ours(*after.mx)) ||
                       (!after.hosts.empty() && std::ranges::all_of(after.hosts, lost));
    return fails ? Shown::fails : Shown::nothing;
}

Outage::Shown Outage::signatures_show(const Facts& after) {
    if (after.mx && after.mx->reason == Reason::dns_bogus)
        return Shown::fails;
    return after.mx_secure == true ? Shown::works : Shown::nothing;
}

Outage::Shown Outage::https_shows(const Facts& after) {
    if (after.sts.fetched >= after.learnt)
        return Shown::works;
    const auto& failed = after.sts.failed;
    if (!failed || failed->at < after.learnt || failed->why.reason == Reason::sts_fetch_address)
        return Shown::nothing;
    // Any reply over TLS that is valid shows that HTTPS works, whatever it says.
    return may_be_ours(failed->why) || failed->why.reason == Reason::sts_fetch_tls ? Shown::fails
                                                                                   : Shown::works;
}

void Outage::weigh(Part part, const std::string& key, Shown shown, Time now) {
    Evidence& evidence = of(part);
    if (shown == Shown::works) {
        evidence.failed.clear();
        end_unless_it_lasts(part);
        return;
    }
    if (shown == Shown::nothing ||
        (evidence.failed.size() >= most_counted && !evidence.failed.contains(key)))
        return;
    evidence.failed[key] = now;
    forget_old(part, now);
    if (evidence.failed.size() >= enough)
        begin(part, now, what_fails(part));
}

void Outage::forget_old(Part part, Time now) {
    std::erase_if(of(part).failed, [&](const auto& row) {
        return !within(life_of_evidence(part), row.second, now);
    });
}

void Outage::resolver_answers(bool answers, Time now) {
    resolver_silent_ = !answers;
    if (!answers)
        begin(Part::dns, now, "no DNS resolver answers: what is not known yet stays unknown");
    end_unless_it_lasts(Part::dns);
}

void Outage::tick(Time wall, Seconds running) {
    const Seconds difference = wall.time_since_epoch() - running;
    const Seconds before = std::exchange(wall_less_running_, difference).value_or(difference);
    const Seconds by = difference - before;
    last_running_ = running;
    if (!settling_since_)
        settling_since_ = running;
    if (by > jump || by < -jump) {
        settling_since_ = running;
        of(Part::clock).incident.reset(); // each jump is told
        begin(Part::clock, wall,
              fmt::format("the clock was set {} by {}; certificates, policies, promises and "
                          "exceptions depend on it",
                          by > Seconds{0} ? "forward" : "back",
                          format_duration(Millis{by > Seconds{0} ? by : -by})));
    } else if (const auto& incident = of(Part::clock).incident;
               incident && !within(doubt_after_jump, incident->since, wall)) {
        end(Part::clock);
    }
    for (const Part part : {Part::dns, Part::dnssec, Part::https}) {
        forget_old(part, wall);
        end_unless_it_lasts(part);
    }
}

bool Outage::clock_has_settled() const {
    return settling_since_ && last_running_ >= *settling_since_ + settles_in;
}

void Outage::begin(Part part, Time now, std::string text) {
    auto& incident = of(part).incident;
    if (incident)
        return;
    incident = Incident{part, now, std::move(text)};
    sum();
    if (told_)
        told_(*incident, false);
}

void Outage::end_unless_it_lasts(Part part) {
    if (of(part).failed.size() < enough && !(part == Part::dns && resolver_silent_))
        end(part);
}

void Outage::end(Part part) {
    const auto over = std::exchange(of(part).incident, std::nullopt);
    if (!over)
        return;
    sum();
    if (told_)
        told_(*over, true);
}

void Outage::sum() {
    active_ = std::ranges::any_of(parts_, [](const Evidence& e) { return e.incident.has_value(); });
}

} // namespace surehop
