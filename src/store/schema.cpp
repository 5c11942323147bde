// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include "store/facts_of_v6.h"
#include "store/ledger_table.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace surehop {

namespace {

constexpr std::int64_t application_id = 0x53484f50; // "SHOP": tells our files from those of others

struct Migration {
    std::string_view sql;
    Status (*code)(Database&) = nullptr; // then, for what SQL cannot compute
    std::string_view sql_after = {};
};

// migrations[n] leads from version n to n + 1. What was once released here is never changed.
constexpr std::array<Migration, schema_version> migrations = {{
    // 1: facts, exceptions, ledger
    {R"sql(
    -- `body`: see facts/stored_facts_v1.h. `used`: when it was last used, as known when it was put here.
    -- `binds`: until when an MTA-STS enforce policy in it binds (invariant 4), 0 without one: such
    -- rows do not go when there are too many.
    CREATE TABLE facts (
        key    TEXT    NOT NULL PRIMARY KEY,
        body   TEXT    NOT NULL,
        learnt INTEGER NOT NULL,
        until  INTEGER NOT NULL,
        used   INTEGER NOT NULL,
        binds  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX facts_by_use ON facts (used);

    CREATE TABLE exception (
        id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        recipient      TEXT    NOT NULL,
        sender         TEXT,                -- NULL: any
        lowest         TEXT    NOT NULL,
        reason         TEXT    NOT NULL,
        owner          TEXT    NOT NULL,
        ticket         TEXT    NOT NULL,
        created_by     TEXT    NOT NULL,
        since          INTEGER NOT NULL,
        until          INTEGER NOT NULL,
        removed        INTEGER,             -- NULL: not removed
        removed_reason TEXT    NOT NULL DEFAULT ''
    ) STRICT;
    CREATE TRIGGER exception_stays BEFORE DELETE ON exception
        BEGIN SELECT raise(ABORT, 'an exception is ended, never deleted'); END;

    CREATE TABLE ledger (
        id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        time      INTEGER NOT NULL,
        kind      TEXT    NOT NULL,
        reference TEXT    NOT NULL,
        queue_id  TEXT    NOT NULL,
        sender    TEXT    NOT NULL COLLATE NOCASE,
        recipient TEXT    NOT NULL COLLATE NOCASE,
        next_hop  TEXT    NOT NULL,
        rule      TEXT    NOT NULL,
        exception INTEGER NOT NULL,         -- 0: none
        minimum   TEXT    NOT NULL,
        mode      TEXT    NOT NULL,
        outcome   TEXT    NOT NULL,
        level     TEXT    NOT NULL,
        reason    TEXT    NOT NULL,
        action    TEXT    NOT NULL,
        would     TEXT    NOT NULL,
        detail    TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX ledger_by_reference ON ledger (reference) WHERE reference <> '';
    CREATE INDEX ledger_by_queue_id  ON ledger (queue_id)  WHERE queue_id <> '';
    CREATE INDEX ledger_by_sender    ON ledger (sender)    WHERE sender <> '';
    CREATE INDEX ledger_by_recipient ON ledger (recipient) WHERE recipient <> '';
    CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger
        BEGIN SELECT raise(ABORT, 'a row of the ledger never changes'); END;
    )sql"},
    // 2: promises
    {R"sql(
    CREATE TABLE promise (
        key   TEXT    NOT NULL,
        level TEXT    NOT NULL,
        until INTEGER NOT NULL,
        made  INTEGER NOT NULL,
        PRIMARY KEY (key, level)
    ) STRICT, WITHOUT ROWID;
    )sql"},
    // 3: the few rows of changes among many decisions
    {R"sql(
    CREATE INDEX ledger_by_change ON ledger (kind) WHERE kind <> 'decision';
    )sql"},
    // 4: when to fetch a policy that binds again, though nobody asks; 0: never
    {R"sql(
    ALTER TABLE facts ADD COLUMN refresh INTEGER NOT NULL DEFAULT 0;
    UPDATE facts SET refresh = 1 WHERE binds > 0;
    CREATE INDEX facts_by_refresh ON facts (refresh) WHERE refresh > 0;
    )sql"},
    // 5: the ledger's chain; the domain that a row concerns; offer and facts of a decision
    {R"sql(
    ALTER TABLE ledger ADD COLUMN domain TEXT NOT NULL DEFAULT '';
    ALTER TABLE ledger ADD COLUMN offer  TEXT NOT NULL DEFAULT '';
    ALTER TABLE ledger ADD COLUMN facts  TEXT NOT NULL DEFAULT '';
    ALTER TABLE ledger ADD COLUMN chain  TEXT NOT NULL DEFAULT ''; -- see store/chain.h
    DROP TRIGGER ledger_stays;
    )sql",
     chain_all, R"sql(
    CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger
        BEGIN SELECT raise(ABORT, 'a row of the ledger never changes'); END;
    CREATE INDEX ledger_by_domain ON ledger (domain) WHERE domain <> '';
    CREATE INDEX ledger_by_time   ON ledger (time);
    )sql"},
    // 6: how many refusals a row counts; exceptions that override what is published
    {R"sql(
    ALTER TABLE exception ADD COLUMN override_published INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE ledger ADD COLUMN times INTEGER NOT NULL DEFAULT 1;
    )sql"},
    // 7: facts in fewer octets, which are read faster; `body`: see facts/stored_facts.h
    {R"sql(
    ALTER TABLE facts RENAME TO facts_of_v6;
    DROP INDEX facts_by_use;
    DROP INDEX facts_by_refresh;
    CREATE TABLE facts (
        key     TEXT    NOT NULL PRIMARY KEY,
        body    BLOB    NOT NULL,
        learnt  INTEGER NOT NULL,
        until   INTEGER NOT NULL,
        used    INTEGER NOT NULL,
        binds   INTEGER NOT NULL,
        refresh INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    )sql",
     take_facts_of_v6, R"sql(
    DROP TABLE facts_of_v6;
    CREATE INDEX facts_by_use     ON facts (used);
    CREATE INDEX facts_by_refresh ON facts (refresh) WHERE refresh > 0;
    )sql"},
}};

Error newer(const Database& database, int version) {
    return {fmt::format("the store {} was written by a newer surehop (its version is {}, this "
                        "program knows {}); install that surehop again, or restore the backup made "
                        "before it was installed",
                        database.path(), version, schema_version)};
}

Status run(Database& database, const Migration& migration) {
    auto done = database.execute(migration.sql);
    if (done && migration.code != nullptr)
        done = migration.code(database);
    if (done && !migration.sql_after.empty())
        done = database.execute(migration.sql_after);
    return done;
}

Status run_migrations(Database& database) {
    const auto version = version_of(database); // again: another process may have been faster
    if (!version)
        return Error{version.error()};
    if (*version > schema_version)
        return newer(database, *version);
    for (auto step = static_cast<std::size_t>(*version); step < migrations.size(); ++step)
        if (auto done = run(database, migrations.at(step)); !done)
            return done;
    return database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}",
                                        application_id, schema_version));
}

} // namespace

