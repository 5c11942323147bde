// SPDX-License-Identifier: Apache-2.0
#include "resolve/inquiry.h"

#include "mtasts/record.h"
#include "resolve/gather.h"
#include "resolve/lookup.h"

#include <fmt/format.h>

#include <algorithm>

namespace surehop {

namespace {

constexpr Seconds policy_refresh{86400}; // RFC 8461 §3.3: daily, also when the id has not changed

class Inquiry {
  public:
    Inquiry(NextHop next_hop, FactsPtr known, Sources sources)
        : hop_(std::move(next_hop)), known_(std::move(known)), sources_(sources),
          now_(sources.clock.now()) {}

    asio::awaitable<Facts> run() {
        facts_.learnt = now_;
        facts_.until = now_ + longest_life;
        facts_.sts.standing = {State::absent, Reason::sts_txt_none};
        if (hop_.kind() == HopKind::domain) {
            std::vector<asio::awaitable<void>> both;
            both.push_back(mail_exchangers());
            both.push_back(policy());
            co_await gather(std::move(both));
        } else if (hop_.kind() == HopKind::host) {
            facts_.hosts.emplace_back(*hop_.domain());
            co_await host(facts_.hosts.front());
        }
        co_return std::move(facts_);
    }

  private:
    bool validating() const { return sources_.validation == Validation::proven; }

    asio::awaitable<Lookup> ask(std::string name, RrType type) {
        Lookup found = co_await look_up(sources_.dns, std::move(name), type, validating());
        if (found.standing.state == State::unknown)
            ask_again_after(life_of_unknown);
        else
            ask_again_after(std::max(Seconds{found.ttl}, shortest_life));
        co_return found;
    }

    void ask_again_after(Seconds life) { facts_.until = std::min(facts_.until, now_ + life); }

    // RFC 5321 §5.1.
    asio::awaitable<void> mail_exchangers() {
        const Domain& domain = *hop_.domain();
        const Lookup mx = co_await ask(domain.text(), RrType::mx);
        facts_.mx = mx.standing;
        if (mx.standing.state == State::unknown) // RFC 7672 §2.1.2: delivery is delayed
            co_return;
        if (validating())
            facts_.mx_secure = mx.secure;
        if (!mx.exists) {
            facts_.mx = Standing{State::absent, Reason::no_such_domain};
            co_return;
        }
        if (mx.standing.state == State::absent) {
            // No MX record: the name itself is the host.
            facts_.mx = Standing{State::absent, Reason::mx_implicit};
            facts_.implicit_mx = true;
            facts_.hosts.emplace_back(domain);
        } else {
            // RFC 7505 §3: a null MX stands alone; no address or TLSA look-up follows it.
            const auto is_null = [](const DnsRecord& r) {
                return std::get<MxRecord>(r.data).exchange.empty();
            };
            facts_.null_mx = std::all_of(mx.records.begin(), mx.records.end(), is_null);
            if (facts_.null_mx) {
                facts_.mx->reason = Reason::null_mx;
                co_return;
            }
            take_hosts(mx.records);
        }
        std::vector<asio::awaitable<void>> each;
        for (Host& one : facts_.hosts)
            each.push_back(host(one));
        co_await gather(std::move(each));
    }

    void take_hosts(const std::vector<DnsRecord>& records) {
        for (const DnsRecord& record : records) {
            const MxRecord& mx = std::get<MxRecord>(record.data);
            auto name = Domain::parse(mx.exchange);
            if (!name) // an address in place of a name, or no name at all: no MTA can use it
                continue;
            facts_.hosts.emplace_back(*std::move(name), mx.preference);
        }
        std::sort(facts_.hosts.begin(), facts_.hosts.end(), [](const Host& a, const Host& b) {
            return std::pair(a.preference, a.name.text()) < std::pair(b.preference, b.name.text());
        });
        if (facts_.hosts.size() > most_hosts)
            facts_.hosts.resize(most_hosts, facts_.hosts.front());
        if (facts_.hosts.empty())
            facts_.mx = Standing{State::invalid, Reason::mx_unusable};
    }

