// SPDX-License-Identifier: Apache-2.0
#include "milter/session.h"

#include "base/log.h"
#include "base/text.h"
#include "gate/local_time.h"
#include "milter/decision_line.h"
#include "milter/field.h"
#include "milter/tls_required.h"
#include "store/held.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <shared_mutex>
#include <utility>

namespace surehop {

namespace {

// Each deletion makes the MTA search its queue file from the start: a message full of forged fields
// would keep it busy for hours.
constexpr int most_forged = 100;

// Kept of the fields that rules ask about; what is beyond cannot be told.
constexpr std::size_t most_field_octets = 65'536;

constexpr std::size_t longest_path = 320; // that is recorded of an address that cannot be read

// What the ledger says of recipients that could have gone on alone.
constexpr std::string_view refused_together = "refused with the message";

void count(Measures& measures, const Decision& d) {
    measures.decisions.add({name_of(d.verdict.outcome), name_of(d.verdict.level),
                            name_of(d.verdict.action), d.requirement.rule,
                            name_of(d.requirement.mode)});
}

// The address as the MTA has resolved it, where it says so: that is complete (<postmaster> has its
// domain there) and of one case (Postfix). Else what the client sent.
Result<Path> read_path(std::string_view argument, const std::string& resolved,
                       Path::Failure& failure) {
    Result<Path> sent = Path::parse(argument, &failure);
    if (resolved.empty() || (sent && sent->is_null()))
        return sent;
    // As nearly always: the same without the angle brackets.
    if (sent && argument.starts_with('<') && argument.substr(1, argument.size() - 2) == resolved)
        return sent;
    Result<Path> path = Path::parse(resolved);
    if (!path)
        return sent;
    // Sendmail says "root" of root@this.host, which tells less than the client did.
    if (!path->domain() && !path->literal() && sent && (sent->domain() || sent->literal()))
        return sent;
    return path;
}

// Postfix: `error` for a virtual alias domain, whose {rcpt_host} then is a status code and a text,
// and for refused recipients, whose {rcpt_addr} is no address at all.
bool tells_address(const std::string& mailer) { return mailer != "error"; }

// No rule can be asked about an address that cannot be read, so any of them might be the one: in
// audit mode it passes only where every rule is in audit mode.
PolicyMode strictest_mode(const RuleSet& rules) {
    const bool enforced = std::ranges::any_of(rules.rules(), [](const Rule& rule) {
        return rule.requirement.mode == PolicyMode::enforce;
    });
    return enforced ? PolicyMode::enforce : rules.mode();
}

// "REQUIRETLS" (RFC 8689 §2).
bool asks_for_tls(std::span<const std::string_view> parameters) {
    return std::ranges::any_of(parameters, [](std::string_view parameter) {
        return same_ignoring_case(parameter, "REQUIRETLS");
    });
}

} // namespace

Session::Session(const SessionParts& parts, Incident& recording, Client client)
    : parts_(parts), recording_(recording), client_(std::move(client)) {}

Reply Session::mail(std::string_view from, std::span<const std::string_view> parameters,
                    const Macro& macro) {
    message_.reset();
    Message message;
    message.site = parts_.site();
    Context& context = message.context;
    context.requiretls = asks_for_tls(parameters);
    context.when = local_time(parts_.clock.now());
    if (!client_.address.empty())
        context.client = client_.address;
    // An MTA that says where it listens says who has authenticated as well, if somebody has.
    const std::string user = macro("{auth_authen}"), listener = macro("{daemon_name}");
    if (!listener.empty())
        context.listener = listener;
    if (!user.empty() || context.listener)
        context.user = user;
    Path::Failure failure{};
    Result<Path> sender = read_path(from, macro("{mail_addr}"), failure);
    if (sender) {
        context.sender = *std::move(sender);
    } else {
        LedgerRow row = unreadable_row(*message.site, failure);
        row.sender = printable(from, longest_path);
        if (row.action == name_of(Action::reject)) {
            const std::string reference = parts_.refusals.add(client_.network, row);
            if (reference == row.reference)
                tell({row});
            return path_reply(failure, PathOf::sender, reference);
        }
        message.rows.push_back(std::move(row));
    }
    message_ = std::move(message);
    return {};
}

Reply Session::rcpt(std::string_view to, const Macro& macro) {
    const Lap lap(parts_.measures.rcpt);
    if (!message_)
        return trouble_reply("a recipient came without a sender");
    Message& message = *message_;
    Context& context = message.context;
    context.mailer = macro("{rcpt_mailer}");
    context.host = macro("{rcpt_host}");
    // sendmail(1) through Postfix: no next hop and no angle brackets. A refusal of one recipient
    // would leave the message in the maildrop queue for ever.
    if (context.mailer.empty() && !to.starts_with('<'))
        message.over_smtp = false;

    Path::Failure failure{};
    Result<Path> recipient = read_path(
        to, tells_address(context.mailer) ? macro("{rcpt_addr}") : std::string(), failure);
    if (!recipient)
        return unreadable(message, to, failure);
    if (recipient->is_null())
        return unreadable(message, to, {Path::Fault::syntax, "a recipient is needed"});
    context.recipient = *std::move(recipient);
    context.more_to_come = true;
    Decision decision = judge(context, *message.site, message.site->wait);
    if (!decision.open.empty()) {
        learn(decision.to_learn, Millis{0}); // to be known when the message says which rule it is
        message.open.push_back(context);
        return {};
    }
    if (decision.verdict.reason == Reason::next_hop_invalid &&
        decision.source == HopSource::rcpt_host)
        log::warning(
            "the mail server names a next hop that cannot be read: {{rcpt_host}} is '{}'; write a "
            "port in it as a number",
            printable(context.host, 200));
    return take(message, std::move(decision));
}

// Never sends progress to the MTA meanwhile: the wait is shorter than any MTA's patience, and
// Sendmail takes SMFIR_PROGRESS at RCPT for a broken filter and lets the recipient pass.
Decision Session::judge(const Context& context, const Site& site, Millis most) const {
    auto known = parts_.gate.judge_known(context, site, parts_.clock.now());
    if (auto* decision = std::get_if<Decision>(&known))
        return std::move(*decision);
    const Learnt learnt = learn(std::get<Miss>(known).next_hops, most);
    const Time now = parts_.clock.now();
    known = parts_.gate.judge_known(context, site, now);
    if (auto* decision = std::get_if<Decision>(&known))
        return std::move(*decision);
    return parts_.gate.judge_unlearnt(context, site, reason_of(learnt), now);
}

// All within `most`. Those for which no time is left are looked up meanwhile, for the next try.
Learnt Session::learn(const std::vector<NextHop>& next_hops, Millis most) const {
    using Steady = std::chrono::steady_clock;
    const auto end = Steady::now() + most;
    Learnt learnt = Learnt::done;
    for (const NextHop& next_hop : next_hops) {
        const auto left = std::chrono::ceil<Millis>(end - Steady::now());
        const Learnt one = parts_.gate.resolver().wait(next_hop, std::clamp(left, Millis{0}, most),
                                                       client_.network, [] {});
        if (one != Learnt::done)
            learnt = one;
    }
    return learnt;
}

Reply Session::take(Message& message, Decision&& decision) {
    decision.reference = parts_.references.next();
    count(parts_.measures, decision);
    if (decision.requirement.mode == PolicyMode::enforce)
        message.enforced = true;
    Reply reply = rcpt_reply(decision);
    if (reply.refuses() && message.over_smtp)
        return refuse(std::move(decision), std::move(reply));
    if (reply.refuses())
        message.refused.push_back(std::move(decision));
    else
        message.going_on.emplace_back(std::move(decision));
    return {};
}

// One of too many is not told by itself, and its reply names the row that counts it.
Reply Session::refuse(Decision decision, Reply reply) {
    LedgerRow row = ledger_row(decision, "");
    std::string reference = parts_.refusals.add(client_.network, row);
    if (reference == decision.reference) {
        log_decision(parts_.ledger.as_kept(std::move(row)));
        return reply;
    }
    decision.reference = std::move(reference);
    return rcpt_reply(decision);
}

LedgerRow Session::unreadable_row(const Site& site, const Path::Failure& failure) {
    const PolicyMode mode = strictest_mode(*site.rules);
    LedgerRow row;
    row.time = parts_.clock.now();
    row.kind = "decision";
    row.reference = parts_.references.next();
    row.mode = name_of(mode);
    row.outcome = name_of(OutcomeKind::no_mail);
    row.would = name_of(Action::reject);
    row.action = mode == PolicyMode::enforce ? row.would : name_of(Action::accept);
    row.detail = "address cannot be read: " + printable(failure.text, 200);
    return row;
}

Reply Session::unreadable(Message& message, std::string_view to, const Path::Failure& failure) {
    LedgerRow row = unreadable_row(*message.site, failure);
    row.sender = message.context.sender.text();
    row.recipient = printable(to, longest_path);
    if (row.action != name_of(Action::reject)) {
        message.going_on.emplace_back(std::move(row));
        return {};
    }
    const std::string reference = parts_.refusals.add(client_.network, row);
    if (reference == row.reference)
        tell({row});
    Reply reply = path_reply(failure, PathOf::recipient, reference);
    if (message.over_smtp)
        return reply;
    if (!message.unreadable)
        message.unreadable = std::move(reply);
    return {};
}

void Session::header(std::string_view name, std::string_view value) {
    if (!message_)
        return;
    Message& message = *message_;
    message.size += name.size() + value.size() + std::string_view(": \r\n").size();
    if (waives_tls(name, value))
        message.waiver = true;
    const std::string key = lower(trim(name)); // "X-Surehop : ..." is that field (RFC 5322 §4.5.8)
    if (key == lower(message.site->tag_header))
        ++message.forged;
    if (!message.site->rules->field_names().contains(key))
        return;
    message.field_octets += value.size();
    FieldText field = readable(value.substr(0, most_field_octets));
    if (!field.whole || message.field_octets > most_field_octets)
        message.fields_left_out = true;
    if (message.field_octets <= most_field_octets)
        message.fields.values.emplace(key, std::move(field.text));
}

void Session::body(std::size_t octets) {
    if (!message_)
        return;
    message_->size += octets;
    message_->body_told = true;
}

// The message says by now which rules decide. What is not told at all counts as it is stricter.
void Session::judge_open(Message& message) {
    using Steady = std::chrono::steady_clock;
    message.fields.all = !message.fields_left_out;
    const auto end = Steady::now() + message.site->wait;
    for (Context& context : std::exchange(message.open, {})) {
        context.fields = &message.fields;
        if (message.body_told)
            context.size = message.size;
        context.more_to_come = false;
        const auto left = std::chrono::ceil<Millis>(end - Steady::now());
        Decision decision =
            judge(context, *message.site, std::clamp(left, Millis{0}, message.site->wait));
        decision.reference = parts_.references.next();
        count(parts_.measures, decision);
        message.enforced |= decision.requirement.mode == PolicyMode::enforce;
        if (refuses(decision.verdict.action))
            message.refused.push_back(std::move(decision));
        else
            message.going_on.emplace_back(std::move(decision));
    }
}

// What is to be recorded, promised and marked of recipients that go on. Only now: nobody waits for
// it at RCPT, and many a message ends there.
void Session::gather(Message& message, const std::string& queue_id) {
    message.rows.reserve(message.rows.size() + message.going_on.size() + 1); // a hold has one
    for (auto& recipient : std::exchange(message.going_on, {})) {
        if (auto* row = std::get_if<LedgerRow>(&recipient)) {
            message.rows.push_back(std::move(*row));
            continue;
        }
        const auto& decision = std::get<Decision>(recipient);
        const Action action = decision.verdict.action;
        std::optional<Mark>& mark = action == Action::quarantine ? message.hold : message.tag;
        if (action == Action::quarantine || action == Action::tag) {
            if (!mark)
                mark = Mark{std::string(name_of(decision.verdict.outcome)),
                            decision.requirement.rule,
                            decision.reference,
                            {}};
            mark->recipients.push_back(decision.recipient.text());
        }
        for (Promised& promised : promises_of(decision))
            message.promised.push_back(std::move(promised));
        message.rows.push_back(ledger_row(decision, ""));
    }
    for (LedgerRow& row : message.rows)
        row.queue_id = queue_id;
}

// The reply that refuses the whole message, if something does.
Reply Session::what_refuses(Message& message, const std::string& queue_id) {
    judge_open(message);
    gather(message, queue_id);
    if (!message.refused.empty()) {
        std::vector<LedgerRow> rows;
        rows.reserve(message.refused.size());
        for (const Decision& decision : message.refused)
            rows.push_back(ledger_row(decision, queue_id));
        tell(rows);
        parts_.ledger.append_later(std::move(rows));
        return refuse_whole(message, message_reply(message.refused), refused_together);
    }
    if (message.unreadable)
        return refuse_whole(message, *message.unreadable, refused_together);
    if (message.waiver && message.site->refuses_waiver && forbids_waiver(*message.site->rules)) {
        const std::string reference = message.rows.empty() ? "" : message.rows.front().reference;
        log::info("reject: the message {} says \"TLS-Required: No\" ref={}", queue_id, reference);
        return refuse_whole(message, waiver_reply(reference), "TLS-Required: No");
    }
    return {};
}

Reply Session::end_of_header(const Macro& macro) {
    if (!message_)
        return trouble_reply("a message came without a sender");
    if (message_->site->rules->asks_for_size() && !message_->open.empty())
        return {};
    Reply reply = what_refuses(*message_, macro("i"));
    if (reply.refuses())
        message_.reset();
    return reply;
}

Reply Session::end_of_message(const Macro& macro, MessageActions& actions) {
    const Lap lap(parts_.measures.end);
    if (!message_)
        return trouble_reply("a message came without a sender");
    Message message = std::move(*message_);
    message_.reset();
    if (Reply reply = what_refuses(message, macro("i")); reply.refuses())
        return reply;
    if (message.enforced && message.forged > most_forged)
        return refuse_whole(
            message,
            forged_reply(message.site->tag_header, message.forged,
                         message.rows.empty() ? "" : message.rows.front().reference),
            fmt::format("{} forged {} fields", message.forged, message.site->tag_header));

    const std::string trouble = mark(message, actions);
    if (!trouble.empty() && message.enforced)
        return trouble_reply(trouble);
    if (record(message)) {
        recording_.worked();
        return {};
    }
    return message.enforced ? trouble_reply("its record cannot be written") : Reply{};
}

Reply Session::refuse_whole(Message& message, Reply reply, std::string_view why) {
    for (LedgerRow& row : message.rows) {
        row.action = name_of(reply.permanent() ? Action::reject : Action::defer);
        row.detail += fmt::format("{}{}", row.detail.empty() ? "" : "; ", why);
    }
    tell(message.rows);
    parts_.ledger.append_later(std::move(message.rows));
    return reply;
}

// The log has what the ledger has.
void Session::tell(const std::vector<LedgerRow>& rows) const {
    for (const LedgerRow& row : rows)
        if (row.kind == "decision")
            log_decision(parts_.ledger.as_kept(row));
}

// "" or what the MTA did not do.
std::string Session::mark(const Message& message, MessageActions& actions) const {
    const std::string& name = message.site->tag_header;
    // Highest first, so that the numbers of the others stay. Only we add this field: what comes in
    // with it, tagged or not, would be believed further on.
    if (message.forged <= most_forged)
        for (int i = message.forged; i > 0; --i)
            if (!actions.delete_header(name, i))
                return "a forged header cannot be removed";

    // The reason of a quarantine is lost on Postfix before 3.10, hence the header there too.
    if (const std::optional<Mark>& why = message.hold ? message.hold : message.tag) {
        if (!actions.add_header(name, header_text(*why, message.hold.has_value())))
            return "it cannot be marked";
    }
    if (message.hold && !actions.quarantine(hold_text(*message.hold)))
        return "it cannot be held";
    return "";
}

// No message is accepted without its promises and rows on disk (in audit mode the message wins).
Status Session::record(Message& message) {
    const Time now = parts_.clock.now();
    Status written = Done{};
    // Nobody knows when held mail is released: until then what was promised of it stands.
    const Time tried_until = now + message.site->queue_lifetime + std::chrono::days{1};
    std::shared_lock<std::shared_mutex> holding;
    if (message.hold) {
        holding = parts_.promises.holding();
        LedgerRow row;
        row.time = now;
        row.kind = "quarantine-hold";
        row.reference = message.hold->reference;
        row.queue_id = message.rows.front().queue_id;
        row.sender = message.context.sender.text();
        row.rule = message.hold->rule;
        row.detail = text_of(HeldNote{message.promised, message.context.requiretls});
        message.rows.push_back(std::move(row));
    }
    if (!message.promised.empty())
        written = parts_.promises.keep(message.promised, now,
                                       message.hold ? Promises::until_released : tried_until);
    if (written)
        written = parts_.ledger.append(message.rows);
    if (written)
        tell(message.rows);
    else
        recording_.failed(fmt::format("{}; {}", written.error(),
                                      message.enforced ? "mail is deferred"
                                                       : "in audit mode, mail passes unrecorded"));
    return written;
}

void Session::abort() { message_.reset(); }

} // namespace surehop
