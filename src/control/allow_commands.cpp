// SPDX-License-Identifier: Apache-2.0
#include "control/allow_commands.h"

#include "allow/difference.h"
#include "allow/exception_list.h"
#include "allow/selection.h"
#include "base/text.h"
#include "control/allow_notes.h"
#include "control/explain.h"

#include <fmt/format.h>

#include <utility>

namespace surehop {

namespace {

// An import says of so many new exceptions what each opens and needs.
constexpr std::size_t most_with_notes = 100;

Json with_state(const Exception& exception, Time now) {
    Json row = to_json(exception);
    row["live"] = exception.live(now);
    row["state"] = state_of(exception, now);
    row["ends_soon"] = ends_soon(exception, now);
    return row;
}

// What the option is called, where it is not called like the field: `from` was the sender's first.
std::string option_of(std::string_view field) {
    return field == "sender" ? "--from: " : field == "from" ? "--begin: " : "";
}

// ---- list ----

Result<Selection> selection_of(const Json& request) {
    Selection out;
    if (const std::string shown = text_of(request, "show"); !shown.empty()) {
        const auto known = shown_of(shown);
        if (!known)
            return Error{fmt::format("cannot show '{}'; write current, live, ended or all",
                                     printable(shown))};
        out.shown = *known;
    }
    if (const std::string ending = text_of(request, "ending"); !ending.empty()) {
        const auto within = parse_duration(ending);
        if (!within)
            return Error{"--ending: " + within.error()};
        out.ending = std::chrono::floor<Seconds>(*within);
    }
    if (const std::string recipient = text_of(request, "recipient"); !recipient.empty()) {
        auto path = Path::parse(recipient);
        if (!path)
            return Error{"--recipient: " + path.error()};
        out.recipient = *std::move(path);
    }
    if (const std::string name = text_of(request, "domain"); !name.empty()) {
        auto domain = Domain::parse(name);
        if (!domain)
            return Error{"--domain: " + domain.error()};
        out.domain = *std::move(domain);
    }
    out.owner = text_of(request, "owner");
    out.ticket = text_of(request, "ticket");
    return out;
}

// ---- import ----

Json without_id(const Exception& exception) {
    Json out = to_json(exception);
    out["id"] = nullptr;
    return out;
}

Json difference_json(const Difference& difference) {
    Json add = Json::array(), change = Json::array(), end = Json::array();
    for (const Addition& one : difference.added) {
        Json row = without_id(one.exception);
        row["beside"] = one.beside;
        add.push_back(std::move(row));
    }
    for (const Change& one : difference.changed)
        change.push_back({{"end", to_json(one.before)}, {"add", without_id(one.after)}});
    for (const Exception& one : difference.ended)
        end.push_back(to_json(one));
    return Json{{"add", std::move(add)},
                {"change", std::move(change)},
                {"end", std::move(end)},
                {"unchanged", difference.unchanged}};
}

Json problems_json(const std::vector<ListProblem>& problems, std::string_view file) {
    Json out = Json::array();
    for (const ListProblem& one : problems)
        out.push_back({{"line", one.line},
                       {"entry", one.entry},
                       {"column", one.field},
                       {"text", one.text},
                       {"told", one.told(file)}});
    return out;
}

} // namespace

Json allow_add(const Json& request, const Peer& peer, const CommandParts& parts) {
    const Time now = parts.clock.now();
    ExceptionText text;
    for (const ExceptionField& field : exception_fields())
        text.*field.text = text_of(request, std::string(field.name).c_str());
    auto read = read_exception(text, parts.allow(), Times::relative_too, now);
    if (const auto* problems = std::get_if<std::vector<FieldProblem>>(&read))
        return control_error(option_of(problems->front().field) + problems->front().text);
    Exception& exception = std::get<Exception>(read);
    exception.created_by = peer.text();
    const auto ids = parts.allowlist.change({{exception}, {}}, now, peer.text());
    if (!ids)
        return control_error(ids.error());
    const auto added = parts.allowlist.find(ids->front());
    Json out = with_state(*added, now);
    out["notes"] = notes_on(*added, parts);
    return control_result(std::move(out));
}

Json allow_import(const Json& request, const Peer& peer, const CommandParts& parts) {
    const Time now = parts.clock.now();
    const std::string file = printable(text_of(request, "file"), 300);
    const auto format = list_format_of(text_of(request, "format"));
    if (!format)
        return control_error("a list is either csv or json; write --format csv or --format json");
    const bool dry_run = flag_of(request, "dry_run"), replace = flag_of(request, "replace");
    const AllowTerms terms = parts.allow();

    ExceptionList list = read_list(text_of(request, "text"), *format, terms, now);
    Json out{{"file", file}, {"dry_run", dry_run}, {"replace", replace}};
    if (!list.problems.empty()) {
        out["problems"] = problems_json(list.problems, file);
        return control_result(std::move(out));
    }
    for (Exception& exception : list.exceptions)
        exception.created_by = peer.text();
    // What a file of the configuration says is that file's to end.
    const auto may_end = [&](const Exception& one) {
        return replace && file_of(one, terms) == nullptr;
    };
    const auto current = parts.allowlist.list();
    const Difference found = difference(current, list.exceptions, may_end, now);
    out.update(difference_json(found));
    out["over"] = list.over;
    if (!dry_run && !found.nothing()) {
        const auto ids = parts.allowlist.change(change_of(found, file), now, peer.text());
        if (!ids)
            return control_error(ids.error());
        // In the order of change_of().
        auto id = ids->begin();
        for (Json& row : out.at("add"))
            row["id"] = *id++;
        for (Json& row : out.at("change"))
            row["add"]["id"] = *id++;
    }
    for (std::size_t i = 0; i < found.added.size() && i < most_with_notes; ++i)
        out.at("add").at(i)["notes"] = notes_on(found.added[i].exception, parts);
    out["problems"] = Json::array();
    return control_result(std::move(out));
}

Json allow_remove(const Json& request, const Peer& peer, const CommandParts& parts) {
    const std::int64_t id = number_of(request, "id");
    const Time now = parts.clock.now();
    const auto known = parts.allowlist.find(id);
    const AllowTerms terms = parts.allow();
    if (const std::string* file = known && !known->over(now) ? file_of(*known, terms) : nullptr)
        return control_error(fmt::format("exception {} comes from {}, and would come again; take "
                                         "it out of there",
                                         id, *file));
    if (auto removed = parts.allowlist.remove(id, now, text_of(request, "reason"), peer.text());
        !removed)
        return control_error(removed.error());
    return control_result(with_state(*parts.allowlist.find(id), now));
}

Json allow_list(const Json& request, const CommandParts& parts) {
    const auto selection = selection_of(request);
    if (!selection)
        return control_error(selection.error());
    const Time now = parts.clock.now();
    const auto all = parts.allowlist.list();
    Json rows = Json::array();
    const Selected selected = select(all, *selection, now);
    for (const Exception& exception : selected.exceptions)
        rows.push_back(with_state(exception, now));
    return control_result(
        {{"exceptions", std::move(rows)}, {"ended_not_shown", selected.ended_left_out}});
}

Json allow_show(const Json& request, const CommandParts& parts) {
    const std::int64_t id = number_of(request, "id");
    const auto exception = parts.allowlist.find(id);
    if (!exception)
        return control_error(fmt::format("there is no exception {}", id));
    return control_result(with_state(*exception, parts.clock.now()));
}

} // namespace surehop