    // RFC 7672 §2.2.2: addresses first, TLSA only where the address look-up was secure.
    asio::awaitable<void> host(Host& host) {
        const Lookup v4 = co_await ask(host.name.text(), RrType::a);
        const Lookup v6 = co_await ask(host.name.text(), RrType::aaaa);
        const Lookup& found = v4.standing.state == State::present ? v4 : v6;
        if (found.standing.state != State::present) {
            const bool failed = v4.standing.state == State::unknown;
            host.addresses = failed ? v4.standing : v6.standing;
            if (host.addresses.state == State::absent)
                host.addresses.reason = Reason::host_no_address;
            host.tlsa = host.addresses;
            co_return;
        }
        host.addresses = {State::present, Reason::none};
        if (!validating()) {
            host.tlsa = without_validation(host);
            if (host.tlsa.state == State::unknown)
                ask_again_after(life_of_unknown);
            co_return;
        }
        // Each family that has addresses counts: the MTA may take either.
        const auto secure = [](const Lookup& l) {
            return l.standing.state != State::present || l.secure;
        };
        host.addresses_secure = secure(v4) && secure(v6);
        if (facts_.mx_secure == false) { // RFC 7672 §2.2.1: nothing here can secure the domain
            host.tlsa = {State::absent, Reason::mx_insecure};
            co_return;
        }
        std::vector<std::string> bases;
        if (*host.addresses_secure) {
            if (found.aliased) // RFC 7672 §2.2.2: the expanded name first, then the original
                bases.push_back(found.final_name);
            bases.push_back(host.name.text());
        } else if (found.aliased && co_await is_secure_alias(host.name.text())) {
            bases.push_back(host.name.text()); // RFC 7672 §2.1.3: secure alias, insecure target
        }
        if (bases.empty())
            host.tlsa = {State::absent, Reason::host_insecure};
        else
            co_await tlsa(host, std::move(bases));
    }

    // DESIGN: a site whose resolver has never validated has no DANE and blocks nothing else; one
    // that lost it does not know, where DANE was known to hold.
    Standing without_validation(const Host& host) const {
        if (sources_.validation == Validation::lost && known_)
            for (const Host& before : known_->hosts)
                if (before.name == host.name && before.tlsa.state == State::present)
                    return {State::unknown, Reason::resolver_validation_lost};
        return {State::absent, Reason::resolver_not_validating};
    }

    asio::awaitable<bool> is_secure_alias(std::string name) {
        const Lookup alias = co_await ask(std::move(name), RrType::cname);
        co_return alias.standing.state == State::present&& alias.secure;
    }

    // RFC 7672 §2.2.3: the first base with a secure TLSA RRset wins; an error stops.
    asio::awaitable<void> tlsa(Host& host, std::vector<std::string> bases) {
        host.tlsa = {State::absent, Reason::tlsa_none};
        for (const std::string& base : bases) {
            const Lookup found =
                co_await ask(fmt::format("_{}._tcp.{}", hop_.port(), base), RrType::tlsa);
            if (found.standing.state == State::unknown) {
                host.tlsa = found.standing;
                co_return;
            }
            if (found.standing.state == State::absent)
                continue;
            if (!found.secure) {
                host.tlsa = {State::absent, Reason::tlsa_insecure};
                continue;
            }
            host.tlsa = {State::present, Reason::none};
            for (const DnsRecord& record : found.records) {
                auto parsed = dane::parse_rdata(std::get<DnsRecord::Raw>(record.data).rdata);
                // What cannot be read still counts as published, and as unusable (RFC 6698 §4.1).
                host.records.push_back(parsed ? *std::move(parsed) : dane::Tlsa{});
            }
            if (host.usable() == 0)
                host.tlsa.reason = Reason::tlsa_unusable;
            co_return;
        }
    }