Result<int> version_of(Database& database) {
    // One statement, so one view of a file that another process may be migrating.
    auto query = database.prepare("SELECT user_version, application_id, "
                                  "(SELECT count(*) FROM sqlite_schema) "
                                  "FROM pragma_user_version, pragma_application_id");
    if (!query)
        return Error{query.error()};
    const auto row = query->step();
    if (!row)
        return Error{row.error()};
    const std::int64_t version = query->number(0), application = query->number(1);
    const bool empty = version == 0 && application == 0 && query->number(2) == 0;
    if (!empty && (application != application_id || version < 1))
        return Error{fmt::format("{} is a database of another program; give [store] path a file of "
                                 "its own",
                                 database.path())};
    return static_cast<int>(version);
}

Status migrate(Database& database) {
    const auto version = version_of(database);
    if (!version)
        return Error{version.error()};
    if (*version > schema_version)
        return newer(database, *version);
    if (*version == schema_version)
        return Done{};

    if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun)
        return begun;
    auto done = run_migrations(database);
    if (done)
        done = database.execute("COMMIT");
    if (!done && database.in_transaction())
        (void)database.execute("ROLLBACK");
    return done;
}

Status require_current(Database& database) {
    const auto version = version_of(database);
    if (!version)
        return Error{version.error()};
    if (*version > schema_version)
        return newer(database, *version);
    if (*version < schema_version)
        return Error{
            fmt::format("the store {} was written by an older surehop; start surehopd once "
                        "to bring it up to date",
                        database.path())};
    return Done{};
}

Status write_version_again(Database& database) {
    return database.execute(fmt::format("PRAGMA user_version = {}", schema_version));
}

} // namespace surehop
