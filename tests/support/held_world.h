// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "milter/session.h"
#include "support/command_parts.h"
#include "support/run.h"
#include "support/world.h"

#include <string>
#include <vector>

// A site whose ward holds what is not delivered by DANE, with the real milter session before it and
// the real commands behind it. The clock stands at 2027-01-15T08:00:00Z.

namespace surehop::test {

class HeldWorld {
  public:
    static constexpr std::string_view zones = R"(
        zone dane.test signed
        dane.test               MX    10 mx.dane.test
        mx.dane.test            A     192.0.2.1
        _25._tcp.mx.dane.test   TLSA  3 1 1 key-a
        zone two.test signed
        two.test                MX    10 mx.two.test
        mx.two.test             A     192.0.2.2
        _25._tcp.mx.two.test    TLSA  3 1 1 key-a
        zone late.test signed
        late.test               MX    10 mx.late.test
        mx.late.test            A     192.0.2.3
        zone none.test signed
        none.test               MX    10 mx.none.test
        mx.none.test            A     192.0.2.4
        zone bogus.test bogus
        bogus.test              MX    10 mx.bogus.test
    )";
    static constexpr std::string_view configuration = R"(
[mta]
lock = "postfix"
final_domains = ["clinic.example"]
[policy]
minimum = "authenticated"
mode = "enforce"
[[rule]]
name = "patient data"
sender = ["ward@clinic.example"]
minimum = "dane"
falls_short = "quarantine"
unknown = "quarantine"
)";

    HeldWorld() {
        world.configure(std::string(configuration));
        admin.may_read = admin.may_change = true;
    }

    // The ward's message, as Postfix hands it over; true: it was taken, and is held.
    bool send(const std::string& queue_id, const std::vector<std::string>& recipients,
              const std::vector<std::string>& parameters = {}, const std::string& host = "") {
        for (const std::string& one : recipients)
            (void)world.mail("ward@clinic.example", one, host.empty() ? "" : "smtp", host);
        Held held;
        Session session(parts, incident, {"192.0.2.77", "192.0.2.77"});
        const std::vector<std::string_view> words(parameters.begin(), parameters.end());
        const auto none = [](std::string_view) { return std::string(); };
        bool taken = !session.mail("<ward@clinic.example>", words, none).refuses();
        for (const std::string& one : recipients)
            taken &= !session
                          .rcpt("<" + one + ">",
                                [&](std::string_view name) -> std::string {
                                    return name == "{rcpt_mailer}" ? "smtp"
                                           : name == "{rcpt_addr}" ? one
                                           : name != "{rcpt_host}" ? ""
                                           : host.empty()          ? one.substr(one.find('@') + 1)
                                                                   : host;
                                })
                          .refuses();
        taken &= !session
                      .end_of_message(
                          [&](std::string_view name) { return name == "i" ? queue_id : ""; }, held)
                      .refuses();
        return taken && held.held;
    }

    void publish_dane(const std::string& domain) {
        world.dns.add("_25._tcp.mx." + domain + " TLSA 3 1 1 key-a");
    }

    Json message(const std::string& queue_id, const std::vector<std::string>& recipients) {
        return Json{{"queue_id", queue_id},
                    {"arrival", format_time(arrival)},
                    {"sender", "ward@clinic.example"},
                    {"recipients", recipients},
                    {"size", "1000"},
                    {"header", Json::array()}};
    }

    Json ask(Json request) { return run(world.loop, commands.answer(std::move(request), admin)); }

    std::vector<LedgerRow> rows(const std::string& queue_id, const std::string& kind) {
        std::vector<LedgerRow> out;
        for (LedgerRow& row : value(world.process().ledger.of_message(queue_id, arrival)))
            if (row.kind == kind)
                out.push_back(std::move(row));
        return out;
    }

    // "dane dane.test 2027-01-21T08:00:00Z", "" where there is none.
    std::string promise(const std::string& next_hop) {
        const auto found = world.process().promises->highest(next_hop, world.clock.now());
        return found ? std::string(name_of(found->level)) + " " + end_of(found->until) : "";
    }

    World world{zones};
    const Time arrival = world.clock.now();
    Commands commands{command_parts(world)};
    Peer admin{0, "root"};

  private:
    struct Held final : MessageActions {
        bool quarantine(const std::string&) override { return held = true; }
        bool add_header(const std::string&, const std::string&) override { return true; }
        bool delete_header(const std::string&, int) override { return true; }
        bool held = false;
    };
    References references{world.clock.now()};
    Refusals refusals{world.process().ledger, references};
    Measures measures;
    SessionParts parts{world.gate(),
                       world.process().ledger,
                       *world.process().promises,
                       references,
                       refusals,
                       measures,
                       world.clock,
                       [this] { return world.site(); }};
    Incident incident{"recording decisions", [](const std::string&) {}};
};

} // namespace surehop::test
