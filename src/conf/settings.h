// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "address/domain.h"
#include "address/ip_range.h"
#include "allow/exception_text.h"
#include "base/time.h"
#include "binding/tls_policy.h"
#include "gate/site.h"
#include "rules/ruleset.h"
#include "store/ledger_addresses.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// What surehop.toml says, as plain values that have passed every check: texts are in the one form
// in which the rest of the house takes them. Immutable once loaded. conf/table.h has one row per
// setting, with its default; conf/load.h makes Settings from a file.

namespace surehop {

struct DnsServer;

// Where in the file something stands, counted from 1. Line 0: nowhere, it is a default.
struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
};

// What happens to a message that says "TLS-Required: No" (milter/tls_required.h).
enum class WaiverHandling : std::uint8_t { refuse, off };
constexpr std::array<std::string_view, 2> waiver_names = {"refuse", "off"};

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogTarget : std::uint8_t { standard_error, syslog };
constexpr std::array<std::string_view, 4> log_level_names = {"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> log_target_names = {"stderr", "syslog"};

struct Settings {
    std::string file; // as it was named; "" for the embedded defaults
    std::string hash; // SHA-256 of the file's text, in hex

    struct Mta {
        Lock lock = Lock::none;
        Millis queue_lifetime{};
        std::vector<Domain> final_domains;
        WaiverHandling tls_required = WaiverHandling::refuse;
    } mta;

    Requirement policy; // the last resort; its rule is "default"
    std::vector<Rule> rules;
    std::vector<Route> routes;

    // Sockets: "unix:/absolute/path" or "inet:PORT@ADDRESS", the address canonical, IPv6
    // unbracketed.
    struct Listen {
        std::string milter;
        std::vector<std::string> socketmap;
        std::vector<IpRange> peers; // who may ask over TCP, beside this machine
        std::string control;        // a path
        std::string metrics;        // inet: socket; "": none
        bool operator==(const Listen&) const = default;
    } listen;

    struct Store {
        std::string path;
    } store;

    struct Ledger {
        Millis keep{}; // 0: for ever
        AddressForm addresses = AddressForm::full;
        std::string key_file;
    } ledger;

    struct Resolver {
        // "127.0.0.1:53", "[::1]:53": parse_dns_server() takes them. Empty: 127.0.0.1 and ::1 as
        // soon as one answers, until then resolv.conf.
        std::vector<std::string> servers;
        std::vector<std::string> trusted;     // canonical addresses, without a port
        std::vector<std::string> bogus_names; // A-labels
        Millis timeout{};                     // of one try
        Millis retest{};
    } resolver;

    struct Https {
        std::string ca_file; // "": the system's store
        std::uint16_t port = 0;
        std::vector<std::string> allow_private; // ranges that check_ranges() accepts
        Millis timeout{};
        bool operator==(const Https&) const = default;
    } https;

    // How long facts hold, and how they are kept.
    struct Facts {
        Millis shortest{};
        Millis longest{};
        Millis keep_fresh{}; // 0: nothing is looked up ahead of time
        Millis keep_unused{};
        bool operator==(const Facts&) const = default;
    } facts;

    struct Gate {
        Millis wait{};
        std::string tag_header;
    } gate;

    struct Allow {
        Millis longest{};
        std::vector<std::string> files; // absolute paths

        AllowTerms terms() const { return {std::chrono::floor<Seconds>(longest), files}; }
    } allow;

    struct Log {
        LogLevel level = LogLevel::info;
        LogTarget target = LogTarget::standard_error;

        std::string_view name() const {
            return log_level_names.at(static_cast<std::size_t>(level));
        }
    } log;

    // What decisions depend on, built from the above.
    SitePtr site;

    // Where each setting that the file has stands: "mta.lock", "rule[1].name" (counted from 1), and
    // "mta.final_domains[2]" for an element of a list. What is not here is a default.
    std::map<std::string, Place, std::less<>> places;
};

using SettingsPtr = std::shared_ptr<const Settings>;

// Whether the AD bit of this server may be believed (DESIGN invariant 7): it is on a trusted path
// or declared so.
bool is_trusted(const Settings::Resolver& resolver, const DnsServer& server);

} // namespace surehop
