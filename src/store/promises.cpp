// SPDX-License-Identifier: Apache-2.0
#include "store/promises.h"

#include "base/remark.h"
#include "store/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace surehop {

namespace {

constexpr Seconds move_at_most_every{3600};

} // namespace

Result<std::unique_ptr<Promises>> Promises::open(Database& reader, Writer& writer, Time now) {
    std::unique_ptr<Promises> promises(new Promises(writer));
    const auto hold = reader.lock();
    auto rows = reader.prepare("SELECT key, level, until FROM promise WHERE until > ?1");
    if (!rows)
        return Error{rows.error()};
    rows->bind(1, now);
    for (;;) {
        auto more = rows->step();
        if (!more)
            return Error{more.error()};
        if (!*more)
            return promises;
        const auto level = level_of(rows->text(1));
        if (!level)
            return Error{"the store holds a promise of the unknown level '" + rows->text(1) + "'"};
        promises->live_[rows->text(0)][*level] = rows->time(2);
    }
}

Status Promises::keep(const std::vector<Promised>& promised, Time now, Time until) {
    const std::shared_lock no_release(releasing_);
    std::vector<Promised> moved;
    bool clear = false;
    {
        const std::lock_guard hold(mutex_);
        clear = now >= cleared_ + move_at_most_every;
        for (const Promised& one : promised) {
            const auto key = live_.find(one.key);
            const bool far_enough = key != live_.end() && key->second.contains(one.level) &&
                                    key->second.at(one.level) >= until;
            if (!far_enough)
                moved.push_back(one);
        }
    }
    if (moved.empty())
        return Done{};
    const Time reach = until == until_released ? until : until + move_at_most_every;
    auto written =
        writer_.submit_and_wait([moved, now, reach, clear](Database& database) -> Status {
            if (clear) { // with this write, what is over
                auto gone = database.prepare("DELETE FROM promise WHERE until <= ?1");
                if (!gone)
                    return Error{gone.error()};
                if (auto done = gone->bind(1, now).run(); !done)
                    return done;
            }
            auto row = database.prepare(
                "INSERT INTO promise (key, level, until, made) VALUES (?1, ?2, ?3, ?4) "
                "ON CONFLICT (key, level) DO UPDATE SET until = max(until, ?3)");
            if (!row)
                return Error{row.error()};
            for (const Promised& one : moved) {
                row->bind(1, one.key).bind(2, name_of(one.level));
                row->bind(3, reach).bind(4, now);
                if (auto done = row->run(); !done)
                    return done;
                row->reset();
            }
            return Done{};
        });
    if (!written)
        return written;
    const std::lock_guard hold(mutex_);
    if (clear) {
        cleared_ = now;
        for (auto& [key, levels] : live_)
            std::erase_if(levels, [&](const auto& row) { return row.second <= now; });
        std::erase_if(live_, [](const auto& row) { return row.second.empty(); });
    }
    for (const Promised& one : moved) {
        Time& end = live_[one.key][one.level];
        end = std::max(end, reach);
    }
    return Done{};
}

Result<std::vector<Promises::Row>> Promises::release(const std::string& key, Time now,
                                                     const std::string& reason,
                                                     const std::string& by) {
    if (auto good = check_remark("reason for the release", reason, most_in_reason, true); !good)
        return Error{good.error()};
    const std::unique_lock nobody_keeps(releasing_);
    std::vector<Row> ended;
    for (Row& row : list(now))
        if (row.key == key)
            ended.push_back(std::move(row));
    if (ended.empty())
        return Error{fmt::format("there is no live promise for {}", key)};
    auto written = writer_.submit_and_wait([&](Database& database) -> Status {
        for (const Row& row : ended) {
            auto gone = database.prepare("DELETE FROM promise WHERE key = ?1 AND level = ?2");
            if (!gone)
                return Error{gone.error()};
            if (auto done = gone->bind(1, row.key).bind(2, name_of(row.level)).run(); !done)
                return done;
            LedgerRow told;
            told.time = now;
            told.kind = "promise-release";
            told.next_hop = row.key;
            told.level = name_of(row.level);
            told.detail = fmt::format("by {}; it held until {}; {}", by, end_of(row.until), reason);
            if (auto done = Ledger::write(database, told); !done)
                return done;
        }
        return Done{};
    });
    if (!written)
        return Error{written.error()};
    const std::lock_guard hold(mutex_);
    if (const auto levels = live_.find(key); levels != live_.end()) {
        for (const Row& row : ended)
            levels->second.erase(row.level);
        if (levels->second.empty())
            live_.erase(levels);
    }
    return ended;
}

std::shared_lock<std::shared_mutex> Promises::holding() const {
    return std::shared_lock(settling_);
}

Result<std::vector<Promises::Row>> Promises::settle(const std::function<Result<Resting>()>& resting,
                                                    Time now, Time end, const std::string& by) {
    const std::unique_lock nobody_holds(settling_);
    const std::unique_lock nobody_keeps(releasing_);
    const auto rests = resting();
    if (!rests)
        return Error{rests.error()};
    // As far as mail that was accepted under the same promise a moment ago reaches with it.
    const Time reach = end + move_at_most_every;
    std::vector<Row> ended;
    for (const Row& row : list(now))
        if (row.until == until_released && !rests->contains({row.key, row.level}))
            ended.push_back({row.key, row.level, reach});
    if (ended.empty())
        return ended;
    auto written = writer_.submit_and_wait([&](Database& database) -> Status {
        for (const Row& row : ended) {
            auto change = database.prepare(
                "UPDATE promise SET until = ?3 WHERE key = ?1 AND level = ?2 AND until = ?4");
            if (!change)
                return Error{change.error()};
            change->bind(1, row.key).bind(2, name_of(row.level));
            if (auto done = change->bind(3, reach).bind(4, until_released).run(); !done)
                return done;
            LedgerRow told;
            told.time = now;
            told.kind = "promise-end";
            told.next_hop = row.key;
            told.level = name_of(row.level);
            told.detail = fmt::format("by {}; no held mail rests on it any more; it ends {}", by,
                                      format_time(reach));
            if (auto done = Ledger::write(database, told); !done)
                return done;
        }
        return Done{};
    });
    if (!written)
        return Error{written.error()};
    const std::lock_guard hold(mutex_);
    for (const Row& row : ended)
        live_[row.key][row.level] = reach;
    return ended;
}

std::string end_of(Time until) {
    return until == Promises::until_released ? "released" : format_time(until);
}

std::optional<Promises::Row> Promises::highest(std::string_view key, Time now) const {
    const std::lock_guard hold(mutex_);
    const auto found = live_.find(key);
    if (found == live_.end())
        return std::nullopt;
    for (auto row = found->second.rbegin(); row != found->second.rend(); ++row)
        if (row->second > now)
            return Row{found->first, row->first, row->second};
    return std::nullopt;
}

std::vector<Promises::Row> Promises::list(Time now) const {
    const std::lock_guard hold(mutex_);
    std::vector<Row> out;
    for (const auto& [key, levels] : live_)
        for (const auto& [level, until] : levels)
            if (until > now)
                out.push_back({key, level, until});
    return out;
}

std::size_t Promises::count(Time now) const {
    const std::lock_guard hold(mutex_);
    std::size_t out = 0;
    for (const auto& [key, levels] : live_)
        for (const auto& [level, until] : levels)
            out += until > now ? 1 : 0;
    return out;
}

} // namespace surehop
