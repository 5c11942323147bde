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
constexpr Seconds pause_after_failure{300}; // RFC 8461 §3.3: between two fetches under one id
constexpr std::size_t longest_name = 253;

class Inquiry {
  public:
    Inquiry(NextHop next_hop, FactsPtr known, Sources sources)
        : hop_(std::move(next_hop)), known_(std::move(known)), sources_(sources),
          now_(sources.clock.now()) {}

    asio::awaitable<Facts> run() {
        facts_.learnt = now_;
        facts_.until = now_ + sources_.lifetimes.longest;
        facts_.sts.standing = {State::absent, hop_.kind() == HopKind::host ? Reason::next_hop_host
                                                                           : Reason::sts_txt_none};
        facts_.dane_lost = dane_held_before();
        if (hop_.kind() == HopKind::domain) {
            std::vector<asio::awaitable<void>> both;
            both.push_back(mail_exchangers());
            both.push_back(policy());
            co_await gather(std::move(both));
        } else if (hop_.kind() == HopKind::host) {
            facts_.hosts.emplace_back(*hop_.domain());
            co_await host(facts_.hosts.front());
        }
        if (validating() && !dane_is_unknown())
            facts_.dane_lost = false; // what was found says it
        back_off();
        const bool reached = std::ranges::any_of(
            facts_.hosts, [](const Host& host) { return host.addresses.state == State::present; });
        facts_.reached = reached ? now_ : known_ ? known_->reached : Time{};
        // Whoever waited for this must find it fresh, however long it took.
        facts_.until = std::max(facts_.until, sources_.clock.now() + sources_.lifetimes.shortest);
        co_return std::move(facts_);
    }

  private:
    bool validating() const { return sources_.validation == Validation::proven; }

    // Whether some look-up that DANE depends on failed.
    bool dane_is_unknown() const {
        return (facts_.mx && facts_.mx->state == State::unknown) ||
               std::any_of(facts_.hosts.begin(), facts_.hosts.end(),
                           [](const Host& h) { return h.tlsa.state == State::unknown; });
    }

    // Survives whatever is learnt without validation, and restarts: what could not be checked
    // refutes nothing.
    bool dane_held_before() const {
        return known_ &&
               (known_->dane_lost || std::any_of(known_->hosts.begin(), known_->hosts.end(),
                                                 [](const Host& h) { return h.usable() > 0; }));
    }

    asio::awaitable<Lookup> ask(std::string name, RrType type) {
        Lookup found = co_await look_up(sources_.dns, std::move(name), type, validating());
        if (found.standing.state == State::unknown)
            failed(found.standing.reason);
        else
            ask_again_after(std::max(Seconds{found.ttl}, sources_.lifetimes.shortest));
        co_return found;
    }

    void failed(Reason why) {
        (fault_of(why) == Fault::ours ? failed_here_ : failed_there_) = true;
    }

