// SPDX-License-Identifier: Apache-2.0
#include "cmd/log_start.h"

#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <utility>

namespace surehop::log {

namespace {

// $JOURNAL_STREAM names the device and inode of what systemd gave to the service (systemd.exec(5)):
// whoever inherits the variable, but not the stream, writes to somebody else.
bool to_the_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat error{};
    return stream != nullptr && ::fstat(STDERR_FILENO, &error) == 0 &&
           fmt::format("{}:{}", error.st_dev, error.st_ino) == stream;
}

class Priority final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
                spdlog::memory_buf_t& out) override {
        const int priority = message.level >= spdlog::level::err    ? LOG_ERR
                             : message.level >= spdlog::level::warn ? LOG_WARNING
                             : message.level >= spdlog::level::info ? LOG_INFO
                                                                    : LOG_DEBUG;
        out.push_back('<');
        out.push_back(static_cast<char>('0' + priority));
        out.push_back('>');
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<Priority>();
    }
};

} // namespace

void start(const std::string& program, Target target, std::string_view level) {
    std::shared_ptr<spdlog::logger> logger;
    if (target == Target::syslog) {
        auto sink =
            std::make_shared<spdlog::sinks::syslog_sink_mt>(program, LOG_PID, LOG_MAIL, true);
        logger = std::make_shared<spdlog::logger>(program, std::move(sink));
        logger->set_pattern("%v"); // syslog has time, host and process
    } else {
        auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        logger = std::make_shared<spdlog::logger>(program, std::move(sink));
        if (to_the_journal()) {
            auto formatter = std::make_unique<spdlog::pattern_formatter>();
            formatter->add_flag<Priority>('*').set_pattern("%*%l: %v");
            logger->set_formatter(std::move(formatter));
        } else {
            logger->set_pattern("%Y-%m-%dT%H:%M:%SZ %l: %v", spdlog::pattern_time_type::utc);
        }
    }
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
    set_level(level);
}

} // namespace surehop::log