    // RFC 8461 §3.1: the record says whether there is a policy, and which.
    asio::awaitable<void> policy() {
        StsFacts& sts = facts_.sts;
        if (known_ && known_->sts.standing.state == State::present) {
            sts = known_->sts;
            // A clock set back must not make a policy live longer.
            if (sts.fetched > now_) {
                sts.fetched = now_;
                sts.expires = std::min(sts.expires, now_ + sts.policy.max_age);
            }
        }
        const bool cached = sts.standing.state == State::present && now_ < sts.expires;
        if (!cached)
            sts = StsFacts{};
        const Standing learnt = co_await learn_policy(cached);
        sts.refresh = learnt;
        // RFC 8461 §5.1: absence or failure never removes a cached policy.
        if (!cached || learnt.state == State::present)
            sts.standing = learnt;
        if (sts.standing.state == State::present)
            facts_.until = std::min(facts_.until, std::max(sts.expires, now_ + shortest_life));
    }

    asio::awaitable<Standing> learn_policy(bool cached) {
        StsFacts& sts = facts_.sts;
        const std::string name = "_mta-sts." + hop_.domain()->text();
        if (name.size() > 253)
            co_return Standing{State::absent, Reason::sts_txt_none};
        const Lookup txt = co_await ask(name, RrType::txt);
        if (txt.standing.state == State::unknown)
            co_return txt.standing;
        std::vector<std::string> texts;
        for (const DnsRecord& record : txt.records)
            texts.push_back(std::get<DnsRecord::Text>(record.data).text);
        const auto parsed = mtasts::parse_records(texts);
        if (const auto* fault = std::get_if<mtasts::RecordFault>(&parsed))
            switch (*fault) {
            case mtasts::RecordFault::none:
                co_return Standing{State::absent, Reason::sts_txt_none};
            case mtasts::RecordFault::multiple:
                co_return Standing{State::invalid, Reason::sts_txt_multiple};
            case mtasts::RecordFault::syntax:
                co_return Standing{State::invalid, Reason::sts_txt_syntax};
            }
        const std::string& id = std::get<mtasts::Record>(parsed).id;
        if (cached && !sources_.fetch_again && id == sts.id && now_ < sts.fetched + policy_refresh)
            co_return Standing{State::present, Reason::none};
        co_return co_await fetch(id);
    }

    // RFC 8461 §3.3. Any failure is Unknown: that the policy host does not answer proves nothing.
    asio::awaitable<Standing> fetch(std::string id) {
        const std::string host = "mta-sts." + hop_.domain()->text();
        std::vector<std::string> addresses;
        Standing failed{State::unknown, Reason::sts_fetch_connect};
        for (const RrType type : {RrType::a, RrType::aaaa}) {
            const Lookup found = co_await ask(host, type);
            if (found.standing.state == State::unknown)
                failed = found.standing;
            for (const DnsRecord& record : found.records)
                addresses.push_back(std::get<DnsRecord::Address>(record.data).text);
        }
        if (addresses.empty()) {
            ask_again_after(life_of_unknown);
            co_return failed;
        }
        HttpsRequest request(host, "/.well-known/mta-sts.txt", std::move(addresses));
        const HttpsReply reply = co_await sources_.https.get(std::move(request));
        Reason why = reply.reason;
        if (why == Reason::none &&
            reply.status != 200) // §3.3: valid only with 200; 3xx not followed
            why = Reason::sts_fetch_status;
        if (why == Reason::none && reply.media_type != "text/plain") // §3.2
            why = Reason::sts_fetch_type;
        if (why != Reason::none) {
            ask_again_after(life_of_unknown);
            co_return Standing{State::unknown, why};
        }
        auto policy = mtasts::parse_policy(reply.body);
        if (!policy)
            co_return Standing{State::invalid, Reason::sts_policy_syntax};
        StsFacts& sts = facts_.sts;
        sts.policy = *std::move(policy);
        sts.id = std::move(id);
        sts.fetched = sources_.clock.now();
        sts.expires = sts.fetched + sts.policy.max_age;
        co_return Standing{State::present, Reason::none};
    }

    NextHop hop_;
    FactsPtr known_;
    Sources sources_;
    Time now_;
    Facts facts_;
};

} // namespace

asio::awaitable<Facts> inquire(NextHop next_hop, FactsPtr known, Sources sources) {
    Inquiry inquiry(std::move(next_hop), std::move(known), sources);
    co_return co_await inquiry.run();
}

} // namespace surehop
