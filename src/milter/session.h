// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gate/gate.h"
#include "gate/site.h"
#include "milter/reply.h"
#include "store/ledger.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// One SMTP connection as the milter protocol tells it, without libmilter: mfapi.cpp converts, this
// decides. Several messages and many recipients per connection; a message captures its Site at MAIL.
//
// Not thread-safe; libmilter never runs two callbacks of one connection at the same time.

namespace surehop {

// What the MTA lets us do to a message at its end, and while we wait.
class MessageActions {
  public:
    virtual ~MessageActions() = default;
    virtual bool quarantine(const std::string& reason) = 0;
    virtual bool add_header(const std::string& name, const std::string& value) = 0;
    // Deletes the `occurrence`-th (from 1) header of that name.
    virtual bool delete_header(const std::string& name, int occurrence) = 0;
    virtual void progress() = 0; // restarts the MTA's timer
};

using Macro = std::function<std::string(std::string_view name)>; // "" when not given

struct SessionParts {
    const Gate& gate;
    Ledger& ledger;
    References& references;
    const Clock& clock;
    std::function<SitePtr()> site; // the one in force now
};

class Session {
  public:
    Session(SessionParts parts, std::string client); // client: address, or ""

    Reply mail(std::string_view from, const Macro& macro);
    Reply rcpt(std::string_view to, const Macro& macro, MessageActions& actions);
    void header(std::string_view name);
    Reply end_of_message(const Macro& macro, MessageActions& actions);
    void abort(); // the message is over; the connection goes on

  private:
    struct Message {
        SitePtr site;
        Path sender;
        bool over_smtp = true;          // else no recipient can be refused alone
        std::vector<Decision> accepted; // goes on, perhaps held or tagged
        std::vector<Decision> refused;  // non-SMTP only: decided at the end
        int tag_headers = 0;            // forged ones seen
    };

    SessionParts parts_;
    std::string client_;
    std::optional<Message> message_;
};

} // namespace surehop
