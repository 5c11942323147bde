// SPDX-License-Identifier: Apache-2.0
#include "cmd/quarantine_desk.h"

#include "base/text.h"
#include "base/time.h"
#include "control/protocol.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace surehop {

namespace {

// One request asks about so many messages and recipients, so that it is not too long for anybody.
constexpr std::size_t most_messages = 100;
constexpr std::size_t most_octets = 32'768;

// What rules ask about of the header, as much of it as the milter keeps.
constexpr std::size_t most_field_octets = 65'536;

Json envelope(const QueuedMessage& message) {
    return Json{{"queue_id", message.queue_id},
                {"arrival", format_time(message.arrival)},
                {"sender", message.sender},
                {"recipients", message.recipients}};
}

Json shown(const QueuedMessage& message) {
    return Json{{"queue_id", message.queue_id},
                {"since", format_time(message.arrival)},
                {"sender", message.sender},
                {"size", message.size}};
}

// Those that rules ask about, as far as JSON can carry them. What is left out is said to be.
void add_header(Json& ask, const QueueFile& file, const std::set<std::string>& fields) {
    Json lines = Json::array();
    std::size_t octets = 0;
    bool all = true;
    for (const std::string& line : file.header) {
        const auto colon = line.find(':');
        if (colon == std::string::npos ||
            !fields.contains(lower(trim(std::string_view(line).substr(0, colon)))))
            continue;
        octets += line.size();
        if (is_utf8(line) && octets <= most_field_octets)
            lines.push_back(line);
        else
            all = false;
    }
    ask["header"] = std::move(lines);
    ask["header_all"] = all;
}

std::string result_of(const Json& judged, bool passes, bool dry_run) {
    if (passes)
        return dry_run ? "would-be-released" : "released";
    const bool short_of = std::any_of(judged.begin(), judged.end(), [](const Json& one) {
        return !flag_of(one, "passes") && text_of(one, "outcome") != "unknown";
    });
    return short_of ? "kept" : "unknown";
}

} // namespace

Result<QuarantineDesk::Desk> QuarantineDesk::open() {
    auto queue = parts_.queue.held();
    if (!queue)
        return Error{queue.error()};
    looked_up_.clear();
    Desk desk;
    desk.unreadable = queue->unreadable;
    std::size_t done = 0;
    do { // also without a message, for what rules ask about
        Json messages = Json::array();
        std::size_t octets = 0;
        const std::size_t first = done;
        for (; done < queue->messages.size() && messages.size() < most_messages &&
               (octets == 0 || octets < most_octets);
             ++done) {
            messages.push_back(envelope(queue->messages[done]));
            octets += print_json(messages.back()).size();
        }
        const auto answer =
            parts_.ask(Json{{"do", "quarantine list"}, {"messages", std::move(messages)}});
        if (!answer)
            return Error{answer.error()};
        desk.fields = answer->at("fields").get<std::set<std::string>>();
        const Json& known = answer->at("messages");
        if (known.size() != done - first)
            return Error{"surehopd's answer is about other messages"};
        for (std::size_t i = first; i < done; ++i) {
            if (flag_of(known.at(i - first), "ours"))
                desk.ours.push_back({std::move(queue->messages[i]), known.at(i - first)});
            else
                ++desk.others;
        }
    } while (done < queue->messages.size());
    return desk;
}

Result<std::vector<QuarantineDesk::Ours>>
QuarantineDesk::choose(Desk& desk, const std::vector<std::string>& ids) {
    if (ids.empty())
        return std::move(desk.ours);
    std::vector<Ours> out;
    for (const std::string& id : ids) {
        const auto found = std::ranges::find_if(
            desk.ours, [&](const Ours& one) { return one.message.queue_id == id; });
        if (found == desk.ours.end())
            return Error{fmt::format("there is no message {} that surehop has had held; 'surehop "
                                     "quarantine list' names them",
                                     printable(id, 60))};
        out.push_back(*found);
    }
    return out;
}

