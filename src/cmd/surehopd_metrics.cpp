// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehopd_metrics.h"

#include "allow/selection.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

namespace surehop {

namespace {

double number(std::uint64_t count) { return static_cast<double>(count); }
double seconds(Time time) { return static_cast<double>(time.time_since_epoch().count()); }
Sample plain(double value) { return {{}, value}; }

void lock(std::string& page, const LockCounts& counts) {
    print_counter(page, "surehop_lock_answers_total",
                  "Answers of the lock; would-defer: given otherwise, in audit mode.",
                  {{{{"answer", "policy"}}, number(counts.policies)},
                   {{{"answer", "not-found"}}, number(counts.not_found)},
                   {{{"answer", "deferred"}}, number(counts.deferred)},
                   {{{"answer", "would-defer"}}, number(counts.would_defer)}});
}

void resolvers(std::string& page, Engine& engine) {
    const DnsServers& dns = *engine.opened.dns;
    print_gauge(page, "surehop_resolver_validates",
                "1 while the resolver proves that it validates DNSSEC: only then DANE counts.",
                {plain(dns.validation() == Validation::proven ? 1 : 0)});
    std::vector<Sample> up;
    for (const ServerState& server : dns.states())
        if (server.worth_telling())
            up.push_back({{{"server", server.name}}, server.reachable ? 1.0 : 0.0});
    print_gauge(page, "surehop_resolver_up", "1 where the resolver answered when last asked.", up);
}

void look_ups(std::string& page, Engine& engine) {
    print_gauge(page, "surehop_look_ups_in_flight", "Next hops being looked up.",
                {plain(number(engine.resolver.in_flight()))});
    print_gauge(page, "surehop_refreshes_planned", "Next hops to be looked up again in time.",
                {plain(number(engine.refresher.scheduled()))});
    print_counter(page, "surehop_policy_refreshes_failed_total",
                  "Policies in force that could not be fetched again.",
                  {plain(number(engine.changes.refreshes_failed))});
    print_counter(page, "surehop_downgrades_total",
                  "Destinations that have become weaker: DANE gone, policy no longer enforced.",
                  {plain(number(engine.changes.downgrades))});
}

void incidents(std::string& page, const Outage& outage) {
    std::vector<Sample> samples;
    for (const Outage::Part part :
         {Outage::Part::dns, Outage::Part::dnssec, Outage::Part::https, Outage::Part::clock}) {
        const auto& all = outage.incidents();
        const bool active = std::any_of(
            all.begin(), all.end(), [&](const Outage::Incident& one) { return one.part == part; });
        samples.push_back({{{"part", std::string(name_of(part))}}, active ? 1.0 : 0.0});
    }
    print_gauge(page, "surehop_incident",
                "1 while this fails everywhere: nobody is refused for good because of it.",
                samples);
}

void exceptions(std::string& page, Engine& engine, Time now) {
    const auto all = engine.opened.allowlist->list();
    const ExceptionCounts counts = count(all, now);
    print_gauge(page, "surehop_exceptions",
                "Exceptions, by state; ending: live, and within two weeks at an end.",
                {{{{"state", "live"}}, number(counts.live)},
                 {{{"state", "to-come"}}, number(counts.to_come)},
                 {{{"state", "ending"}}, number(counts.ending)}});
    std::vector<Sample> files;
    for (const Json& file : engine.exception_files.states(engine.current.get()->allow.terms(), now))
        files.push_back({{{"file", file.value("file", std::string())}},
                         file.at("state") == "failed" ? 0.0 : 1.0});
    print_gauge(page, "surehop_exception_file_good",
                "1 where the file of exceptions was read; 0: the last good one counts.", files);
}

void store(std::string& page, Engine& engine, Time now) {
    print_gauge(page, "surehop_promises", "Promises that are live.",
                {plain(number(engine.opened.promises->count(now)))});
    print_gauge(page, "surehop_writes_waiting", "Writes that wait for the disk.",
                {plain(number(engine.opened.writer->queued()))});
    print_gauge(page, "surehop_store_writable",
                "0 while the latest write is not on disk: what is enforced is deferred.",
                {plain(engine.opened.writer->trouble() ? 0 : 1)});
    double octets = 0;
    for (const char* part : {"", "-wal"}) {
        std::error_code none;
        const auto size = std::filesystem::file_size(engine.current.get()->store.path + part, none);
        octets += none ? 0 : static_cast<double>(size);
    }
    print_gauge(page, "surehop_store_bytes", "Octets of the store on disk.", {plain(octets)});
}

// As Prometheus' own libraries name them.
void process(std::string& page, Time started) {
    print_gauge(page, "process_start_time_seconds", "When surehopd was started.",
                {plain(seconds(started))});
    std::ifstream memory("/proc/self/statm");
    double total = 0, resident = 0;
    if (memory >> total >> resident)
        print_gauge(page, "process_resident_memory_bytes", "Memory that surehopd takes.",
                    {plain(resident * static_cast<double>(::sysconf(_SC_PAGESIZE)))});
    std::error_code none;
    double open = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", none), end; !none && at != end;
         at.increment(none))
        ++open;
    print_gauge(page, "process_open_fds", "Descriptors that surehopd has open.", {plain(open)});
}

} // namespace

std::string metrics_page(Engine& engine, const LockCounts& lock_counts, Time started) {
    std::string page;
    const SettingsPtr settings = engine.current.get();
    const Time now = engine.clock.now();
    print_gauge(page, "surehop_info", "What runs: always 1.",
                {{{{"version", SUREHOP_VERSION},
                   {"mode", std::string(name_of(settings->site->rules->mode()))},
                   {"lock", std::string(name_of(settings->site->lock))},
                   {"rules", settings->site->rules->hash().substr(0, 16)}},
                  1}});
    engine.measures.print(page);
    lock(page, lock_counts);
    resolvers(page, engine);
    look_ups(page, engine);
    incidents(page, engine.outage);
    exceptions(page, engine, now);
    store(page, engine, now);
    process(page, started);
    return page;
}

} // namespace surehop
