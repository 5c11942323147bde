// SPDX-License-Identifier: Apache-2.0
#include "cmd/postfix_queue.h"

#include "address/ip_range.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace surehop {

namespace {

constexpr std::size_t most_header_lines = 10'000;

std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

const std::string* text_in(const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get_ptr<const std::string*>()
                                                       : nullptr;
}

std::optional<std::int64_t> number_in(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number_integer() || found->get<std::int64_t>() < 0)
        return std::nullopt;
    return found->get<std::int64_t>();
}

// Until the end of the year 9999, beyond which no time can be written.
constexpr std::int64_t last_second = 253'402'300'799;

std::optional<QueuedMessage> message_of(const Json& line) {
    const std::string* id = text_in(line, "queue_id");
    const std::string* sender = text_in(line, "sender");
    const auto arrival = number_in(line, "arrival_time");
    const auto size = number_in(line, "message_size");
    const auto recipients = line.find("recipients");
    if (id == nullptr || !is_queue_id(*id) || sender == nullptr || !arrival ||
        *arrival > last_second || !size || recipients == line.end() || !recipients->is_array())
        return std::nullopt;
    QueuedMessage out{*id, Time{Seconds{*arrival}}, static_cast<std::uint64_t>(*size), *sender, {}};
    if (out.sender == "MAILER-DAEMON") // as postqueue shows <>
        out.sender.clear();
    for (const Json& one : *recipients) {
        const std::string* address = one.is_object() ? text_in(one, "address") : nullptr;
        if (address == nullptr)
            return std::nullopt;
        out.recipients.push_back(*address);
    }
    return out;
}

// What a program said, on one line.
std::string words_of(const Ran& ran) {
    std::string text;
    for (std::string_view left = ran.err; !left.empty();)
        if (const std::string_view line = trim(take_line(left)); !line.empty())
            text += fmt::format("{}{}", text.empty() ? "" : "; ", line);
    return text.empty() ? fmt::format("exit status {}", ran.status) : printable(text, 400);
}

} // namespace

HoldQueue parse_postqueue(std::string_view text) {
    HoldQueue out;
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        if (trim(line).empty())
            continue;
        const auto object = parse_json(line);
        const std::string* queue =
            object && object->is_object() ? text_in(*object, "queue_name") : nullptr;
        if (queue != nullptr && *queue != "hold")
            continue;
        auto message = queue != nullptr ? message_of(*object) : std::nullopt;
        if (message)
            out.messages.push_back(*std::move(message));
        else
            ++out.unreadable;
    }
    return out;
}

void parse_envelope(std::string_view text, QueueFile& file) {
    constexpr std::string_view attribute = "named_attribute: ";
    std::vector<std::string> users, clients;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        if (!line.starts_with(attribute))
            continue;
        line.remove_prefix(attribute.size());
        const auto equals = line.find('=');
        const std::string_view name = line.substr(0, equals);
        if (equals == std::string_view::npos)
            continue;
        if (name == "sasl_username")
            users.emplace_back(line.substr(equals + 1));
        if (name == "client_address")
            clients.emplace_back(line.substr(equals + 1));
    }
    // What is said twice is not said at all.
    if (clients.size() == 1 && parse_ip(clients.front()))
        file.client = clients.front();
    if (users.size() == 1)
        file.user = users.front();
    else if (users.empty() && file.client) // it came over SMTP, and nobody has authenticated
        file.user = "";
}

std::vector<std::string> parse_header(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty() && out.size() < most_header_lines) {
        std::string_view line = take_line(text);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.empty())
            break;
        if (line.front() == ' ' || line.front() == '\t') {
            if (!out.empty())
                out.back() += fmt::format("\n{}", line);
        } else {
            out.emplace_back(line);
        }
    }
    return out;
}

Result<Ran> PostfixQueue::run(const char* program, std::vector<std::string> arguments) const {
    std::vector<std::string> words{program};
    if (!configuration_.empty()) {
        words.emplace_back("-c");
        words.push_back(configuration_);
    }
    std::ranges::move(arguments, std::back_inserter(words));
    auto ran = run_(words);
    if (!ran)
        return Error{fmt::format("{}; held mail is listed by 'mailq' where Postfix is, and by "
                                 "'mailq -qQ' with Sendmail, which 'sendmail -Q -qIid' releases",
                                 ran.error())};
    return ran;
}

Result<HoldQueue> PostfixQueue::held() {
    const auto ran = run("postqueue", {"-j"});
    if (!ran)
        return Error{ran.error()};
    if (ran->status != 0)
        return Error{fmt::format("postqueue: {}", words_of(*ran))};
    return parse_postqueue(ran->out);
}

Result<QueueFile> PostfixQueue::read(const std::string& queue_id) {
    if (!is_queue_id(queue_id))
        return Error{fmt::format("'{}' is no queue id", printable(queue_id, 60))};
    QueueFile file;
    for (const char* part : {"-e", "-h"}) {
        const auto ran = run("postcat", {part, "-q", queue_id});
        if (!ran)
            return Error{ran.error()};
        if (ran->status != 0)
            return Error{fmt::format("postcat: {}", words_of(*ran))};
        if (part[1] == 'e')
            parse_envelope(ran->out, file);
        else
            file.header = parse_header(ran->out);
    }
    return file;
}

// Of the hold queue alone, whatever has become of the message meanwhile. It tells how many it has
// changed, and that none is no error to it.
Status PostfixQueue::change(const char* option, const std::string& queue_id) const {
    if (!is_queue_id(queue_id))
        return Error{fmt::format("'{}' is no queue id", printable(queue_id, 60))};
    const auto ran = run("postsuper", {option, queue_id, "hold"});
    if (!ran)
        return Error{ran.error()};
    if (ran->status != 0 || ran->err.find(": 1 message") == std::string::npos)
        return Error{fmt::format("postsuper: {}", words_of(*ran))};
    return Done{};
}

Status PostfixQueue::release(const std::string& queue_id) { return change("-H", queue_id); }

Status PostfixQueue::discard(const std::string& queue_id) { return change("-d", queue_id); }

} // namespace surehop