// What cannot be looked up is judged by what is known of it, and that is for the daemon to say.
void QuarantineDesk::look_up(const Ours& one) {
    for (const Json& recipient : one.known.at("recipients"))
        for (const Json& next_hop : recipient.at("next_hops")) {
            const std::string key = next_hop.get<std::string>();
            if (!looked_up_.insert(key).second)
                continue;
            if (const auto facts = parts_.ask(Json{{"do", "facts refresh"}, {"next_hop", key}});
                !facts)
                notes_.push_back(
                    fmt::format("{} could not be looked up again: {}", key, facts.error()));
        }
}

Result<Json> QuarantineDesk::told(const Ours& one, const std::set<std::string>& fields) {
    const auto file = parts_.queue.read(one.message.queue_id);
    if (!file)
        return Error{file.error()};
    Json out = envelope(one.message);
    out["size"] = std::to_string(one.message.size);
    if (file->user && is_utf8(*file->user))
        out["user"] = *file->user;
    if (file->client)
        out["client"] = *file->client;
    add_header(out, *file, fields);
    return out;
}

// The daemon has the step on disk. What the mail server does not do, is told there as well.
void QuarantineDesk::carry_out(Json& out, const Json& message, const std::string& name) {
    const std::string id = text_of(message, "queue_id");
    const Status done = name == "discard" ? parts_.queue.discard(id) : parts_.queue.release(id);
    if (done)
        return;
    out["result"] = "failed";
    out["error"] = done.error();
    if (const auto noted = parts_.ask(Json{{"do", "quarantine failed"},
                                           {"message", message},
                                           {"step", name},
                                           {"error", done.error()}});
        !noted)
        notes_.push_back(fmt::format("the ledger says that {} was to be done to {}, and could not "
                                     "be told that it failed: {}",
                                     name, id, noted.error()));
}

Json QuarantineDesk::step(const Ours& one, const std::set<std::string>& fields,
                          const std::string& name, const std::string& reason, bool dry_run) {
    Json out = shown(one.message);
    const auto fails = [&](const std::string& error) {
        out["result"] = "failed";
        out["error"] = error;
        return out;
    };
    const auto message = told(one, fields);
    if (!message)
        return fails(message.error());
    const Json ask = dry_run ? Json{{"do", "quarantine judge"}, {"message", *message}}
                             : Json{{"do", "quarantine release"},
                                    {"message", *message},
                                    {"step", name},
                                    {"reason", reason}};
    const auto judged = parts_.ask(ask);
    if (!judged)
        return fails(judged.error());
    const bool passes = flag_of(*judged, dry_run ? "passes" : "released");
    out["recipients"] = judged->at("recipients");
    out["result"] = result_of(out["recipients"], passes, dry_run);
    if (passes && !dry_run)
        carry_out(out, *message, name);
    return out;
}

// One for each recipient that does not pass: for this sender alone, and down to what the daemon
// says is needed, so that delivery is still bound to that.
Result<Json> QuarantineDesk::make_exceptions(const Ours& one, const Json& judged,
                                             const ExceptionTerms& terms) {
    Json made = Json::array();
    for (const Json& recipient : judged.at("recipients")) {
        if (flag_of(recipient, "passes"))
            continue;
        const std::string needed = text_of(recipient, "lowest");
        const std::string sender = one.message.sender.empty() ? "<>" : one.message.sender;
        auto added = parts_.ask(Json{{"do", "allow add"},
                                     {"recipient", text_of(recipient, "recipient")},
                                     {"sender", sender},
                                     {"lowest", !terms.lowest.empty() ? terms.lowest
                                                : needed.empty()      ? "none"
                                                                      : needed},
                                     {"reason", terms.reason},
                                     {"owner", terms.owner},
                                     {"ticket", terms.ticket},
                                     {"until", terms.until}});
        if (!added) {
            if (made.empty())
                return Error{added.error()};
            notes_.push_back(fmt::format("no exception for {}: {}", text_of(recipient, "recipient"),
                                         added.error()));
            break;
        }
        made.push_back(*std::move(added));
    }
    return made;
}

