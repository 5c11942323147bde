// SPDX-License-Identifier: Apache-2.0
#include "store/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace surehop {

namespace {

constexpr int most_in_wal = 1000; // pages, then they go into the file: SQLite's own figure
constexpr int busy_timeout_ms = 5000;

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos)
        return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// What the operating system refused, and what to do about it.
Error refused(const std::string& path, int error) {
    const std::string folder = folder_of(path);
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return {fmt::format("cannot create the store {}: there is no folder {}; create it and give "
                            "it to the user that surehopd runs as",
                            path, folder)};
    case EACCES:
    case EPERM:
        return {fmt::format("cannot open the store {}: not permitted; the file and the folder {} "
                            "must belong to the user that surehopd runs as",
                            path, folder)};
    case EROFS:
        return {
            fmt::format("cannot open the store {}: the file system is mounted read-only", path)};
    case ENOSPC:
    case EDQUOT:
        return {fmt::format("cannot write the store {}: the disk is full; make room", path)};
    default:
        return {fmt::format("cannot open the store {}: {}", path, std::strerror(error))};
    }
}

// What SQLite refused, and what to do about it.
Error explain(sqlite3* handle, int code, const std::string& path) {
    switch (code & 0xff) { // the primary code
    case SQLITE_NOTADB:
        return {fmt::format("the store {} is not an SQLite database; restore it from a backup, or "
                            "move it away and surehopd creates an empty one",
                            path)};
    case SQLITE_CORRUPT:
        return {fmt::format("the store {} is damaged; restore it from a backup (sqlite3 with "
                            "\".recover\" may save what was written since)",
                            path)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return {fmt::format("the store {} is locked by another program; end the other surehopd or "
                            "sqlite3 that uses it",
                            path)};
    case SQLITE_FULL:
        return {fmt::format("cannot write the store {}: the disk is full; make room", path)};
    case SQLITE_READONLY:
        return {fmt::format("the store {} cannot be written; the file, {}-wal, {}-shm and the "
                            "folder {} must belong to the user that surehopd runs as",
                            path, path, path, folder_of(path))};
    case SQLITE_CANTOPEN:
    case SQLITE_PERM: {
        const int error = sqlite3_system_errno(handle);
        if (error == ENOENT && ::access(path.c_str(), F_OK) == 0)
            return {fmt::format("cannot open the store {}: SQLite has to write {}-wal and {}-shm, "
                                "and the folder {} does not let it",
                                path, path, path, folder_of(path))};
        if (error != 0)
            return refused(path, error);
        return {fmt::format("cannot open the store {}; is it a file, in a folder that belongs to "
                            "the user that surehopd runs as?",
                            path)};
    }
    case SQLITE_IOERR: {
        const int error = sqlite3_system_errno(handle);
        if (error == ENOSPC || error == EDQUOT)
            return refused(path, error);
        return {fmt::format("the store {} cannot be read or written: {}; check the disk", path,
                            error != 0 ? std::strerror(error) : sqlite3_errmsg(handle))};
    }
    default:
        return {fmt::format("the store {}: {}", path, sqlite3_errmsg(handle))};
    }
}

Error explain(sqlite3_stmt* statement, int code) {
    sqlite3* handle = sqlite3_db_handle(statement);
    const char* path = sqlite3_db_filename(handle, "main");
    return explain(handle, code, path != nullptr && *path != '\0' ? path : ":memory:");
}

// Of an empty file that is to become the store `path`.
Status write_first_page(const std::string& draft, const std::string& path) {
    sqlite3* handle = nullptr;
    int code = sqlite3_open_v2(draft.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
    if (code == SQLITE_OK)
        code = sqlite3_exec(handle, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    Status done = Done{};
    if (code != SQLITE_OK)
        done = handle != nullptr ? explain(handle, code, path) : Error{"out of memory"};
    sqlite3_close_v2(handle);
    return done;
}

// A store gets its first page before its name, so that an empty file is never a new one: it is one
// that has lost what was in it. Made here, since SQLite itself would create it 0644.
Status create(const std::string& path) {
    const std::string draft = fmt::format("{}.{:08x}", path, std::random_device{}());
    const int file = ::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (file < 0)
        return refused(path, errno);
    ::close(file);
    Status done = write_first_page(draft, path);
    if (done && ::link(draft.c_str(), path.c_str()) != 0 && errno != EEXIST) // who was faster?
        done = refused(path, errno);
    ::unlink(draft.c_str());
    return done;
}

// SQLite would take an empty file for a new database, and remove the WAL beside it.
Status must_not_be_empty(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size != 0)
        return Done{};
    return Error{fmt::format("the store {} is empty: what was in it is lost; restore it from a "
                             "backup, or remove it and surehopd creates a new one",
                             path)};
}

} // namespace

// ---- Statement

Statement::Statement(Statement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), kept_(other.kept_),
      bind_error_(other.bind_error_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
    if (this != &other) {
        release();
        handle_ = std::exchange(other.handle_, nullptr);
        kept_ = other.kept_;
        bind_error_ = other.bind_error_;
    }
    return *this;
}

Statement::~Statement() { release(); }

void Statement::release() {
    if (kept_ && handle_ != nullptr)
        reset(); // ends its read transaction: a forgotten one would keep the WAL from being reset
    else
        sqlite3_finalize(handle_);
    handle_ = nullptr;
}

Statement& Statement::bind(int index, std::string_view text) {
    // A null pointer would bind NULL, not the empty text.
    const char* data = text.data() != nullptr ? text.data() : "";
    if (const int code =
            sqlite3_bind_text64(handle_, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
        code != SQLITE_OK)
        bind_error_ = code;
    return *this;
}

Statement& Statement::bind_octets(int index, std::string_view octets) {
    const char* data = octets.data() != nullptr ? octets.data() : "";
    if (const int code = sqlite3_bind_blob64(handle_, index, data, octets.size(), SQLITE_TRANSIENT);
        code != SQLITE_OK)
        bind_error_ = code;
    return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
    if (const int code = sqlite3_bind_int64(handle_, index, number); code != SQLITE_OK)
        bind_error_ = code;
    return *this;
}

Statement& Statement::bind(int index, Time time) {
    return bind(index, static_cast<std::int64_t>(time.time_since_epoch().count()));
}

Statement& Statement::bind_null(int index) {
    if (const int code = sqlite3_bind_null(handle_, index); code != SQLITE_OK)
        bind_error_ = code;
    return *this;
}

Result<bool> Statement::step() {
    if (bind_error_ != 0)
        return explain(handle_, bind_error_);
    const int code = sqlite3_step(handle_);
    if (code == SQLITE_ROW)
        return true;
    if (code == SQLITE_DONE)
        return false;
    return explain(handle_, code);
}

Status Statement::run() {
    for (;;) {
        const auto row = step();
        if (!row)
            return Error{row.error()};
        if (!*row)
            return Done{};
    }
}

void Statement::reset() {
    sqlite3_reset(handle_);
    sqlite3_clear_bindings(handle_);
    bind_error_ = 0;
}

std::string Statement::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    if (data == nullptr)
        return {};
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::string Statement::octets(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
    if (data == nullptr)
        return {};
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(handle_, column); }

Time Statement::time(int column) const { return Time{Seconds{number(column)}}; }

bool Statement::is_null(int column) const {
    return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

// ---- Database

Database::Database(sqlite3* handle, std::string path)
    : handle_(handle), path_(std::move(path)), mutex_(std::make_unique<std::mutex>()) {}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), path_(std::move(other.path_)),
      kept_(std::move(other.kept_)), mutex_(std::move(other.mutex_)),
      in_wal_(std::move(other.in_wal_)) {
    other.kept_.clear();
}

Database& Database::operator=(Database&& other) noexcept {
    if (this != &other) {
        close();
        handle_ = std::exchange(other.handle_, nullptr);
        path_ = std::move(other.path_);
        kept_ = std::move(other.kept_);
        other.kept_.clear();
        mutex_ = std::move(other.mutex_);
        in_wal_ = std::move(other.in_wal_);
    }
    return *this;
}

Database::~Database() { close(); }

void Database::close() {
    for (const auto& [sql, statement] : kept_)
        sqlite3_finalize(statement);
    kept_.clear();
    sqlite3_close_v2(std::exchange(handle_, nullptr));
}

Result<Database> Database::open(const std::string& path, Access access) {
    if (path.empty())
        return Error{"the store has no path"};
    const bool writing = access == Access::read_write;
    if (!writing && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT)
        return Error{fmt::format("there is no store {}; surehopd creates it when it starts", path)};
    if (writing && path != ":memory:" && ::access(path.c_str(), F_OK) != 0)
        if (auto created = create(path); !created)
            return Error{created.error()};
    if (auto whole = must_not_be_empty(path); !whole)
        return Error{whole.error()};

    // FULLMUTEX costs nothing that can be measured, and a forgotten lock() is then slow, not fatal.
    const int flags = (writing ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                      SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    Database database(handle, path); // a handle comes even with an error, and wants closing
    if (code != SQLITE_OK)
        return handle != nullptr ? explain(handle, code, path) : Error{"out of memory"};
    // Where several open a new file at once, SQLite waits for a lock, but not for one who turns the
    // file to WAL.
    using Steady = std::chrono::steady_clock;
    const auto end = Steady::now() + std::chrono::milliseconds{busy_timeout_ms};
    auto ready = database.set_up(access);
    while (!ready && (sqlite3_errcode(handle) & 0xff) == SQLITE_BUSY && Steady::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
        ready = database.set_up(access);
    }
    if (!ready)
        return Error{ready.error()};
    return database;
}

Status Database::set_up(Access access) {
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
    // The file may have been written by somebody else: it gets no say in what is executed.
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);

    // It falls back to reading without a word; and then misses the files that it cannot create.
    if (access == Access::read_write && sqlite3_db_readonly(handle_, "main") == 1)
        return ::access(path_.c_str(), W_OK) != 0 && errno == EROFS
                   ? refused(path_, EROFS)
                   : explain(handle_, SQLITE_READONLY, path_);

    // SQLite opens lazily: only the first read shows whether this is a database.
    if (auto readable = execute("PRAGMA foreign_keys = ON;"
                                "PRAGMA cell_size_check = ON;"
                                "SELECT count(*) FROM sqlite_schema");
        !readable || access == Access::read_only)
        return readable;

    auto mode = prepare("PRAGMA journal_mode = WAL");
    if (!mode)
        return Error{mode.error()};
    const auto row = mode->step();
    if (!row)
        return Error{row.error()};
    if (mode->text(0) != "wal" && path_ != ":memory:")
        return Error{
            fmt::format("the store {} lies on a file system without shared memory; keep it "
                        "on a local disk",
                        path_)};
    // FULL: a commit is on disk when it returns, through a loss of power too (invariant 9).
    return execute("PRAGMA synchronous = FULL;"
                   "PRAGMA journal_size_limit = 67108864");
}

void Database::checkpoint_later() {
    in_wal_ = std::make_unique<int>(0);
    sqlite3_wal_hook(
        handle_,
        [](void* pages, sqlite3*, const char*, int count) {
            *static_cast<int*>(pages) = count;
            return SQLITE_OK;
        },
        in_wal_.get());
}

// What hinders it (who still reads an old page, a full disk) is over by the next time, or is the
// next commit's error: as SQLite's own.
void Database::checkpoint_if_due() {
    if (in_wal_ == nullptr || *in_wal_ < most_in_wal)
        return;
    sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    *in_wal_ = 0; // the next commit counts anew
}

Status Database::execute(std::string_view sql) {
    const int code = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
        return explain(handle_, code, path_);
    return Done{};
}

Result<sqlite3_stmt*> Database::compile(std::string_view sql, bool often) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        often ? SQLITE_PREPARE_PERSISTENT : 0, &statement, nullptr);
    if (code != SQLITE_OK)
        return explain(handle_, code, path_);
    if (statement == nullptr)
        return Error{"an empty statement"};
    return statement;
}

Result<Statement> Database::prepare(std::string_view sql) {
    auto handle = compile(sql, false);
    if (!handle)
        return Error{handle.error()};
    return Statement(*handle, false);
}

Result<Statement> Database::reuse(std::string_view sql) {
    if (const auto found = kept_.find(sql); found != kept_.end())
        return Statement(found->second, true);
    auto handle = compile(sql, true);
    if (!handle)
        return Error{handle.error()};
    kept_.emplace(sql, *handle);
    return Statement(*handle, true);
}

std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

std::unique_lock<std::mutex> Database::lock() const { return std::unique_lock(*mutex_); }

} // namespace surehop
