// SPDX-License-Identifier: Apache-2.0
#include "store/allowlist.h"

#include "base/remark.h"
#include "store/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace surehop {

// Immutable: who judges holds one while the next is published.
struct Allowlist::Rows {
    explicit Rows(std::vector<ExceptionPtr> rows);

    // Calls `visit` with each exception not removed whose recipient pattern could mean this domain.
    template <class Visit> void visit(std::string_view domain, Visit visit) const {
        while (!domain.empty()) {
            if (const auto found = by_domain.find(domain); found != by_domain.end())
                for (const std::size_t place : found->second)
                    visit(all[place]);
            const auto dot = domain.find('.');
            domain = dot == std::string_view::npos ? std::string_view{} : domain.substr(dot + 1);
        }
    }

    std::vector<ExceptionPtr> all; // by id
    std::map<std::string, std::vector<std::size_t>, std::less<>> by_domain;
    std::vector<std::size_t> others; // address literals
};

Allowlist::Rows::Rows(std::vector<ExceptionPtr> rows) : all(std::move(rows)) {
    for (std::size_t place = 0; place < all.size(); ++place) {
        if (all[place]->removed)
            continue;
        if (const auto& domain = all[place]->recipient.domain())
            by_domain[domain->text()].push_back(place);
        else
            others.push_back(place);
    }
}

