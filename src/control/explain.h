// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "gate/decision.h"
#include "store/ledger.h"
#include "store/promises.h"

#include <optional>
#include <span>

// The JSON contract: what programs may rely on, name by name.

namespace surehop {

Json to_json(const NextHop& next_hop);
Json to_json(const Offer& offer, TlsVersion least, const StsOrigin& origin);
Json to_json(const Exception& exception); // as in `allow list`
Json to_json(const LedgerRow& row);       // as in `trace`; empty fields left out
// `least`: the version of TLS that the lock insists on.
Json offers_json(std::span<const Offer> offers, TlsVersion least, const StsOrigin& origin);

Json to_json(const Promises::Row& row); // as in `promise list`; `until` null: until released

// `surehop explain --json`: one object, each stage of the spine in order.
Json explain_json(const Decision& decision, const std::optional<Promises::Row>& promise);

} // namespace surehop
