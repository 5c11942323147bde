// SPDX-License-Identifier: Apache-2.0
#include "store/verify.h"

#include "store/ledger_table.h"

#include <algorithm>
#include <array>
#include <utility>

namespace surehop {

namespace {

constexpr std::size_t rows_at_once = 5'000;
constexpr int most_cuts_meanwhile = 20;

// What SQLite counts, and no deletion takes back, and the last row that there is.
struct Extent {
    std::int64_t given = 0;
    std::int64_t last = 0;
};

Result<Extent> extent_of(Database& database) {
    auto query = database.reuse(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'ledger'), 0), "
        "coalesce((SELECT max(id) FROM ledger), 0)");
    if (!query)
        return Error{query.error()};
    const auto row = query->step();
    if (!row)
        return Error{row.error()};
    return Extent{query->number(0), query->number(1)};
}

Result<Verified> verify_after(Database& database, const std::optional<Cut>& cut,
                              const std::optional<ChainHead>& noted, const Progress& progress) {
    const auto extent = extent_of(database);
    if (!extent)
        return Error{extent.error()};
    const ChainHead after = cut ? cut->last : ChainHead{};
    Verifier verifier(after, noted);
    const auto end = [&] {
        Verified out = verifier.end();
        out.cut = cut;
        return out;
    };
    const std::int64_t all = std::max<std::int64_t>(extent->last - after.id, 0);
    std::int64_t at = after.id;
    while (at < extent->last) {
        const auto rows = rows_after(database, at, rows_at_once);
        if (!rows)
            return Error{rows.error()};
        if (rows->empty())
            break;
        for (const auto& [row, value] : *rows) {
            if (row.id > extent->last)
                break; // written since
            if (!verifier.next(row, value))
                return end();
        }
        at = rows->back().row.id;
        if (progress)
            progress(static_cast<std::uint64_t>(std::min(at - after.id, all)),
                     static_cast<std::uint64_t>(all));
    }
    if (const std::int64_t last = verifier.end().last.id; last < extent->given)
        verifier.fault(missing_rows(last + 1, extent->given));
    return end();
}

} // namespace

std::string_view name_of(Noted noted) {
    constexpr std::array<std::string_view, 6> names = {"not-asked", "found",  "other",
                                                       "beyond",    "before", "unreached"};
    return names.at(static_cast<std::size_t>(noted));
}

bool Verified::good() const {
    return !fault && noted != Noted::other && noted != Noted::beyond && noted != Noted::unreached;
}

Verifier::Verifier(ChainHead after, std::optional<ChainHead> noted)
    : check_(after), wanted_(std::move(noted)) {
    so_far_.after = std::move(after);
    if (!wanted_)
        return;
    so_far_.noted = Noted::unreached;
    if (wanted_->id < so_far_.after.id)
        so_far_.noted = Noted::before;
    else if (wanted_->id == so_far_.after.id)
        so_far_.noted = *wanted_ == so_far_.after ? Noted::found : Noted::other;
}

bool Verifier::next(const LedgerRow& row, std::string_view value) {
    if (auto wrong = check_.next(row, value)) {
        fault(*std::move(wrong));
        return false;
    }
    ++so_far_.rows;
    if (wanted_ && wanted_->id == row.id)
        so_far_.noted = wanted_->value == value ? Noted::found : Noted::other;
    return true;
}

void Verifier::fault(ChainFault fault) { so_far_.fault = std::move(fault); }

Verified Verifier::end() const {
    Verified out = so_far_;
    out.last = check_.last();
    if (out.noted == Noted::unreached && !out.fault)
        out.noted = Noted::beyond;
    return out;
}

Result<Verified> verify_store(Database& database, const std::optional<ChainHead>& noted,
                              const Progress& progress) {
    auto cut = latest_cut(database);
    if (!cut)
        return Error{cut.error()};
    for (int again = 0;; ++again) {
        auto verified = verify_after(database, *cut, noted, progress);
        if (!verified || !verified->fault || again == most_cuts_meanwhile)
            return verified;
        // Rows that went while they were read are no fault.
        auto now = latest_cut(database);
        if (!now)
            return Error{now.error()};
        if (!*now || (*cut && (*cut)->last == (*now)->last))
            return verified;
        cut = std::move(now);
    }
}

} // namespace surehop
