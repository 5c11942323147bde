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
Json to_json(const Offer& offer);
Json to_json(const Exception& exception); // as in `allow list`
Json to_json(const LedgerRow& row);       // as in `trace`; empty fields left out
Json offers_json(std::span<const Offer> offers);

// `surehop explain --json`: one object, each stage of the spine in order.
// The end of a promise: a time, or null while it has none but its release.
Json until_json(Time until);

Json explain_json(const Decision& decision, const std::optional<Promises::Row>& promise);

} // namespace surehop
