// SPDX-License-Identifier: Apache-2.0
// Octets from whoever reaches the lock's socket: netstrings, each with a request in it.
#include "base/text.h"
#include "socketmap/netstring.h"
#include "socketmap/request.h"

#include "fuzz/require.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

using namespace surehop;
using fuzz::require;

namespace {

constexpr std::size_t longest_request = 10'000; // as the server has it

struct Read {
    std::vector<std::string> texts;
    bool broken = false;
    bool operator==(const Read&) const = default;
};

// `chunk` octets at a time.
Read read_all(std::string_view octets, std::size_t chunk, std::size_t most) {
    NetstringReader reader(most);
    Read out;
    for (std::size_t at = 0; at < octets.size(); at += chunk) {
        reader.feed(octets.substr(at, chunk));
        while (auto text = reader.next()) {
            require(!reader.broken(), "nothing comes after a fault");
            out.texts.push_back(*std::move(text));
            require(out.texts.size() * 3 <= octets.size(), "each string takes at least 0:,");
        }
    }
    out.broken = reader.broken();
    if (out.broken) {
        reader.feed("1:a,");
        require(!reader.next() && reader.broken(), "a fault is for good");
    }
    return out;
}

void require_reading(std::string_view octets, std::size_t most) {
    const Read whole = read_all(octets, std::max<std::size_t>(octets.size(), 1), most);
    require(read_all(octets, 1, most) == whole, "octet by octet is the same as at once");
    require(read_all(octets, 2 + octets.size() % 11, most) == whole, "and so are pieces");

    std::string written;
    for (const std::string& text : whole.texts) {
        require(text.size() <= most, "the limit holds");
        written += to_netstring(text);
    }
    require(octets.starts_with(written), "what was read is written as it came");
    require(whole.broken || octets.size() - written.size() <= most + 10,
            "no more is kept than a longest string needs");

    const Read wider = read_all(octets, octets.size() + 1, most * 2);
    require(wider.texts.size() >= whole.texts.size() &&
                std::equal(whole.texts.begin(), whole.texts.end(), wider.texts.begin()),
            "a wider limit takes nothing away");
}

// Any text at all can be put into a netstring, if the reader takes one as long.
void require_framing(std::string_view text) {
    const std::string framed = to_netstring(text);
    const Read read = read_all(framed + framed, framed.size(), text.size());
    require(!read.broken && read.texts == std::vector<std::string>(2, std::string(text)),
            "what is written is read back");
    if (!text.empty())
        require(read_all(framed, framed.size(), text.size() - 1) == Read{{}, true},
                "one octet beyond the limit is a fault");
}

void require_request(std::string_view request) {
    const auto read = read_request(request);
    if (const auto* answer = std::get_if<std::string>(&read)) {
        fuzz::require_error(*answer);
        const auto key = request.find(' ');
        const bool parent = key != std::string_view::npos && request.substr(key).starts_with(" .");
        require(*answer == "NOTFOUND "
                    ? parent
                    : answer->starts_with("PERM ") || answer->starts_with("TEMP "),
                "only a parent key is not found, and nothing is OK");
        return;
    }
    const auto& [next_hop, consumer] = std::get<LockQuestion>(read);
    require(consumer != Lock::none, "somebody who can be told a policy");
    require(next_hop.kind() == HopKind::domain || next_hop.kind() == HopKind::host ||
                next_hop.kind() == HopKind::address,
            "a next hop that can be judged");
    const auto again = read_request(std::string(name_of(consumer)) + " " + next_hop.key());
    const auto* same = std::get_if<LockQuestion>(&again);
    require(same != nullptr && same->next_hop == next_hop && same->consumer == consumer,
            "what is asked in normal form is the same question");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view octets = fuzz::text_of(data, size);
    require_reading(octets, longest_request);
    require_reading(octets, 16);
    require_framing(octets);
    require_request(octets);
    for (const std::string_view map : lock_names)
        require_request(std::string(map) + " " + std::string(octets));
    for (const std::string& request : read_all(octets, octets.size() + 1, longest_request).texts)
        require_request(request);
    return 0;
}
