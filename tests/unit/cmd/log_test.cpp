// SPDX-License-Identifier: Apache-2.0
// Of base/log.h, which only programs link: hence here and not beside the pure core.
#include "base/log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

namespace surehop {
namespace {

// Catches what is logged while it lives.
struct Caught {
    Caught() : before(spdlog::default_logger()) {
        auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out);
        auto logger = std::make_shared<spdlog::logger>("test", std::move(sink));
        logger->set_pattern("%l %v");
        spdlog::set_default_logger(std::move(logger));
    }
    ~Caught() { spdlog::set_default_logger(before); }
    std::string take() {
        const std::string text = out.str();
        out.str("");
        return text;
    }
    std::ostringstream out;
    std::shared_ptr<spdlog::logger> before;
};

TEST(Log, TextOfStrangersBreaksNoLine) {
    Caught caught;
    log::set_level("debug");
    const std::string text = "a\r\nfake: line\x1b[31m";
    const char* octets = "b\n";
    log::info("{} {} {} {}", text, octets, std::string_view("c\0d", 3), 7);
    EXPECT_EQ(caught.take(), "info a??fake: line?[31m b? c?d 7\n");
    log::info("{}", std::string(1000, 'x'));
    EXPECT_EQ(caught.take(), "info " + std::string(log::longest_text, 'x') + "...\n");
    log::info("{}", std::string("{} {0}")); // an argument is never a format
    EXPECT_EQ(caught.take(), "info {} {0}\n");
    log::info("100% {{}}");
    EXPECT_EQ(caught.take(), "info 100% {}\n");
}

TEST(Log, Levels) {
    struct {
        const char* level;
        const char* logged;
    } const table[] = {
        {"debug", "debug d\ninfo i\nwarning w\nerror e\n"},
        {"info", "info i\nwarning w\nerror e\n"},
        {"warning", "warning w\nerror e\n"},
        {"error", "error e\n"},
        {"nonsense", "info i\nwarning w\nerror e\n"},
    };
    Caught caught;
    for (const auto& row : table) {
        log::set_level(row.level);
        log::debug("d");
        log::info("i");
        log::warning("w");
        log::error("e");
        EXPECT_EQ(caught.take(), row.logged) << row.level;
    }
    log::set_level("info");
}

} // namespace
} // namespace surehop
