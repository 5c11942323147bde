// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/database.h"
#include "store/schema.h"
#include "store/writer.h"
#include "support/temp_dir.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

// A store on disk, as surehopd opens it: one connection that writes and one that reads.

namespace surehop::test {

inline Database open_or_throw(const std::string& path,
                              Database::Access access = Database::Access::read_write) {
    auto database = Database::open(path, access);
    if (!database)
        throw std::runtime_error(database.error());
    return *std::move(database);
}

inline void must(const Status& status) {
    if (!status)
        throw std::runtime_error(status.error());
}

template <class T> T value(Result<T> result) {
    if (!result)
        throw std::runtime_error(result.error());
    return *std::move(result);
}

// The first column of the first row.
inline std::int64_t number(Database& database, std::string_view sql) {
    auto query = database.prepare(sql);
    if (!query)
        throw std::runtime_error(query.error());
    const auto row = query->step();
    if (!row || !*row)
        throw std::runtime_error(row ? "no row" : row.error());
    return query->number(0);
}

inline std::string text(Database& database, std::string_view sql) {
    auto query = database.prepare(sql);
    if (!query)
        throw std::runtime_error(query.error());
    const auto row = query->step();
    if (!row || !*row)
        throw std::runtime_error(row ? "no row" : row.error());
    return query->text(0);
}

inline Database migrated(const std::string& path) {
    Database database = open_or_throw(path);
    must(migrate(database));
    return database;
}

// Nothing but members in the order in which surehopd has them.
struct TestStore {
    // `prepare` may set limits on the writer's connection.
    explicit TestStore(
        const std::string& path, const std::function<void(Database&)>& prepare = [](Database&) {})
        : writer([&] {
              Database database = migrated(path);
              prepare(database);
              return database;
          }()),
          reader(open_or_throw(path)) {}

    // Returns when all that was submitted before is on disk.
    void settle() {
        must(writer.submit_and_wait([](Database&) -> Status { return Done{}; }));
    }

    Writer writer;
    Database reader;
};

} // namespace surehop::test