    void back_off() {
        if (failed_here_)
            ask_again_after(life_of_unknown);
        if (failed_here_ || failed_there_)
            facts_.failures = known_ ? known_->failures : 0;
        if (failed_there_) {
            Seconds pause = life_of_unknown;
            const std::uint32_t doublings = sources_.outage ? 0 : facts_.failures;
            for (std::uint32_t i = 0; i < doublings && pause < longest_life_of_unknown; ++i)
                pause *= 2;
            ask_again_after(std::min(pause, longest_life_of_unknown));
            ++facts_.failures;
        }
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
            const auto& first = std::get<MxRecord>(mx.records.front().data);
            facts_.null_mx =
                mx.records.size() == 1 && first.preference == 0 && first.exchange.empty();
            if (facts_.null_mx) {
                facts_.mx->reason = Reason::null_mx;
                co_return;
            }
            take_hosts(mx.records);
        }
        std::vector<asio::awaitable<void>> each;
        for (std::size_t i = 0; i < std::min(facts_.hosts.size(), most_hosts); ++i)
            each.push_back(host(facts_.hosts[i]));
        co_await gather(std::move(each));
    }

    void take_hosts(const std::vector<DnsRecord>& records) {
        for (const DnsRecord& record : records) {
            const MxRecord& mx = std::get<MxRecord>(record.data);
            auto name = Domain::parse(mx.exchange);
            if (!name) // an address in place of a name, or no name at all: no MTA can use it
                continue;
            const auto same = std::ranges::find(facts_.hosts, *name, &Host::name);
            if (same != facts_.hosts.end())
                same->preference = std::min(same->preference, mx.preference);
            else
                facts_.hosts.emplace_back(*std::move(name), mx.preference);
        }
        std::sort(facts_.hosts.begin(), facts_.hosts.end(), [](const Host& a, const Host& b) {
            return std::pair(a.preference, a.name.text()) < std::pair(b.preference, b.name.text());
        });
        if (facts_.hosts.size() > most_hosts) {
            // One more stands for all that are not asked about: the MTA may use them.
            facts_.hosts.resize(most_hosts + 1, facts_.hosts.front());
            facts_.hosts.back().addresses = {State::unknown, Reason::mx_too_many};
            facts_.hosts.back().tlsa = facts_.hosts.back().addresses;
        }
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
            host.tlsa = without_validation();
            ask_again_after(life_without_validation);
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
        } else if (found.aliased) {
            // RFC 7672 §2.1.3: a secure alias of an insecure target.
            const Lookup alias = co_await ask(host.name.text(), RrType::cname);
            if (alias.standing.state == State::unknown) { // §2.1.1: an error, not "no record"
                host.tlsa = alias.standing;
                co_return;
            }
            if (alias.standing.state == State::present && alias.secure)
                bases.push_back(host.name.text());
        }
        if (bases.empty())
            host.tlsa = {State::absent, Reason::host_insecure};
        else
            co_await tlsa(host, std::move(bases));
    }

    // DESIGN: a site whose resolver has never validated has no DANE and blocks nothing else; where
    // DANE was known to hold it does not know, however that was lost; one that has shown nothing
    // yet knows nothing.
    Standing without_validation() const {
        if (sources_.validation == Validation::untested)
            return {State::unknown, Reason::resolver_untested};
        if (facts_.dane_lost)
            return {State::unknown, Reason::resolver_validation_lost};
        return {State::absent, Reason::resolver_not_validating};
    }

    // RFC 7672 §2.2.3: the first base with a secure TLSA RRset wins; an error stops.
    asio::awaitable<void> tlsa(Host& host, std::vector<std::string> bases) {
        host.tlsa = {State::absent, Reason::tlsa_none};
        for (const std::string& base : bases) {
            const std::string owner = fmt::format("_{}._tcp.{}", hop_.port(), base);
            if (owner.size() > longest_name) // no such name can exist
                continue;
            const Lookup found = co_await ask(owner, RrType::tlsa);
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
                if (host.records.size() + host.unreadable == most_tlsa)
                    break;
                // What cannot be read still counts as published, and as unusable (RFC 6698 §4.1).
                auto parsed = dane::parse_rdata(std::get<DnsRecord::Raw>(record.data).rdata);
                if (parsed)
                    host.records.push_back(*std::move(parsed));
                else
                    ++host.unreadable;
            }
            if (host.usable() == 0)
                host.tlsa.reason = Reason::tlsa_unusable;
            co_return;
        }
    }

    // RFC 8461 §3.1: the record says whether there is a policy, and which. §3.4: of this domain,
    // not of its parent.
    asio::awaitable<void> policy() {
        StsFacts& sts = facts_.sts;
        // One that has ended is no longer in force, and is kept: perhaps the clock is wrong, and
        // will be put right.
        const bool held = known_ && known_->sts.fetched != Time{};
        if (held) {
            sts = known_->sts;
            // A clock set back must not make a policy live longer.
            if (sts.fetched > now_) {
                sts.fetched = now_;
                sts.expires = std::min(sts.expires, now_ + sts.policy.max_age);
            }
        }
        const bool cached = held && now_ < sts.expires;
        if (known_)
            sts.failed = known_->sts.failed;
        if (cached)
            sts.standing = {State::present, Reason::none};
        const Standing learnt = co_await learn_policy(cached);
        sts.refresh = learnt;
        // RFC 8461 §5.1: absence or failure never removes a cached policy.
        if (!cached || learnt.state == State::present)
            sts.standing = learnt;
        if (sts.standing.state == State::present)
            facts_.until =
                std::min(facts_.until, std::max(sts.expires, now_ + sources_.lifetimes.shortest));
    }

    asio::awaitable<Standing> learn_policy(bool cached) {
        StsFacts& sts = facts_.sts;
        std::string id;
        const Standing published = co_await record(id);
        const bool due = sources_.fetch_again || now_ >= sts.fetched + policy_refresh;
        if (published.state != State::present) {
            // §3.3, §10.2: a policy in force is refreshed daily, whatever the record says now.
            if (cached && due)
                co_await fetch(sts.id);
            co_return published;
        }
        // §5.1, §8.1, §10.3: any other id than that of the policy we hold means that there is a new
        // one, shorter or none at all perhaps.
        if (cached && id == sts.id && !due)
            co_return published;
        co_return co_await fetch(std::move(id));
    }

    asio::awaitable<Standing> record(std::string& id) {
        const std::string name = "_mta-sts." + hop_.domain()->text();
        if (name.size() > longest_name)
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
        id = std::get<mtasts::Record>(parsed).id;
        co_return Standing{State::present, Reason::none};
    }

    // RFC 8461 §3.3. Any failure is Unknown: that the policy host does not answer proves nothing.
    asio::awaitable<Standing> fetch(std::string id) {
        auto& latest = facts_.sts.failed;
        const bool paused = latest && latest->id == id && latest->at <= now_ &&
                            now_ < latest->at + pause_after_failure;
        if (paused && !sources_.fetch_again) {
            failed(latest->why.reason);
            co_return latest->why;
        }
        const std::string host = "mta-sts." + hop_.domain()->text();
        std::vector<std::string> addresses;
        Standing unreachable{State::unknown, Reason::sts_fetch_connect};
        for (const RrType type : {RrType::a, RrType::aaaa}) {
            const Lookup found = co_await ask(host, type);
            if (found.standing.state == State::unknown)
                unreachable = found.standing;
            for (const DnsRecord& record : found.records)
                addresses.push_back(std::get<DnsRecord::Address>(record.data).text);
        }
        if (addresses.empty()) {
            failed(unreachable.reason);
            co_return unreachable;
        }
        HttpsRequest request(host, "/.well-known/mta-sts.txt", std::move(addresses));
        const HttpsReply reply = co_await sources_.https.get(std::move(request));
        const Standing got = take_policy(reply, id);
        if (got.state == State::present)
            latest.reset();
        else
            latest = FailedFetch{std::move(id), sources_.clock.now(), got};
        if (got.state == State::unknown)
            failed(got.reason);
        co_return got;
    }

    Standing take_policy(const HttpsReply& reply, const std::string& id) {
        if (reply.reason != Reason::none)
            return {State::unknown, reply.reason};
        if (reply.status != 200) // §3.3: valid only with 200; 3xx not followed
            return {State::unknown, Reason::sts_fetch_status};
        if (reply.media_type != "text/plain") // §3.2
            return {State::unknown, Reason::sts_fetch_type};
        auto policy = mtasts::parse_policy(reply.body);
        if (!policy)
            return {State::invalid, Reason::sts_policy_syntax};
        StsFacts& sts = facts_.sts;
        sts.policy = *std::move(policy);
        sts.id = id;
        sts.fetched = sources_.clock.now();
        sts.expires = sts.fetched + sts.policy.max_age;
        return {State::present, Reason::none};
    }

    NextHop hop_;
    FactsPtr known_;
    Sources sources_;
    Time now_;
    Facts facts_;
    bool failed_here_ = false; // by our own fault
    bool failed_there_ = false;
};

} // namespace

asio::awaitable<Facts> inquire(NextHop next_hop, FactsPtr known, Sources sources) {
    Inquiry inquiry(std::move(next_hop), std::move(known), sources);
    co_return co_await inquiry.run();
}

} // namespace surehop
