// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/gate.h"
#include "gate/site.h"
#include "milter/incident.h"
#include "milter/refusals.h"
#include "milter/reply.h"
#include "store/ledger.h"
#include "store/promises.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// One SMTP connection as the milter protocol tells it, without libmilter: mfapi.cpp converts, this
// decides. Several messages and many recipients per connection; a message captures its Site at
// MAIL.
//
// Recipients are refused one by one at RCPT. Where the MTA cannot do that (mail that did not come
// over SMTP), the whole message is decided at its end. Recipients are never rewritten or dropped.
//
// Not thread-safe; libmilter never runs two callbacks of one connection at the same time.

namespace surehop {

// What the MTA lets us do to a message at its end. False: it does not do it.
class MessageActions {
  public:
    virtual ~MessageActions() = default;
    virtual bool quarantine(const std::string& reason) = 0;
    virtual bool add_header(const std::string& name, const std::string& value) = 0;
    // Deletes the `occurrence`-th (from 1) header of that name.
    virtual bool delete_header(const std::string& name, int occurrence) = 0;
};

using Macro = std::function<std::string(std::string_view name)>; // "" when not given

struct SessionParts {
    const Gate& gate;
    Ledger& ledger;
    Promises& promises;
    References& references;
    Refusals& refusals;
    const Clock& clock;
    std::function<SitePtr()> site; // the one in force now
};

class Session {
  public:
    // client: its address, or "". Parts and incident outlive the session; all sessions share the
    // incident, so that a store that cannot be written is told once.
    Session(const SessionParts& parts, Incident& recording, std::string client);

    Reply mail(std::string_view from, const Macro& macro);
    Reply rcpt(std::string_view to, const Macro& macro);
    void header(std::string_view name, std::string_view value);
    Reply end_of_message(const Macro& macro, MessageActions& actions);
    void abort(); // the message is over; the connection goes on

  private:
    // Why a message is held or tagged: of the first recipient that asked for it.
    struct Mark {
        std::string outcome;
        std::string rule;
        std::string reference;
    };

    struct Message {
        SitePtr site;
        Path sender;
        bool over_smtp = true;          // else no recipient can be refused alone
        bool enforced = false;          // for at least one recipient
        std::vector<LedgerRow> rows;    // of recipients that go on, perhaps held or tagged
        std::vector<Promised> promised; // to them
        std::optional<Mark> hold;
        std::optional<Mark> tag;
        std::vector<Decision> refused;   // not over SMTP only: decided at the end
        std::optional<Reply> unreadable; // likewise: the first address that cannot be read
        int forged = 0;                  // tag headers that came with the message
        bool waiver = false;             // it says "TLS-Required: No"
    };

    Decision judge(const Context& context, const Message& message) const;
    Learnt learn(const std::vector<NextHop>& next_hops, Millis most) const;
    Reply take(Message& message, Decision decision);
    Reply refuse(Decision decision, Reply reply);
    LedgerRow unreadable_row(const Site& site, const Path::Failure& failure);
    Reply unreadable(Message& message, std::string_view to, const Path::Failure& failure);
    Reply refuse_whole(Message& message, Reply reply, std::string_view why);
    std::string mark(const Message& message, MessageActions& actions) const;
    Status record(Message& message);

    const SessionParts& parts_;
    Incident& recording_;
    std::string client_;
    std::optional<Message> message_;
};

} // namespace surehop
