// SPDX-License-Identifier: Apache-2.0
#include "store/facts_store.h"

#include "facts/facts_json.h"

#include <algorithm>
#include <map>
#include <utility>

namespace surehop {

namespace {

constexpr std::size_t most_octets_on_disk = std::size_t{256} << 10U; // of one row
constexpr std::uint64_t puts_between_counts = 1000;

// Until when an MTA-STS policy binds whatever happens to DNS or its host (RFC 8461 §3.3).
Time binds_until(const Facts& facts) {
    const StsFacts& sts = facts.sts;
    const bool binds =
        sts.standing.state == State::present && sts.policy.mode == mtasts::Mode::enforce;
    return binds ? sts.expires : Time{};
}

Writer::Job save(const std::string& key, std::string body, const Facts& facts) {
    return [key, body = std::move(body), learnt = facts.learnt, until = facts.until,
            binds = binds_until(facts)](Database& database) -> Status {
        auto statement = database.reuse(
            "INSERT INTO facts (key, body, learnt, until, used, binds) VALUES (?1, ?2, ?3, ?4, ?3, "
            "?5) "
            "ON CONFLICT (key) DO UPDATE SET body = excluded.body, learnt = excluded.learnt, "
            "until = excluded.until, used = excluded.used, binds = excluded.binds");
        if (!statement)
            return Error{statement.error()};
        return statement->bind(1, key)
            .bind(2, body)
            .bind(3, learnt)
            .bind(4, until)
            .bind(5, binds)
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
    : reader_(reader), writer_(writer), limits_(limits) {}

Result<FactsPtr> FactsStore::read(std::string_view key) {
    std::uint64_t forgets = 0;
    bool may_keep = false;
    {
        const std::lock_guard hold(mutex_);
        if (const auto found = memory_.find(key); found != memory_.end()) {
            recent_.splice(recent_.begin(), recent_, found->second);
            return found->second->facts;
        }
        forgets = forgets_;
        may_keep = forgetting_ == 0;
    }

    std::string body;
    {
        const auto hold = reader_.lock();
        auto query = reader_.reuse("SELECT body FROM facts WHERE key = ?1");
        if (!query)
            return Error{query.error()};
        const auto row = query->bind(1, key).step();
        if (!row)
            return Error{row.error()};
        if (!*row)
            return FactsPtr();
        body = query->text(0);
    }
    auto facts = from_store(body);
    if (!facts)
        return FactsPtr();
    FactsPtr learnt = std::make_shared<const Facts>(*std::move(facts));

    const std::lock_guard hold(mutex_);
    if (const auto found = memory_.find(key); found != memory_.end())
        return found->second->facts; // put meanwhile, so newer
    if (may_keep && forgets == forgets_)
        keep(key, learnt, body.size());
    return learnt;
}

void FactsStore::put(const std::string& key, FactsPtr facts) {
    std::string body = to_store(*facts);
    const std::size_t octets = body.size();
    const Time now = facts->learnt;
    auto job = save(key, std::move(body), *facts);

    // The lock is held over both, so that memory and disk see puts and forgets in one order.
    const std::lock_guard hold(mutex_);
    keep(key, std::move(facts), octets);
    if (octets <= most_octets_on_disk)
        writer_.submit_and_forget(std::move(job));
    if (++puts_ % puts_between_counts == 0)
        writer_.submit_and_forget(prune(limits_.on_disk, now));
}

Result<bool> FactsStore::forget(const std::string& key) {
    auto was_on_disk = std::make_shared<bool>(false);
    bool was_in_memory = false;
    std::future<Status> gone;
    {
        const std::lock_guard hold(mutex_);
        ++forgets_;
        ++forgetting_;
        if (const auto found = memory_.find(key); found != memory_.end()) {
            drop(found->second);
            was_in_memory = true;
        }
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

std::vector<FactsStore::Entry> FactsStore::list(std::size_t most) {
    std::vector<std::pair<std::string, std::string>> rows;
    {
        const auto hold = reader_.lock();
        auto query = reader_.reuse("SELECT key, body FROM facts ORDER BY key LIMIT ?1");
        if (query) {
            query->bind(1, static_cast<std::int64_t>(std::min(most, limits_.on_disk)));
            for (auto row = query->step(); row && *row; row = query->step())
                rows.emplace_back(query->text(0), query->text(1));
        }
    }
    std::map<std::string, FactsPtr> all;
    for (auto& [key, body] : rows) // not under the reader's lock, for which finds wait
        if (auto facts = from_store(body))
            all.emplace(std::move(key), std::make_shared<const Facts>(*std::move(facts)));
    {
        const std::lock_guard hold(mutex_); // memory is newer
        for (const Held& held : recent_)
            all.insert_or_assign(held.key, held.facts);
    }
    std::vector<Entry> entries;
    for (auto& [key, facts] : all) {
        if (entries.size() == most)
            break;
        entries.push_back({key, std::move(facts)});
    }
    return entries;
}

void FactsStore::keep(std::string_view key, FactsPtr facts, std::size_t octets) {
    if (const auto found = memory_.find(key); found != memory_.end())
        drop(found->second);
    recent_.push_front({std::string(key), std::move(facts), octets});
    memory_.emplace(recent_.front().key, recent_.begin());
    octets_ += octets;
    while (recent_.size() > std::max<std::size_t>(limits_.in_memory, 1) ||
           (octets_ > limits_.memory_octets && recent_.size() > 1))
        drop(std::prev(recent_.end()));
}

void FactsStore::drop(Place place) {
    octets_ -= place->octets;
    memory_.erase(place->key);
    recent_.erase(place);
}

} // namespace surehop
