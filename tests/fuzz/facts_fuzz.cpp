// SPDX-License-Identifier: Apache-2.0
// What the store gives back may have been damaged on disk: it is read whole or refused, what is
// read is written again as the same facts, and no facts make the lock say what it must not.
#include "facts/facts_json.h"
#include "facts/stored_facts.h"

#include "fuzz/binding_line.h"

#include <string>

using namespace surehop;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto facts = from_store(fuzz::text_of(data, size));
    if (!facts) {
        fuzz::require_error(facts.error());
        return 0;
    }
    const std::string text = to_store(*facts);
    const auto again = from_store(text);
    require(again && *again == *facts, "what is written is read as the same facts");
    require(to_store(*again) == text, "and written the same");
    require(!from_store(std::string_view(text).substr(0, size % text.size())),
            "what is cut is refused");

    const auto shown = parse_json(print_json(to_json(*facts)));
    require(shown && *shown == to_json(*facts), "what is shown is JSON, and all of it");
    for (const Host& host : facts->hosts) {
        const auto name = Domain::parse(host.name.text());
        require(name && *name == host.name, "hosts have names");
    }
    for (const mtasts::MxPattern& pattern : facts->sts.policy.mx) {
        const auto name = Domain::parse(pattern.name);
        require(name && name->text() == pattern.name, "patterns hold names");
    }

    const char* const next_hop = facts->mx ? "example.org" : "[mx.example.org]";
    if (facts->hosts.size() <= 21) // an inquiry keeps no more
        fuzz::require_answers(*NextHop::parse(next_hop), *facts, facts->learnt);
    return 0;
}
