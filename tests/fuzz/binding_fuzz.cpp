// SPDX-License-Identifier: Apache-2.0
// Any facts of a next hop, each a few bits of the input, and what the lock answers to them. Octets:
// the MX, the policy's standing, its patterns; then three for each host.
#include "fuzz/binding_line.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>

using namespace surehop;
using fuzz::require;

namespace {

constexpr Time now{Seconds{1795255200}};

class Bits {
  public:
    explicit Bits(std::span<const std::uint8_t> octets) : octets_(octets) {}
    bool at_end() const { return octets_.empty(); }
    void next() { // octet; zeros after the last
        bits_ = octets_.empty() ? 0U : octets_.front();
        octets_ = octets_.subspan(octets_.empty() ? 0 : 1);
    }
    unsigned below(unsigned count) {
        const unsigned value = bits_ % count;
        bits_ /= count;
        return value;
    }
    std::optional<bool> maybe() {
        const unsigned value = below(3);
        return value == 2 ? std::nullopt : std::optional(value == 1);
    }

  private:
    std::span<const std::uint8_t> octets_;
    unsigned bits_ = 0;
};

// As an inquiry finds them: a reason that fits the state.
Standing standing(Bits& bits, Reason absent) {
    switch (bits.below(4)) {
    case 0:
        return {State::present, Reason::none};
    case 1:
        return {State::absent, absent};
    case 2:
        return {State::invalid, Reason::sts_policy_syntax};
    default:
        return {State::unknown, Reason::dns_timeout};
    }
}

Host host(Bits& bits) {
    constexpr std::array names = {"mx1.example.org",   "mx2.example.org",
                                  "a.mx1.example.org", "example.org",
                                  "mx.other.test",     "xn--bcher-kva.example.org"};
    bits.next();
    Host made(*Domain::parse(names.at(bits.below(names.size()))));
    made.preference = static_cast<std::uint16_t>(bits.below(4) * 10);
    made.addresses_secure = bits.maybe();
    bits.next();
    made.addresses = standing(bits, Reason::host_no_address);
    made.tlsa = standing(bits, Reason::tlsa_none);
    bits.next();
    // DANE-EE, DANE-TA, and one that serves nothing
    for (const auto usage : std::to_array<std::uint8_t>({3, 2, 1}))
        if (bits.below(2) == 1)
            made.records.push_back({usage, 1, 1, Bytes(bits.below(2) == 1 ? 32 : 31, 0xab)});
    return made;
}

Facts facts(Bits& bits) {
    Facts made;
    bits.next();
    if (bits.below(2) == 0)
        made.mx = standing(bits, Reason::no_such_domain);
    made.mx_secure = bits.maybe();
    made.null_mx = bits.below(8) == 7;
    bits.next();
    made.sts.standing = standing(bits, Reason::sts_txt_none);
    made.sts.refresh = made.sts.standing;
    made.sts.policy.mode = static_cast<mtasts::Mode>(bits.below(3));
    made.dane_lost = bits.below(2) == 1;
    made.until = now + Seconds{static_cast<int>(bits.below(3)) - 1};
    made.learnt = now - Seconds{1};
    bits.next();
    const mtasts::MxPattern patterns[] = {{true, "example.org"},
                                          {false, "mx1.example.org"},
                                          {false, "mx2.example.org"},
                                          {true, "mx1.example.org"},
                                          {false, "xn--bcher-kva.example.org"}};
    for (const mtasts::MxPattern& pattern : patterns)
        if (bits.below(2) == 1)
            made.sts.policy.mx.push_back(pattern);
    while (!bits.at_end()) {
        Host one = host(bits);
        if (std::ranges::find(made.hosts, one.name, &Host::name) == made.hosts.end())
            made.hosts.push_back(std::move(one)); // an inquiry keeps each name once
    }
    std::stable_sort(made.hosts.begin(), made.hosts.end(),
                     [](const Host& a, const Host& b) { return a.preference < b.preference; });
    return made;
}

// RFC 8461 §2, RFC 7672 §2.1.2: a host whose TLSA records decide, or may decide, is theirs.
void require_dane_first(const Assessment& assessed, const Facts& facts) {
    for (const Offer& offer : assessed.offers)
        for (const Host& host : facts.hosts) {
            if (std::ranges::find(offer.hosts, host.name.text()) == offer.hosts.end())
                continue;
            require(host.addresses.state == State::present, "a host that mail can reach");
            require(host.tlsa.state != State::unknown, "none whose TLSA records are unknown");
            const bool decided = host.tlsa.state == State::present && host.usable() > 0;
            require(offer.level != Level::dane || decided, "DANE by usable records");
            require(offer.level != Level::authenticated || !decided, "MTA-STS by none");
            require(offer.level != Level::authenticated || facts.sts.policy.allows(host.name),
                    "MTA-STS where the policy allows it");
        }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bits bits({data, size});
    const Facts found = facts(bits);
    for (const char* const text : {"example.org", "[mx1.example.org]", "[192.0.2.1]"}) {
        const NextHop next_hop = *NextHop::parse(text);
        fuzz::require_answers(next_hop, found, now);
        if (next_hop.kind() != HopKind::address)
            require_dane_first(assess(next_hop, found, now), found);
    }
    return 0;
}
