// SPDX-License-Identifier: Apache-2.0
#include "control/allow_notes.h"

#include "gate/route.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace surehop {

namespace {

// What most can be required of mail to this recipient that the exception is about. A rule may look
// at more than sender and recipient; whether that holds is not known here, so it counts.
Requirement highest_requirement(const RuleSet& rules, const Exception& exception,
                                const Path& recipient) {
    const bool one_sender =
        exception.sender && exception.sender->kind() == AddressPattern::Kind::address;
    const auto sender = one_sender ? Path::parse(exception.sender->text()) : Result<Path>(Path());
    const auto any = [](const AddressSet& patterns, const Path& path) {
        return patterns.empty() || patterns.matches(path);
    };
    const Requirement* highest = nullptr;
    const auto consider = [&](const Requirement& one) {
        if (highest == nullptr || one.minimum > highest->minimum)
            highest = &one;
    };
    for (const Rule& rule : rules.rules()) {
        if (!any(rule.recipients, recipient) ||
            (one_sender && sender && !any(rule.senders, *sender)))
            continue;
        consider(rule.requirement);
        if (rule.on_recipient_domain_alone())
            return *highest; // no later rule decides
    }
    consider(rules.last_resort());
    return *highest;
}

class Notes {
  public:
    Notes(const Exception& exception, const CommandParts& parts)
        : exception_(exception), parts_(parts), site_(parts.site()), now_(parts.clock.now()) {}

    std::vector<std::string> take() && { return std::move(notes_); }

    void write() {
        const auto& domain = exception_.recipient.domain();
        if (!domain)
            return;
        if (exception_.recipient.kind() == AddressPattern::Kind::suffix)
            return of_suffix(*domain);
        Context anybody;
        const bool person = exception_.recipient.kind() == AddressPattern::Kind::address;
        const auto path = Path::parse(person ? exception_.recipient.text()
                                             : fmt::format("postmaster@{}", domain->text()));
        if (!path)
            return;
        anybody.recipient = *path;
        const NextHop next_hop = find_way(anybody, *site_).next_hops.front();
        if (next_hop.kind() == HopKind::internal || next_hop.kind() == HopKind::hidden)
            return;
        need(anybody.recipient, next_hop);
        if (site_->lock != Lock::none)
            lock(*domain, next_hop);
    }

  private:
    template <class... Values> void note(fmt::format_string<Values...> text, Values&&... values) {
        notes_.push_back(fmt::format(text, std::forward<Values>(values)...));
    }

    // As last known: what is not fresh any more may well stand all the same.
    std::optional<Assessment> last_known(const NextHop& next_hop) const {
        const FactsPtr facts = parts_.facts.find(next_hop.key());
        if (!facts)
            return std::nullopt;
        return assess(next_hop, *facts, still_true(*facts));
    }
    Time still_true(const Facts& facts) const { return std::min(now_, facts.until - Seconds{1}); }

    void need(const Path& recipient, const NextHop& next_hop) {
        const Requirement required = highest_requirement(*site_->rules, exception_, recipient);
        const std::string& who = exception_.recipient.text();
        if (required.minimum <= exception_.lowest)
            return note("rule \"{}\" requires {} of mail to {}, which is no more than this "
                        "exception does: it changes nothing at RCPT",
                        required.rule, name_of(required.minimum), who);
        const auto known = last_known(next_hop);
        if (!known || known->no_mail || known->wait)
            return;
        const Assessment offers = bindable(*known, site_->lock);
        if (const Offer* offer = offers.at_least(required.minimum))
            note("mail to {} meets the minimum {} (rule \"{}\") without this exception: {} offered "
                 "{} when it was last looked up, at {}",
                 who, name_of(required.minimum), required.rule, next_hop.key(),
                 name_of(offer->level), format_time(parts_.facts.find(next_hop.key())->learnt));
    }

    void promise(const Promises::Row& promise) {
        if (promise.level > exception_.lowest)
            note("mail accepted earlier still holds a promise of {} for {} until {}; until then "
                 "all mail to it is delivered at that level only ('surehop promise release {}' "
                 "ends it)",
                 name_of(promise.level), promise.key, end_of(promise.until), promise.key);
    }

    void lock(const Domain& domain, const NextHop& next_hop) {
        const std::string key = next_hop.key();
        if (key != domain.text())
            note("mail to {} goes by way of {}, for which the exception changes nothing",
                 domain.text(), key);
        if (const auto highest = parts_.promises.highest(key, now_))
            promise(*highest);
        if (const FactsPtr facts = parts_.facts.find(key)) {
            const LockAnswer answer =
                parts_.gate.bind(next_hop, *facts, *site_, site_->lock, still_true(*facts));
            if (answer.kind == LockAnswer::Kind::temporary && exception_.live(now_))
                return note("at delivery, mail to {} is still held back: {}", key, answer.text);
        }
        if (exception_.lowest < site_->rules->floor(domain))
            note("at delivery, the whole next hop {} is open down to {} until then, {}: mail that "
                 "reaches it by alias or forward too",
                 domain.text(), name_of(exception_.lowest), published());
    }

    std::string_view published() const {
        return exception_.overrides_published ? "whatever it publishes itself"
                                              : "but for what it publishes itself";
    }

    // Many next hops, of which most are not known.
    void of_suffix(const Domain& domain) {
        if (site_->lock == Lock::none)
            return;
        std::string last;
        const auto promises = parts_.promises.list(now_);
        for (const Promises::Row& row : promises) {
            const auto next_hop = NextHop::parse(row.key);
            if (!next_hop || !next_hop->domain() || !exception_.opens(*next_hop->domain()))
                continue;
            const auto highest = parts_.promises.highest(row.key, now_);
            if (highest && highest->level == row.level)
                promise(row);
        }
        const auto below = Domain::parse("x." + domain.text());
        if (below && exception_.lowest < site_->rules->floor(*below))
            note(
                "at delivery, every next hop below {} is open down to {} until then, {}: mail that "
                "reaches it by alias or forward too",
                domain.text(), name_of(exception_.lowest), published());
    }

    const Exception& exception_;
    const CommandParts& parts_;
    const SitePtr site_;
    const Time now_;
    std::vector<std::string> notes_;
};

} // namespace

std::vector<std::string> notes_on(const Exception& exception, const CommandParts& parts) {
    Notes notes(exception, parts);
    notes.write();
    return std::move(notes).take();
}

} // namespace surehop
