// SPDX-License-Identifier: Apache-2.0
#include "cmd/doctor.h"

#include "allow/selection.h"
#include "socketmap/listener.h"
#include "store/schema.h"

#include <fmt/format.h>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

namespace surehop {

namespace {

class Report {
  public:
    void ok(const char* name, std::string text) { add(name, "ok", std::move(text)); }
    void warning(const char* name, std::string text) { add(name, "warning", std::move(text)); }
    void failed(const char* name, std::string text) {
        healthy_ = false;
        add(name, "failed", std::move(text));
    }
    Json finish() { return Json{{"checks", std::move(checks_)}, {"healthy", healthy_}}; }

  private:
    void add(const char* name, const char* state, std::string text) {
        checks_.push_back({{"name", name}, {"state", state}, {"text", std::move(text)}});
    }
    Json checks_ = Json::array();
    bool healthy_ = true;
};

// Each server by itself, and what follows for DANE.
asio::awaitable<void> resolver(Engine& engine, Report& report) {
    DnsServers& dns = *engine.opened.dns;
    co_await dns.test();
    engine.outage.resolver_answers(dns.reachable(), engine.clock.now());
    const bool validates = dns.validation() == Validation::proven;
    std::string names;
    for (const ServerState& server : dns.states()) {
        if (!server.tested || (server.role == ServerChoice::Role::system && !server.used))
            continue;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", server.name);
        if (!server.worth_telling())
            continue;
        for (const std::string& warning : server.warnings)
            report.warning("resolver", warning);
        if (!server.reachable)
            continue;
        if (server.validation == Validation::proven)
            report.ok("resolver", fmt::format("{} validates DNSSEC; DANE counts", server.name));
        else if (server.validation == Validation::untested)
            report.warning("resolver", fmt::format("{} has not shown yet whether it validates "
                                                   "DNSSEC; does it reach the internet?",
                                                   server.name));
        else if (validates)
            report.warning("resolver", fmt::format("{} does not validate DNSSEC, and is not asked; "
                                                   "take it out of [resolver] servers",
                                                   server.name));
        else if (server.validation == Validation::lost)
            report.failed("resolver", fmt::format("{} has stopped validating DNSSEC; DANE is "
                                                  "unknown",
                                                  server.name));
        else if (!server.trusted)
            report.warning("resolver",
                           fmt::format("{} is not on this machine and not declared trusted, so "
                                       "DANE does not count; run a validating resolver on "
                                       "127.0.0.1",
                                       server.name));
        else
            report.warning("resolver",
                           fmt::format("{} does not validate DNSSEC, so DANE does not count; use a "
                                       "validating resolver such as Unbound",
                                       server.name));
    }
    if (!dns.reachable())
        report.failed("resolver",
                      fmt::format("{} does not answer; start it or set [resolver] servers", names));
}

void incidents(const Engine& engine, Report& report) {
    for (const Outage::Incident& incident : engine.outage.incidents())
        report.failed("incident", fmt::format("{}: {} (since {})", name_of(incident.part),
                                              incident.text, format_time(incident.since)));
}

// " (user:group, mode 0660)" of a UNIX socket: the mail server must be one of these.
std::string who_may(const std::string& where) {
    constexpr std::string_view scheme = "unix:";
    struct stat file{};
    if (!where.starts_with(scheme) || ::stat(where.c_str() + scheme.size(), &file) != 0)
        return "";
    const passwd* user = ::getpwuid(file.st_uid);
    const group* its_group = ::getgrgid(file.st_gid);
    return fmt::format(" ({}:{}, mode {:04o})",
                       user != nullptr ? user->pw_name : std::to_string(file.st_uid),
                       its_group != nullptr ? its_group->gr_name : std::to_string(file.st_gid),
                       file.st_mode & 07777U);
}

// Whether somebody, that is ourselves, accepts connections there.
asio::awaitable<void> socket(Engine& engine, Report& report, const std::string& where) {
    using Protocol = asio::generic::stream_protocol;
    const auto endpoint = Listener::endpoint(where);
    if (!endpoint) {
        report.failed("socket", endpoint.error());
        co_return;
    }
    Protocol::socket peer(engine.loop);
    asio::error_code failed;
    co_await peer.async_connect(*endpoint, asio::redirect_error(asio::use_awaitable, failed));
    if (failed)
        report.failed("socket", fmt::format("{} cannot be reached: {}", where, failed.message()));
    else
        report.ok("socket", fmt::format("{} accepts connections{}", where, who_may(where)));
}

void certificates(const Settings& settings, Report& report) {
    const std::string& configured = settings.https.ca_file;
    const std::string path = configured.empty() ? "/etc/ssl/certs/ca-certificates.crt" : configured;
    if (::access(path.c_str(), R_OK) == 0)
        report.ok("certificates", fmt::format("{} can be read", path));
    else if (configured.empty())
        report.warning("certificates",
                       fmt::format("{} cannot be read; install ca-certificates, or set [https] "
                                   "ca_file: without it no MTA-STS policy can be fetched",
                                   path));
    else
        report.failed("certificates",
                      fmt::format("[https] ca_file {} cannot be read; no MTA-STS policy can be "
                                  "fetched",
                                  path));
}

// Below this much of free space a site should look after its disk: a full one defers all mail.
constexpr std::uintmax_t little_space = 100'000'000;

void store(Engine& engine, Report& report) {
    const std::string& path = engine.opened.settings->store.path;
    const auto written = engine.opened.writer->submit_and_wait(write_version_again);
    struct statvfs disk{};
    const bool known = ::statvfs(path.c_str(), &disk) == 0;
    const std::uintmax_t free = known ? std::uintmax_t{disk.f_bavail} * disk.f_frsize : 0;
    if (!written)
        report.failed("store", written.error());
    else if (known && free < little_space)
        report.warning("store", fmt::format("{} can be written, but its file system has only {} MB "
                                            "left; when it is full, what is enforced is deferred",
                                            path, free / 1'000'000));
    else
        report.ok("store", fmt::format("{} can be written", path));
}

// Read anew, so that it can be asked before a reload and without a daemon.
void exception_file(const std::string& path, const Settings& settings, Time now, Report& report) {
    const auto failed = [&](const std::string& why) {
        report.failed("exceptions",
                      fmt::format("{}; what came from it before stays in force", why));
    };
    const auto read = read_exception_file(path);
    if (!read)
        return failed(read.error());
    const ExceptionList list =
        read_list(read->text, format_of_file(path), settings.allow.terms(), now);
    if (!list.problems.empty())
        return failed(list.problems.front().told(path));
    report.ok("exceptions", fmt::format("{} can be read: {} of its lines are in force or to come",
                                        path, list.exceptions.size()));
}

void exceptions(Engine& engine, const Settings& settings, Report& report) {
    const Time now = engine.clock.now();
    const auto all = engine.opened.allowlist->list();
    const ExceptionCounts counts = count(all, now);
    if (counts.ending > 0)
        report.warning("exceptions",
                       fmt::format("{} of {} end within 14 days; 'surehop allow list --ending 14d' "
                                   "names them",
                                   counts.ending, counts.live + counts.to_come));
    else
        report.ok("exceptions", fmt::format("{} in force or to come, none ends within 14 days",
                                            counts.live + counts.to_come));
    for (const std::string& path : settings.allow.files)
        exception_file(path, settings, now, report);
    const auto orphans = std::count_if(all.begin(), all.end(), [&](const Exception& exception) {
        return !exception.over(now) && is_of_file(exception) &&
               file_of(exception, settings.allow.terms()) == nullptr;
    });
    if (orphans > 0)
        report.warning("exceptions",
                       fmt::format("{} came from files that [allow] files names no more, and stay "
                                   "until they end or 'surehop allow remove' ends them",
                                   orphans));
}

void rules(const Settings& settings, Report& report) {
    const Site& site = *settings.site;
    const std::string mode(name_of(site.rules->mode()));
    if (site.rules->mode() == PolicyMode::audit)
        report.warning("rules", "mode is audit: nothing is refused");
    else if (site.lock == Lock::none)
        report.warning("rules", "mode is enforce without a lock: the gate refuses, but delivery is "
                                "not bound; set [mta] lock");
    else
        report.ok("rules", fmt::format("mode is {}, bound by lock {}", mode, name_of(site.lock)));
}

} // namespace

asio::awaitable<Json> examine(Engine& engine) {
    const SettingsPtr settings = engine.current.get();
    Report report;
    co_await resolver(engine, report);
    incidents(engine, report);
    std::vector<std::string> sockets = engine.opened.settings->listen.socketmap;
    sockets.insert(sockets.begin(), engine.opened.settings->listen.milter);
    for (const std::string& where : sockets)
        co_await socket(engine, report, where);
    certificates(*settings, report);
    store(engine, report);
    rules(*settings, report);
    exceptions(engine, *settings, report);
    co_return report.finish();
}

} // namespace surehop
