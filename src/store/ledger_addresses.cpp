// SPDX-License-Identifier: Apache-2.0
#include "store/ledger_addresses.h"

#include "address/path.h"
#include "base/bytes.h"
#include "base/text.h"

#include <span>

namespace surehop {

namespace {

constexpr std::size_t octets_shown = 10; // of the HMAC: no two addresses of a site meet in 80 bits

// What the gate writes of an address that it cannot read; the reason that follows may quote it.
constexpr std::string_view unreadable = "address cannot be read";

std::string normalised(std::string_view address) {
    const auto path = Path::parse(address);
    return path ? path->text() : std::string(address);
}

} // namespace

std::string LedgerAddresses::shown(std::string_view address) const {
    if (address.empty() || form_ == AddressForm::full)
        return std::string(address);
    const std::string one_form = normalised(address), domain = domain_in(one_form);
    if (form_ == AddressForm::domain)
        return "@" + domain;
    const auto digest = hmac_sha256(key_, lower(one_form));
    return "#" + to_hex(std::span(digest).first(octets_shown)) +
           (domain.empty() ? "" : "@" + domain);
}

void LedgerAddresses::apply(LedgerRow& row) const {
    if (form_ == AddressForm::full ||
        (row.kind != "decision" && !row.kind.starts_with("quarantine-")))
        return;
    row.sender = shown(row.sender);
    row.recipient = shown(row.recipient);
    if (row.detail.starts_with(unreadable))
        row.detail = unreadable;
}

} // namespace surehop