namespace {

constexpr std::string_view columns = "id, recipient, sender, lowest, reason, owner, ticket, "
                                     "created_by, since, until, removed, removed_reason, "
                                     "override_published";

Result<Exception> exception_of(const Statement& row) {
    Exception exception;
    exception.id = row.number(0);
    const auto damaged = [&](std::string_view what) {
        return Error{fmt::format("exception {} in the store cannot be read: {}; restore the store "
                                 "from a backup",
                                 exception.id, what)};
    };
    auto recipient = AddressPattern::parse(row.text(1));
    if (!recipient)
        return damaged(recipient.error());
    exception.recipient = *std::move(recipient);
    if (!row.is_null(2)) {
        auto sender = AddressPattern::parse(row.text(2));
        if (!sender)
            return damaged(sender.error());
        exception.sender = *std::move(sender);
    }
    const auto lowest = level_of(row.text(3));
    if (!lowest)
        return damaged("its level is unknown");
    exception.lowest = *lowest;
    exception.reason = row.text(4);
    exception.owner = row.text(5);
    exception.ticket = row.text(6);
    exception.created_by = row.text(7);
    exception.from = row.time(8);
    exception.until = row.time(9);
    if (!row.is_null(10))
        exception.removed = row.time(10);
    exception.removed_reason = row.text(11);
    exception.overrides_published = row.number(12) != 0;
    return exception;
}

Status check(const Exception& exception, Time now) {
    using Kind = AddressPattern::Kind;
    const Kind kind = exception.recipient.kind();
    if (kind == Kind::any || kind == Kind::null_sender)
        return Error{
            "an exception is for an address, a domain or a suffix; what holds for everybody "
            "is set in [policy]"};
    struct Row {
        std::string_view name;
        const std::string& text;
        std::size_t most;
        bool required;
    };
    for (const Row& row :
         {Row{"reason of the exception", exception.reason, most_in_reason, true},
          Row{"owner of the exception", exception.owner, most_in_name, true},
          Row{"ticket of the exception", exception.ticket, most_in_name, false},
          Row{"author of the exception", exception.created_by, most_in_name, true}})
        if (auto good = check_remark(row.name, row.text, row.most, row.required); !good)
            return good;
    if (exception.until <= std::max(exception.from, now))
        return Error{fmt::format("the exception would end at {}, before it begins",
                                 format_time(exception.until))};
    return Done{};
}

Status check_ending(const Ending& ending, const std::string& by) {
    if (auto good = check_remark("reason for the removal", ending.reason, most_in_reason, true);
        !good)
        return good;
    return check_remark("author of the removal", by, most_in_name, true);
}

Status insert(Database& database, Exception& exception, Time now) {
    auto statement = database.reuse(
        "INSERT INTO exception (recipient, sender, lowest, reason, owner, ticket, created_by, "
        "since, until, override_published) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    if (!statement)
        return Error{statement.error()};
    statement->bind(1, exception.recipient.text());
    if (exception.sender)
        statement->bind(2, exception.sender->text());
    statement->bind(3, name_of(exception.lowest)).bind(4, exception.reason);
    statement->bind(5, exception.owner).bind(6, exception.ticket).bind(7, exception.created_by);
    statement->bind(8, exception.from).bind(9, exception.until);
    if (auto done = statement->bind(10, exception.overrides_published ? 1 : 0).run(); !done)
        return done;
    exception.id = database.last_insert_id();

    LedgerRow row = exception_row(exception, "allow-add", now);
    row.detail = fmt::format(
        "by {}; {}until {}; {}owner {}; {}{}", exception.created_by,
        exception.from > now ? "from " + format_time(exception.from) + "; " : "",
        format_time(exception.until),
        exception.overrides_published ? "overrides what is published; " : "", exception.owner,
        exception.ticket.empty() ? "" : "ticket " + exception.ticket + "; ", exception.reason);
    return Ledger::write(database, row);
}

Status end(Database& database, const Exception& exception, Time now, const std::string& by) {
    auto statement = database.reuse("UPDATE exception SET removed = ?2, removed_reason = ?3 "
                                    "WHERE id = ?1 AND removed IS NULL");
    if (!statement)
        return Error{statement.error()};
    statement->bind(1, exception.id).bind(2, now).bind(3, exception.removed_reason);
    if (auto done = statement->run(); !done)
        return done;
    if (database.changes() != 1)
        return Error{fmt::format("exception {} has ended already", exception.id)};

    LedgerRow row = exception_row(exception, "allow-remove", now);
    row.detail = fmt::format("by {}; {}", by, exception.removed_reason);
    return Ledger::write(database, row);
}

// The lower level is the wider exception, then what overrides; of equals the one with the lower id,
// visited first or not.
void choose(ExceptionPtr& best, const ExceptionPtr& candidate) {
    const auto width = [](const Exception& e) {
        return std::tuple(e.lowest, !e.overrides_published, e.id);
    };
    if (best == nullptr || width(*candidate) < width(*best))
        best = candidate;
}

// `all` is in the order of ids.
template <class Exceptions> auto* with_id(Exceptions& all, std::int64_t id) {
    const auto found =
        std::ranges::lower_bound(all, id, {}, [](const ExceptionPtr& one) { return one->id; });
    return found != all.end() && (*found)->id == id ? &*found : nullptr;
}

} // namespace

LedgerRow exception_row(const Exception& exception, std::string_view kind, Time time) {
    LedgerRow row;
    row.time = time;
    row.kind = kind;
    row.recipient = exception.recipient.text();
    row.sender = exception.sender ? exception.sender->text() : "";
    row.exception = exception.id;
    row.level = name_of(exception.lowest);
    return row;
}

Allowlist::Allowlist(Writer& writer, std::vector<Exception> rows) : writer_(writer) {
    std::vector<ExceptionPtr> all;
    all.reserve(rows.size());
    for (Exception& row : rows)
        all.push_back(std::make_shared<const Exception>(std::move(row)));
    publish(std::move(all));
}

Allowlist::~Allowlist() = default;

Result<std::vector<Exception>> Allowlist::read(Database& reader) {
    const auto hold = reader.lock();
    auto query = reader.prepare(fmt::format("SELECT {} FROM exception ORDER BY id", columns));
    if (!query)
        return Error{query.error()};
    std::vector<Exception> rows;
    for (;;) {
        const auto row = query->step();
        if (!row)
            return Error{row.error()};
        if (!*row)
            break;
        auto exception = exception_of(*query);
        if (!exception)
            return Error{exception.error()};
        rows.push_back(*std::move(exception));
    }
    return rows;
}

Result<std::unique_ptr<Allowlist>> Allowlist::open(Database& reader, Writer& writer) {
    auto rows = read(reader);
    if (!rows)
        return Error{rows.error()};
    return std::unique_ptr<Allowlist>(new Allowlist(writer, *std::move(rows)));
}

Result<std::int64_t> Allowlist::add(Exception exception) {
    const Time now = exception.from;
    const std::string by = exception.created_by;
    auto ids = change({{std::move(exception)}, {}}, now, by);
    return ids ? Result<std::int64_t>(ids->front()) : Error{ids.error()};
}

Status Allowlist::remove(std::int64_t id, Time now, const std::string& reason,
                         const std::string& by) {
    if (auto done = change({{}, {{id, reason}}}, now, by); !done)
        return Error{done.error()};
    return Done{};
}

Result<std::vector<std::int64_t>> Allowlist::change(AllowChange wanted, Time now,
                                                    const std::string& by) {
    for (Exception& exception : wanted.add) {
        exception.id = 0;
        exception.removed.reset();
        exception.removed_reason.clear();
        if (auto good = check(exception, now); !good)
            return Error{good.error()};
    }
    for (const Ending& ending : wanted.end)
        if (auto good = check_ending(ending, by); !good)
            return Error{good.error()};

    const std::lock_guard one_at_a_time(changing_);
    auto rows = snapshot()->all;
    std::vector<ExceptionPtr> ended;
    for (const Ending& ending : wanted.end) {
        ExceptionPtr* known = with_id(rows, ending.id);
        if (known == nullptr)
            return Error{fmt::format("there is no exception {}", ending.id)};
        Exception one = **known; // what others hold stays as it is
        if (one.over(now))
            return Error{fmt::format("exception {} has ended already, at {}", ending.id,
                                     format_time(one.removed.value_or(one.until)))};
        one.removed = now;
        one.removed_reason = ending.reason;
        *known = std::make_shared<const Exception>(std::move(one));
        ended.push_back(*known);
    }
    auto added = std::make_shared<std::vector<Exception>>(std::move(wanted.add));
    const auto write = [&ended, added, now, by](Database& database) -> Status {
        for (const ExceptionPtr& exception : ended)
            if (auto done = end(database, *exception, now, by); !done)
                return done;
        for (Exception& exception : *added)
            if (auto done = insert(database, exception, now); !done)
                return done;
        return Done{};
    };
    if (auto written = writer_.submit_and_wait(write); !written)
        return Error{written.error()};
    std::vector<std::int64_t> ids;
    for (const Exception& exception : *added) {
        ids.push_back(exception.id);
        rows.push_back(std::make_shared<const Exception>(exception));
    }
    publish(std::move(rows));
    return ids;
}

ExceptionPtr Allowlist::match(const Path& sender, const Path& recipient, Time now) const {
    const Snapshot rows = snapshot();
    ExceptionPtr best;
    const auto consider = [&](const ExceptionPtr& candidate) {
        if (candidate->live(now) && candidate->covers(sender, recipient))
            choose(best, candidate);
    };
    if (const auto& domain = recipient.domain())
        rows->visit(domain->text(), consider);
    else
        for (const std::size_t place : rows->others)
            consider(rows->all[place]);
    return best;
}

ExceptionPtr Allowlist::widest(const Domain& domain, Time now, bool overriding) const {
    const Snapshot rows = snapshot();
    ExceptionPtr best;
    rows->visit(domain.text(), [&](const ExceptionPtr& candidate) {
        if (candidate->live(now) && candidate->opens(domain) &&
            (candidate->overrides_published || !overriding))
            choose(best, candidate);
    });
    return best;
}

ExceptionPtr Allowlist::opening(const Domain& domain, Time now) const {
    return widest(domain, now, false);
}

ExceptionPtr Allowlist::overriding(const Domain& domain, Time now) const {
    return widest(domain, now, true);
}

Result<std::set<std::int64_t>> Allowlist::told(Database& reader, std::string_view kind) {
    const auto hold = reader.lock();
    // The first condition lets SQLite use the index of changes.
    auto query = reader.prepare(
        "SELECT exception FROM ledger WHERE kind <> 'decision' AND kind = ?1 AND exception <> 0");
    if (!query)
        return Error{query.error()};
    query->bind(1, kind);
    std::set<std::int64_t> ids;
    for (;;) {
        const auto row = query->step();
        if (!row)
            return Error{row.error()};
        if (!*row)
            return ids;
        ids.insert(query->number(0));
    }
}

std::vector<Exception> Allowlist::list() const {
    const Snapshot rows = snapshot();
    std::vector<Exception> all;
    all.reserve(rows->all.size());
    for (const ExceptionPtr& row : rows->all)
        all.push_back(*row);
    return all;
}

ExceptionPtr Allowlist::find(std::int64_t id) const {
    const Snapshot rows = snapshot();
    const ExceptionPtr* found = with_id(rows->all, id);
    return found != nullptr ? *found : nullptr;
}

Allowlist::Snapshot Allowlist::snapshot() const {
    const std::lock_guard hold(mutex_);
    return rows_;
}

void Allowlist::publish(std::vector<ExceptionPtr> rows) {
    Snapshot next = std::make_shared<const Rows>(std::move(rows));
    const std::lock_guard hold(mutex_);
    rows_.swap(next); // the old one goes after the lock, if nobody holds it
}

} // namespace surehop
