// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

// SQLite with values for errors. One Database is one connection; whoever shares one between threads
// takes lock() around a statement's life. WAL, synchronous=FULL, foreign keys, busy timeout 5 s.

namespace surehop {

class Statement {
  public:
    Statement() = default;
    Statement(Statement&&) noexcept;
    Statement& operator=(Statement&&) noexcept;
    ~Statement();

    Statement& bind(int index, std::string_view text); // from 1
    Statement& bind(int index, std::int64_t number);
    Statement& bind_null(int index);

    // True: a row is ready. False: done.
    Result<bool> step();
    Status run();  // steps to the end
    void reset();  // to bind and step again

    std::string text(int column) const; // from 0
    std::int64_t number(int column) const;
    bool is_null(int column) const;

  private:
    friend class Database;
    explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
    sqlite3_stmt* handle_ = nullptr;
};

class Database {
  public:
    enum class Access { read_write, read_only };

    // ":memory:" is for a single connection; tests that need two use a file.
    // Errors name the file and the remedy (no such folder, not permitted, not a database, locked).
    static Result<Database> open(const std::string& path, Access access = Access::read_write);

    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;
    ~Database();

    Status execute(std::string_view sql); // one or more statements without parameters
    Result<Statement> prepare(std::string_view sql);
    std::int64_t last_insert_id() const;
    const std::string& path() const { return path_; }

    [[nodiscard]] std::unique_lock<std::mutex> lock() const;

  private:
    Database(sqlite3* handle, std::string path);
    sqlite3* handle_ = nullptr;
    std::string path_;
    std::unique_ptr<std::mutex> mutex_;
};

} // namespace surehop
