// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "cmd/run_program.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Postfix's hold queue, through its own programs: postqueue lists it, postcat shows a queue file,
// postsuper releases and deletes. What they print holds strangers' text: it is read here, and made
// printable by whoever shows it.

namespace surehop {

struct QueuedMessage {
    std::string queue_id;
    Time arrival;
    std::uint64_t size = 0; // octets
    std::string sender;     // "" for <>
    std::vector<std::string> recipients;
};

struct HoldQueue {
    std::vector<QueuedMessage> messages;
    std::size_t unreadable = 0; // lines of `postqueue -j` that are none
};

// What a queue file says beyond that.
struct QueueFile {
    std::optional<std::string> user;   // who has authenticated; "": nobody. None: it is not said
    std::optional<std::string> client; // the address that the message came from
    std::vector<std::string> header;   // "Name: value", folded as they are
};

HoldQueue parse_postqueue(std::string_view text);             // `postqueue -j`
void parse_envelope(std::string_view text, QueueFile& file);  // `postcat -e -q ID`
std::vector<std::string> parse_header(std::string_view text); // `postcat -h -q ID`

class MailQueue {
  public:
    virtual ~MailQueue() = default;
    virtual Result<HoldQueue> held() = 0;
    virtual Result<QueueFile> read(const std::string& queue_id) = 0;
    virtual Status release(const std::string& queue_id) = 0;
    virtual Status discard(const std::string& queue_id) = 0;
};

// Errors name the program, what it said, and what to do where it is not there or not permitted.
class PostfixQueue final : public MailQueue {
  public:
    using Run = std::function<Result<Ran>(const std::vector<std::string>&)>;
    // `configuration`: of `postqueue -c`; "" for Postfix's own.
    explicit PostfixQueue(
        std::string configuration,
        Run run = [](const std::vector<std::string>& words) { return run_program(words); })
        : configuration_(std::move(configuration)), run_(std::move(run)) {}

    Result<HoldQueue> held() override;
    Result<QueueFile> read(const std::string& queue_id) override;
    Status release(const std::string& queue_id) override;
    Status discard(const std::string& queue_id) override;

  private:
    Result<Ran> run(const char* program, std::vector<std::string> arguments) const;
    Status change(const char* option, const std::string& queue_id) const;

    std::string configuration_;
    Run run_;
};

} // namespace surehop
