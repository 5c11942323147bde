// SPDX-License-Identifier: Apache-2.0
#include "store/facts_store.h"

#include "base/spread.h"
#include "facts/stored_facts.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

namespace surehop {

namespace {

constexpr std::uint64_t puts_between_counts = 1000;

// To make one ready costs more than to read it, and makes another one not ready: worth it for what
// is used again and again.
constexpr std::uint32_t uses_until_ready = 8;

// Until when an MTA-STS policy binds whatever happens to DNS or its host (RFC 8461 §3.3).
Time binds_until(const Facts& facts) {
    const StsFacts& sts = facts.sts;
    const bool binds =
        sts.standing.state == State::present && sts.policy.mode == mtasts::Mode::enforce;
    return binds ? sts.expires : Time{};
}

// RFC 8461 §3.3, §10.2: daily, whether or not the id in DNS has changed; each next hop at a time of
// its own. An attempt that failed is followed by another within the next hours, well before the
// policy ends.
Time refresh_at(const std::string& key, const Facts& facts) {
    using std::chrono::hours;
    if (binds_until(facts) == Time{})
        return Time{};
    const Time due = facts.sts.fetched + hours{20} + spread(hours{3}, key);
    // Where a look-up failed and the rest was kept, `learnt` is from before.
    const Time tried_at =
        facts.sts.failed ? std::max(facts.learnt, facts.sts.failed->at) : facts.learnt;
    const bool tried = due <= tried_at && facts.sts.refresh.state != State::present;
    return tried ? tried_at + hours{1} + spread(hours{1}, key) : due;
}

// Somebody publishes TLSA records without measure. What is kept on disk tells the policy, and that
// DANE held; it is out of date at once, so that the rest is learnt again.
Facts shortened(Facts facts) {
    constexpr std::size_t most_octets = 1024;
    for (Host& host : facts.hosts) {
        const auto keep = std::ranges::find_if(host.records, [](const dane::Tlsa& record) {
            return !dane::unusable_because(record) && record.data.size() <= most_octets;
        });
        std::vector<dane::Tlsa> one;
        if (keep != host.records.end())
            one.push_back(std::move(*keep));
        host.records = std::move(one);
    }
    facts.until = facts.learnt;
    return facts;
}

// A fetch that failed is tried again after a restart.
std::string for_disk(Facts facts) {
    facts.sts.failed.reset();
    return to_store(facts);
}

Writer::Job save(const std::string& key, std::string body, const Facts& facts, Time used) {
    return [key, body = std::move(body), learnt = facts.learnt, until = facts.until, used,
            binds = binds_until(facts),
            refresh = refresh_at(key, facts)](Database& database) -> Status {
        auto statement = database.reuse(
            "INSERT INTO facts (key, body, learnt, until, used, binds, refresh) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
            "ON CONFLICT (key) DO UPDATE SET body = excluded.body, learnt = excluded.learnt, "
            "until = excluded.until, used = max(used, excluded.used), binds = excluded.binds, "
            "refresh = excluded.refresh");
        if (!statement)
            return Error{statement.error()};
        return statement->bind(1, key)
            .bind_octets(2, body)
            .bind(3, learnt)
            .bind(4, until)
            .bind(5, used)
            .bind(6, binds)
            .bind(7, refresh)
            .run();
    };
}

// Makes room for one percent more than is needed, so that this is rare.
Writer::Job prune(std::size_t most, Time now) {
    return [most = static_cast<std::int64_t>(most), now](Database& database) -> Status {
        auto count = database.reuse("SELECT count(*) FROM facts");
        if (!count)
            return Error{count.error()};
        if (const auto row = count->step(); !row)
            return Error{row.error()};
        const std::int64_t rows = count->number(0);
        count->reset();
        if (rows <= most)
            return Done{};
        std::int64_t surplus = rows - most + most / 100;
        // In the second round even policies that bind: the limit holds whatever is in the store.
        for (const Time bound : {now, Time::max()}) {
            auto remove = database.reuse("DELETE FROM facts WHERE key IN (SELECT key FROM facts "
                                         "WHERE binds <= ?1 ORDER BY used LIMIT ?2)");
            if (!remove)
                return Error{remove.error()};
            if (auto done = remove->bind(1, bound).bind(2, surplus).run(); !done)
                return done;
            surplus = std::max(std::int64_t{0}, surplus - database.changes());
        }
        return Done{};
    };
}

} // namespace

FactsStore::FactsStore(Database& reader, Writer& writer, FactsLimits limits)
    : reader_(reader), writer_(writer), limits_(limits), memory_(limits) {}

std::vector<std::string> FactsStore::came_into_use() {
    const std::lock_guard hold(mutex_);
    return std::exchange(came_into_use_, {});
}

Result<FactsPtr> FactsStore::read(std::string_view key) { return look(key, std::nullopt); }

FactsPtr FactsStore::use(std::string_view key, Time now) {
    const auto facts = look(key, now);
    return facts ? *facts : nullptr;
}

Result<FactsPtr> FactsStore::look(std::string_view key, std::optional<Time> used) {
    std::uint64_t changes = 0;
    bool may_keep = false;
    std::string body;
    Use use;
    {
        const std::lock_guard hold(mutex_);
        if (auto* held = memory_.find(key)) {
            note(*held, used);
            if (held->facts)
                return held->facts;
            body = held->stored;
            use = held->use;
        }
        changes = changes_;
        may_keep = forgetting_ == 0;
    }
    const bool in_memory = !body.empty();
    if (!in_memory) {
        const auto hold = reader_.lock();
        auto query = reader_.reuse("SELECT body, used FROM facts WHERE key = ?1");
        if (!query)
            return Error{query.error()};
        const auto row = query->bind(1, key).step();
        if (!row)
            return Error{row.error()};
        if (!*row)
            return FactsPtr();
        body = query->octets(0);
        use.last = query->time(1);
    }
    auto facts = from_store(body);
    if (!facts)
        return FactsPtr();
    FactsPtr learnt = std::make_shared<const Facts>(*std::move(facts));

    const std::lock_guard hold(mutex_);
    auto* held = memory_.find(key);
    if (held != nullptr && !in_memory)
        note(*held, used);
    if (held != nullptr && held->facts)
        return held->facts; // put meanwhile, so newer; or made ready
    if (held != nullptr && held->use.times % uses_until_ready != 0)
        return learnt;
    if (may_keep && changes == changes_) {
        const bool noted = held != nullptr;
        auto& kept = memory_.keep(key, learnt, body.size(), noted ? held->use : use);
        if (!noted && !in_memory)
            note(kept, used);
    }
    return learnt;
}

std::optional<FactsStore::Use> FactsStore::use_of(std::string_view key) {
    const std::lock_guard hold(mutex_);
    const auto* held = memory_.look_at(key);
    return held == nullptr || held->use.last == Time{} ? std::nullopt : std::optional(held->use);
}

void FactsStore::put(const std::string& key, FactsPtr facts) {
    std::string body = for_disk(*facts);
    const std::size_t octets = body.size();
    const Time now = facts->learnt;
    if (octets > FactsMemory::longest_row)
        body = for_disk(shortened(*facts));

    // The lock is held over both, so that memory and disk see puts and forgets in one order.
    const std::lock_guard hold(mutex_);
    const auto* before = memory_.look_at(key);
    const Use use = before == nullptr ? Use{} : before->use;
    ++changes_;
    writer_.submit_and_forget(
        save(key, std::move(body), *facts, use.last == Time{} ? now : use.last));
    memory_.keep(key, std::move(facts), octets, use);
    if (++puts_ % puts_between_counts == 0)
        writer_.submit_and_forget(prune(limits_.on_disk, now));
}

Result<bool> FactsStore::forget(const std::string& key) {
    auto was_on_disk = std::make_shared<bool>(false);
    bool was_in_memory = false;
    std::future<Status> gone;
    {
        const std::lock_guard hold(mutex_);
        ++changes_;
        ++forgetting_;
        was_in_memory = memory_.drop(key);
        gone = writer_.submit([key, was_on_disk](Database& database) -> Status {
            auto statement = database.reuse("DELETE FROM facts WHERE key = ?1");
            if (!statement)
                return Error{statement.error()};
            auto done = statement->bind(1, key).run();
            *was_on_disk = database.changes() > 0;
            return done;
        });
    }
    const Status status = gone.get();
    const std::lock_guard hold(mutex_);
    --forgetting_;
    if (!status)
        return Error{status.error()};
    return was_in_memory || *was_on_disk;
}

Result<std::vector<std::string>> FactsStore::policies_due(Time now, Time used_since,
                                                          std::size_t most) {
    std::vector<std::string> keys;
    const auto hold = reader_.lock();
    auto query = reader_.reuse("SELECT key FROM facts WHERE refresh > 0 AND refresh <= ?1 "
                               "AND binds > ?1 AND used >= ?2 ORDER BY refresh LIMIT ?3");
    if (!query)
        return Error{query.error()};
    query->bind(1, now).bind(2, used_since).bind(3, static_cast<std::int64_t>(most));
    for (;;) {
        const auto row = query->step();
        if (!row)
            return Error{row.error()};
        if (!*row)
            return keys;
        keys.push_back(query->text(0));
    }
}

void FactsStore::drop_unused(Time now, Time used_since, std::size_t most) {
    writer_.submit_and_forget(
        [now, used_since, most = static_cast<std::int64_t>(most)](Database& database) -> Status {
            auto remove = database.reuse("DELETE FROM facts WHERE key IN (SELECT key FROM facts "
                                         "WHERE used < ?1 AND binds <= ?2 ORDER BY used LIMIT ?3)");
            if (!remove)
                return Error{remove.error()};
            return remove->bind(1, used_since).bind(2, now).bind(3, most).run();
        });
}

Result<FactsStore::Listing> FactsStore::list(std::size_t most) {
    struct Found {
        FactsPtr facts;
        std::string stored; // where that is null
    };
    std::map<std::string, Found> all;
    most = std::min(most, limits_.on_disk);
    {
        const auto hold = reader_.lock();
        auto query = reader_.reuse("SELECT key, body FROM facts ORDER BY key LIMIT ?1");
        if (!query)
            return Error{query.error()};
        query->bind(1, static_cast<std::int64_t>(most) + 1);
        for (;;) {
            const auto row = query->step();
            if (!row)
                return Error{row.error()};
            if (!*row)
                break;
            all.emplace(query->text(0), Found{nullptr, query->octets(1)});
        }
    }
    {
        const std::lock_guard hold(mutex_);
        const std::string last = all.size() > most ? all.rbegin()->first : "";
        memory_.each([&](const FactsMemory::Held& held) { // newer
            if (last.empty() || held.key <= last)
                all.insert_or_assign(held.key, Found{held.facts, held.stored});
        });
    }
    Listing out;
    out.more = all.size() > most;
    if (out.more)
        all.erase(std::next(all.begin(), static_cast<std::ptrdiff_t>(most)), all.end());
    for (auto& [key, found] : all) { // read under no lock: finds wait for those
        if (!found.facts)
            if (auto facts = from_store(found.stored))
                found.facts = std::make_shared<const Facts>(*std::move(facts));
        if (found.facts)
            out.entries.push_back({key, std::move(found.facts)});
    }
    return out;
}

void FactsStore::note(FactsMemory::Held& held, std::optional<Time> used) {
    if (!used)
        return;
    held.use.last = std::max(held.use.last, *used);
    if (held.use.times < std::numeric_limits<std::uint32_t>::max())
        ++held.use.times;
    if (held.use.times == in_use && came_into_use_.size() < limits_.in_memory)
        came_into_use_.push_back(held.key);
}

} // namespace surehop
