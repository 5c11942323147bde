// SPDX-License-Identifier: Apache-2.0
#include "store/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

namespace surehop {

namespace {

constexpr std::size_t most_queued = 100'000;
constexpr std::size_t most_in_batch = 1000; // bounds how long the first of a batch waits

Status run_job(const Writer::Job& job, Database& database) {
    try {
        return job(database);
    } catch (const std::exception& fault) {
        return Error{fmt::format("internal error in a write: {}", fault.what())};
    }
}

// One job between savepoints. None: SQLite gave up the whole transaction, and `status` says why.
std::optional<Status> run_alone(const Writer::Job& job, Database& database, Status& status) {
    const auto simple = [&](std::string_view sql) -> Status {
        auto statement = database.reuse(sql);
        return statement ? statement->run() : Status(Error{statement.error()});
    };
    status = simple("SAVEPOINT job");
    if (status)
        status = run_job(job, database);
    if (status)
        status = simple("RELEASE job");
    if (!database.in_transaction())
        return std::nullopt;
    if (!status) {
        (void)simple("ROLLBACK TO job");
        (void)simple("RELEASE job");
    }
    return status;
}

} // namespace

Writer::Writer(Database database) : database_(std::move(database)) {
    database_.checkpoint_later();
    thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
    {
        const std::lock_guard hold(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

bool Writer::enqueue(Waiting waiting) {
    {
        const std::lock_guard hold(mutex_);
        if (queue_.size() >= most_queued) {
            if (waiting.forget)
                ++dropped_;
            else
                waiting.done.set_value(Error{"the store has fallen behind: too many writes wait"});
            return false;
        }
        queue_.push_back(std::move(waiting));
    }
    wake_.notify_one();
    return true;
}

std::future<Status> Writer::submit(Job job) {
    Waiting waiting{std::move(job), {}, false};
    auto done = waiting.done.get_future();
    enqueue(std::move(waiting));
    return done;
}

Status Writer::submit_and_wait(Job job) { return submit(std::move(job)).get(); }

void Writer::submit_and_forget(Job job) { enqueue({std::move(job), {}, true}); }

void Writer::on_failure(Report report) {
    const std::lock_guard hold(mutex_);
    report_ = std::move(report);
}

std::size_t Writer::queued() const {
    const std::lock_guard hold(mutex_);
    return queue_.size();
}

std::uint64_t Writer::commits() const {
    const std::lock_guard hold(mutex_);
    return commits_;
}

std::optional<std::string> Writer::trouble() const {
    const std::lock_guard hold(mutex_);
    return trouble_;
}

void Writer::run() {
    for (;;) {
        std::deque<Waiting> batch;
        std::uint64_t dropped = 0;
        {
            std::unique_lock hold(mutex_);
            wake_.wait(hold, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty())
                return;
            if (queue_.size() <= most_in_batch) {
                batch.swap(queue_);
            } else {
                const auto end = std::next(queue_.begin(), most_in_batch);
                std::move(queue_.begin(), end, std::back_inserter(batch));
                queue_.erase(queue_.begin(), end);
            }
            dropped = std::exchange(dropped_, 0);
        }
        if (dropped > 0)
            tell(fmt::format("{} writes to the store were dropped: too many waited", dropped));
        commit(std::move(batch));
    }
}

// Commits the whole batch before it returns; in one transaction unless SQLite gives one up.
void Writer::commit(std::deque<Waiting> batch) {
    while (!batch.empty()) {
        std::deque<std::pair<Waiting, Status>> ran;
        std::optional<Error> failed; // nobody's write is on disk
        bool given_up = false;       // that of one job failed and the others are to be run again

        if (auto begun = database_.execute("BEGIN IMMEDIATE"); !begun)
            failed = Error{begun.error()};
        while (!batch.empty()) {
            Waiting next = std::move(batch.front());
            batch.pop_front();
            Status status = failed ? Status(*failed) : Status(Done{});
            if (!failed && !run_alone(next.job, database_, status)) {
                finish(next, status);
                given_up = true;
                break;
            }
            ran.emplace_back(std::move(next), std::move(status));
        }
        if (given_up) {
            for (; !ran.empty(); ran.pop_back())
                batch.push_front(std::move(ran.back().first));
            continue;
        }
        if (!failed)
            if (auto committed = database_.execute("COMMIT"); !committed)
                failed = Error{committed.error()};
        if (database_.in_transaction())
            (void)database_.execute("ROLLBACK");
        if (!failed) {
            const std::lock_guard hold(mutex_);
            ++commits_;
        }
        for (auto& [waiting, status] : ran)
            finish(waiting, failed && status ? Status(*failed) : status);
        database_.checkpoint_if_due(); // those that have their answer do not wait for it
    }
}

void Writer::take_note(const Status& status) {
    if (status && !troubled_)
        return; // nearly always, and under no lock
    const std::lock_guard hold(mutex_);
    troubled_ = !status;
    trouble_ = status ? std::nullopt : std::optional(status.error());
}

void Writer::finish(Waiting& waiting, const Status& status) {
    take_note(status);
    if (!waiting.forget)
        waiting.done.set_value(status);
    else if (status)
        failing_ = false;
    else
        tell(status.error());
}

void Writer::tell(const std::string& failure) {
    if (std::exchange(failing_, true))
        return;
    Report report;
    {
        const std::lock_guard hold(mutex_);
        report = report_;
    }
    if (report)
        report(failure);
}

} // namespace surehop
