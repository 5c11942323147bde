// SPDX-License-Identifier: Apache-2.0
#include "milter/refusals.h"

#include "base/log.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace surehop {

namespace {

constexpr Seconds minute{60};
constexpr const char* several = "several";

// "client 192.0.2.1 at example.org"
std::string whose(const std::string& client, const std::string& domain) {
    if (client == several)
        return "one of several clients";
    return fmt::format("client {}{}", client.empty() ? "of this machine" : client,
                       domain.empty() ? "" : " at " + domain);
}

LedgerRow row_of(const std::string& reference, const std::string& domain, Time now,
                 std::size_t times, std::string detail) {
    LedgerRow row;
    row.time = now;
    row.kind = "refusals";
    row.reference = reference;
    row.times = static_cast<std::int64_t>(times);
    if (!domain.empty())
        row.recipient = "@" + domain;
    row.detail = std::move(detail);
    return row;
}

} // namespace

// Whom there is no room for counts as one of several, and is not named.
Refusals::Place Refusals::count_of(const std::string& client, const std::string& domain) {
    const Key key{client, domain};
    const bool room = counts_.size() < limits_.remembered || counts_.contains(key);
    return counts_.try_emplace(room ? key : Key{several, ""}).first;
}

std::string Refusals::add(const std::string& client, LedgerRow row) {
    const std::lock_guard hold(mutex_);
    if (minute_is_over(row.time))
        begin_minute(row.time);
    const Place all = count_of(client, "");
    if (++all->second.refused > limits_.per_client)
        return counted(all, row);
    if (const std::string domain = domain_of(row); !domain.empty()) {
        const Place here = count_of(client, domain);
        if (here->first.first == client && ++here->second.refused > limits_.per_domain)
            return counted(here, row);
    }
    std::string reference = row.reference;
    ledger_.append_later({std::move(row)});
    return reference;
}

const std::string& Refusals::counted(Place place, const LedgerRow& row) {
    const Key& key = place->first;
    Count& count = place->second;
    ++count.counted;
    if (!count.reference.empty())
        return count.reference;
    count.reference = references_.next();
    const std::string who = whose(key.first, key.second);
    log::warning("{} is refused very often; until the minute is over its refusals are counted, "
                 "ref={}",
                 who, count.reference);
    ledger_.append_later(
        {row_of(count.reference, key.second, row.time, 0,
                who + " is refused very often: counted from here on, until the minute is over")});
    return count.reference;
}

bool Refusals::minute_is_over(Time now) const { return now < began_ || now >= began_ + minute; }

void Refusals::begin_minute(Time now) {
    std::vector<LedgerRow> rows;
    for (const auto& [key, count] : counts_) {
        if (count.counted == 0)
            continue;
        auto sum = fmt::format("{} was refused {} more times within the minute from {}",
                               whose(key.first, key.second), count.counted, format_time(began_));
        log::warning("{}, ref={}", sum, count.reference);
        rows.push_back(row_of(count.reference, key.second, now, count.counted, std::move(sum)));
    }
    if (!rows.empty())
        ledger_.append_later(std::move(rows));
    counts_.clear();
    began_ = now;
}

void Refusals::tick(Time now) {
    const std::lock_guard hold(mutex_);
    if (!counts_.empty() && minute_is_over(now))
        begin_minute(now);
}

void Refusals::end(Time now) {
    const std::lock_guard hold(mutex_);
    begin_minute(now);
}

} // namespace surehop
