// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/gate.h"
#include "gate/site.h"
#include "metrics/measures.h"
#include "milter/incident.h"
#include "milter/mark.h"
#include "milter/refusals.h"
#include "milter/reply.h"
#include "store/ledger.h"
#include "store/promises.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// One SMTP connection as the milter protocol tells it, without libmilter: mfapi.cpp converts, this
// decides. Several messages and many recipients per connection; a message captures its Site at
// MAIL.
//
// Recipients are refused one by one at RCPT. Where the MTA cannot do that (mail that did not come
// over SMTP), and for rules that ask about the message, the whole message is decided when its
// header is over, or at its end where its size counts. Recipients are never rewritten or dropped.
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

// Who has connected. Both empty where that is not an IP address.
struct Client {
    std::string address;
    std::string network; // whom limits hold for: of IPv6 the /64
};

struct SessionParts {
    const Gate& gate;
    Ledger& ledger;
    Promises& promises;
    References& references;
    Refusals& refusals;
    Measures& measures;
    const Clock& clock;
    std::function<SitePtr()> site; // the one in force now
};

class Session {
  public:
    // Parts and incident outlive the session; all sessions share the incident, so that a store that
    // cannot be written is told once.
    Session(const SessionParts& parts, Incident& recording, Client client);

    // `parameters`: of ESMTP, such as "SIZE=1000".
    Reply mail(std::string_view from, std::span<const std::string_view> parameters,
               const Macro& macro);
    Reply rcpt(std::string_view to, const Macro& macro);
    void header(std::string_view name, std::string_view value);
    Reply end_of_header(const Macro& macro);
    void body(std::size_t octets); // where it is not told, no rule can ask for the size
    Reply end_of_message(const Macro& macro, MessageActions& actions);
    void abort(); // the message is over; the connection goes on

  private:
    struct Message {
        SitePtr site;
        Context context; // of the recipient at hand
        std::vector<Context>
            open; // recipients that go on until the message says which rule decides
        Fields fields;
        std::size_t field_octets = 0; // kept of them
        bool fields_left_out = false;
        std::uint64_t size = 0;
        bool body_told = false;
        bool over_smtp = true; // else no recipient can be refused alone
        bool enforced = false; // for at least one recipient
        // Recipients that go on, perhaps held or tagged; of one whose address cannot be read the
        // row.
        std::list<std::variant<Decision, LedgerRow>> going_on;
        std::vector<LedgerRow> rows;    // of all, once the message has a queue id
        std::vector<Promised> promised; // to those that go on
        std::optional<Mark> hold;
        std::optional<Mark> tag;
        std::vector<Decision> refused;   // not over SMTP only: decided at the end
        std::optional<Reply> unreadable; // likewise: the first address that cannot be read
        int forged = 0;                  // tag headers that came with the message
        bool waiver = false;             // it says "TLS-Required: No"
    };

    Decision judge(const Context& context, const Site& site, Millis most) const;
    Learnt learn(const std::vector<NextHop>& next_hops, Millis most) const;
    Reply take(Message& message, Decision&& decision);
    void judge_open(Message& message);
    static void gather(Message& message, const std::string& queue_id);
    Reply what_refuses(Message& message, const std::string& queue_id);
    Reply refuse(Decision decision, Reply reply);
    LedgerRow unreadable_row(const Site& site, const Path::Failure& failure);
    Reply unreadable(Message& message, std::string_view to, const Path::Failure& failure);
    Reply refuse_whole(Message& message, Reply reply, std::string_view why);
    std::string mark(const Message& message, MessageActions& actions) const;
    Status record(Message& message);
    void tell(const std::vector<LedgerRow>& rows) const;

    const SessionParts& parts_;
    Incident& recording_;
    Client client_;
    std::optional<Message> message_;
};

} // namespace surehop
