// SPDX-License-Identifier: Apache-2.0
#include "support/gate_rig.h"

#include "support/test_store.h"

#include "base/log.h"
#include "store/schema.h"

#include <stdexcept>
#include <utility>

#include <stdlib.h> // mkdtemp

namespace surehop::test {

namespace {

Database open_migrated(const std::string& file) {
    Database database = value(Database::open(file));
    must(migrate(database));
    return database;
}

Host host_named(std::string_view name) {
    Host host(value(Domain::parse(name)), 10);
    host.addresses = {State::present, Reason::none};
    host.addresses_secure = true;
    return host;
}

std::shared_ptr<Facts> facts_at(Time now) {
    auto facts = std::make_shared<Facts>();
    facts->mx = Standing{State::present, Reason::none};
    facts->mx_secure = true;
    facts->sts.standing = facts->sts.refresh = {State::absent, Reason::sts_txt_none};
    facts->learnt = now;
    facts->until = now + std::chrono::hours{1};
    return facts;
}

} // namespace

Result<FactsPtr> MapBook::read(std::string_view key) {
    const std::lock_guard hold(mutex_);
    const auto found = facts_.find(std::string(key));
    return found == facts_.end() ? nullptr : found->second;
}

void MapBook::put(const std::string& key, FactsPtr facts) {
    const std::lock_guard hold(mutex_);
    facts_[key] = std::move(facts);
}

asio::awaitable<DnsAnswer> NoDns::ask(Question) {
    ++asked;
    asio::steady_timer timer(co_await asio::this_coro::executor, delay.load());
    co_await timer.async_wait(asio::use_awaitable);
    DnsAnswer answer;
    answer.status = DnsStatus::no_name;
    answer.authentic = true;
    answer.ttl = 3600;
    co_return answer;
}

asio::awaitable<HttpsReply> NoHttps::get(HttpsRequest) { co_return HttpsReply{}; }

Path path(std::string_view text) { return value(Path::parse(text)); }

NextHop hop(std::string_view text) { return value(NextHop::parse(text)); }

AddressPattern pattern(std::string_view text) { return value(AddressPattern::parse(text)); }

FactsPtr dane_facts(std::string_view host, Time now) {
    auto facts = facts_at(now);
    Host one = host_named(host);
    one.tlsa = {State::present, Reason::none};
    one.records = {{3, 1, 1, Bytes(32, 0xab)}};
    facts->hosts = {std::move(one)};
    return facts;
}

FactsPtr bare_facts(std::string_view host, Time now) {
    auto facts = facts_at(now);
    Host one = host_named(host);
    one.tlsa = {State::absent, Reason::tlsa_none};
    facts->hosts = {std::move(one)};
    return facts;
}

FactsPtr null_mx_facts(Time now) {
    auto facts = facts_at(now);
    facts->null_mx = true;
    facts->mx->reason = Reason::null_mx;
    return facts;
}

FactsPtr no_domain_facts(Time now) {
    auto facts = facts_at(now);
    facts->mx = Standing{State::absent, Reason::no_such_domain};
    return facts;
}

FactsPtr failed_facts(Reason reason, Time now) {
    auto facts = facts_at(now);
    facts->mx = Standing{State::unknown, reason};
    facts->mx_secure = std::nullopt;
    facts->sts.standing = facts->sts.refresh = {State::unknown, reason};
    return facts;
}

GateRig::Folder::Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "surehop-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::runtime_error("no temporary folder");
    path = name;
}

GateRig::Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

GateRig::GateRig(ResolverLimits limits)
    : store_((folder_.path / "surehop.db").string()), busy_(loop_.get_executor()),
      loop_thread_([this] { loop_.run(); }), reader(open_migrated(store_)),
      writer(value(Database::open(store_))), allowlist(value(Allowlist::open(reader, writer))),
      promises(value(Promises::open(reader, writer, clock.now()))), ledger(reader, writer),
      resolver(
          loop_, dns, https, book, clock, [] { return Validation::proven; }, limits),
      gate(book, resolver, *allowlist, *promises, outage), references(clock.now()) {
    site_of(requirement());
    log::set_level("warning"); // refusals are what these tests are about
}

GateRig::~GateRig() {
    loop_.stop();
    loop_thread_.join();
}

void GateRig::knows(std::string_view next_hop, FactsPtr facts) {
    book.put(hop(next_hop).key(), std::move(facts));
}

Requirement GateRig::requirement() {
    Requirement asked;
    asked.rule = "default";
    asked.minimum = Level::authenticated;
    asked.help = "postmaster@clinic.example";
    return asked;
}

void GateRig::site_of(Requirement last_resort, std::vector<Rule> rules) {
    site.rules = std::make_shared<const RuleSet>(std::move(rules), std::move(last_resort));
    site.lock = Lock::postfix;
}

std::vector<LedgerRow> GateRig::rows(std::string_view what) {
    must(writer.submit_and_wait([](Database&) -> Status { return Done{}; })); // what is queued
    return value(ledger.trace(what));
}

void GateRig::break_ledger() {
    must(writer.submit_and_wait(
        [](Database& d) { return d.execute("ALTER TABLE ledger RENAME TO gone"); }));
}

void GateRig::mend_ledger() {
    must(writer.submit_and_wait(
        [](Database& d) { return d.execute("ALTER TABLE gone RENAME TO ledger"); }));
}

} // namespace surehop::test