// Promises of what is no longer held get an end; what goes wrong with that costs no mail.
Json QuarantineDesk::finish(Json messages, const Desk& desk, bool changed) {
    Json out{{"messages", std::move(messages)},
             {"others", desk.others},
             {"unreadable", desk.unreadable},
             {"promises_ended", Json::array()}};
    if (changed) {
        Json held = Json::array();
        const auto queue = parts_.queue.held();
        Result<Json> settled = Error{queue ? "" : queue.error()};
        if (queue) {
            Json oldest = nullptr;
            Time first = Time::max();
            for (const QueuedMessage& one : queue->messages) {
                held.push_back(one.queue_id);
                first = std::min(first, one.arrival);
            }
            if (!queue->messages.empty())
                oldest = format_time(first);
            settled = parts_.ask(Json{{"do", "quarantine settle"},
                                      {"held", std::move(held)},
                                      {"oldest", std::move(oldest)}});
        }
        if (!settled)
            notes_.push_back(fmt::format("what was promised of held mail stands as it was: {}",
                                         settled.error()));
        else
            out["promises_ended"] = settled->at("ended");
    }
    out["notes"] = std::move(notes_);
    notes_ = Json::array();
    return out;
}

Result<Json> QuarantineDesk::list() {
    const auto desk = open();
    if (!desk)
        return Error{desk.error()};
    Json messages = Json::array();
    for (const Ours& one : desk->ours) {
        Json row = shown(one.message);
        row["recipients"] = one.message.recipients;
        row["held_for"] = one.known.at("held_for");
        messages.push_back(std::move(row));
    }
    return finish(std::move(messages), *desk, false);
}

Result<Json> QuarantineDesk::recheck(const std::vector<std::string>& ids, bool dry_run) {
    auto desk = open();
    if (!desk)
        return Error{desk.error()};
    const auto chosen = choose(*desk, ids);
    if (!chosen)
        return Error{chosen.error()};
    Json messages = Json::array();
    for (const Ours& one : *chosen) {
        parts_.progress(messages.size(), chosen->size());
        look_up(one);
        messages.push_back(step(one, desk->fields, "recheck", "", dry_run));
    }
    return finish(std::move(messages), *desk, !dry_run);
}

Result<Json> QuarantineDesk::release(const std::string& id, const std::string& reason,
                                     const ExceptionTerms& terms) {
    auto desk = open();
    if (!desk)
        return Error{desk.error()};
    const auto chosen = choose(*desk, {id});
    if (!chosen)
        return Error{chosen.error()};
    const Ours& one = chosen->front();
    look_up(one);
    Json row = step(one, desk->fields, "release", reason, false);
    const std::string result = text_of(row, "result");
    if (!terms.until.empty() && (result == "kept" || result == "unknown")) {
        auto made = make_exceptions(one, row, terms);
        if (!made)
            return Error{made.error()};
        row = step(one, desk->fields, "release", reason, false);
        row["exceptions"] = *std::move(made);
    }
    return finish(Json::array({std::move(row)}), *desk, true);
}

Result<Json> QuarantineDesk::discard(const std::string& id, const std::string& reason) {
    auto desk = open();
    if (!desk)
        return Error{desk.error()};
    const auto chosen = choose(*desk, {id});
    if (!chosen)
        return Error{chosen.error()};
    const Json message = envelope(chosen->front().message);
    if (const auto noted = parts_.ask(
            Json{{"do", "quarantine discard"}, {"message", message}, {"reason", reason}});
        !noted)
        return Error{noted.error()};
    Json row = shown(chosen->front().message);
    row["recipients"] = chosen->front().message.recipients;
    row["result"] = "discarded";
    carry_out(row, message, "discard");
    return finish(Json::array({std::move(row)}), *desk, true);
}

int quarantine_status(const Json& result) {
    const Json& messages = result.at("messages");
    const auto some = [&](std::string_view what) {
        return std::any_of(messages.begin(), messages.end(),
                           [&](const Json& one) { return text_of(one, "result") == what; });
    };
    if (some("failed"))
        return EX_UNAVAILABLE;
    return some("kept") ? 1 : some("unknown") ? 2 : EX_OK;
}

} // namespace surehop
