// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

// SQLite with values for errors. One Database is one connection; whoever shares one between threads
// takes lock() around a statement's life. WAL, synchronous=FULL, foreign keys, busy timeout 5 s.
// A statement does not outlive its database.

namespace surehop {

class Statement {
  public:
    Statement(Statement&&) noexcept;
    Statement& operator=(Statement&&) noexcept;
    ~Statement();

    // From 1. An error shows in the next step().
    Statement& bind(int index, std::string_view text);
    Statement& bind(int index, std::int64_t number);
    Statement& bind(int index, Time time); // seconds since 1970
    Statement& bind_octets(int index, std::string_view octets);
    Statement& bind_null(int index);

    // True: a row is ready. False: done.
    Result<bool> step();
    Status run(); // steps to the end
    void reset(); // to bind and step again; forgets what was bound

    // Columns of the row that is ready, from 0.
    std::string text(int column) const;
    std::string octets(int column) const;
    std::int64_t number(int column) const;
    Time time(int column) const;
    bool is_null(int column) const;

  private:
    friend class Database;
    Statement(sqlite3_stmt* handle, bool kept) : handle_(handle), kept_(kept) {}
    void release();
    sqlite3_stmt* handle_;
    bool kept_; // the database owns the handle
    int bind_error_ = 0;
};

class Database {
  public:
    enum class Access { read_write, read_only };

    // A file that does not exist is created (read_write), 0640 less the umask; an empty one is an
    // error.
    // ":memory:" is for a single connection; tests that need two use a file.
    // Errors name the file and the remedy (no such folder, not permitted, not a database, locked).
    static Result<Database> open(const std::string& path, Access access = Access::read_write);

    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;
    ~Database();

    Status execute(std::string_view sql); // one or more statements without parameters
    Result<Statement> prepare(std::string_view sql);

    // As prepare(), for what runs often: the connection keeps it compiled. One use at a time, and
    // the text is one of a few fixed ones.
    Result<Statement> reuse(std::string_view sql);

    std::int64_t last_insert_id() const;
    std::int64_t changes() const; // rows changed by the latest INSERT, UPDATE or DELETE
    bool in_transaction() const;  // false after an error that made SQLite give the transaction up
    const std::string& path() const { return path_; }

    // SQLite's checkpoint comes within a commit, once the WAL is long, and whoever waits for that
    // commit waits for it too: two more fsyncs. After this call it comes when checkpoint_if_due()
    // is called, and not before.
    void checkpoint_later();
    void checkpoint_if_due();

    [[nodiscard]] std::unique_lock<std::mutex> lock() const;

  private:
    Database(sqlite3* handle, std::string path);
    Result<sqlite3_stmt*> compile(std::string_view sql, bool often);
    Status set_up(Access access);
    void close();

    sqlite3* handle_ = nullptr;
    std::string path_;
    std::map<std::string, sqlite3_stmt*, std::less<>> kept_;
    std::unique_ptr<std::mutex> mutex_;
    std::unique_ptr<int> in_wal_; // pages; null: SQLite looks after it
};

} // namespace surehop
