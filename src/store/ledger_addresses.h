// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/ledger_row.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// How much of an address the ledger keeps of those who write and are written to. Pure.
//
//   full      bob@example.org
//   hashed    #3fa9c1d2e4b5a6977001@example.org: the same for the same address, in any case of its
//             letters; whoever has the key can find an address, nobody can read one
//   domain    @example.org
//
// The null sender stays what it is. What is no address has no domain that is shown.

namespace surehop {

enum class AddressForm : std::uint8_t { full, hashed, domain };
constexpr std::array<std::string_view, 3> address_form_names = {"full", "hashed", "domain"};

class LedgerAddresses {
  public:
    LedgerAddresses() = default; // full
    LedgerAddresses(AddressForm form, std::string key) : form_(form), key_(std::move(key)) {}

    // Rows about mail, of kind "decision" and "quarantine-...": sender, recipient, and what stands
    // of them in `detail`. In others somebody has named a pattern, and it stays.
    void apply(LedgerRow& row) const;

    std::string shown(std::string_view address) const;

  private:
    AddressForm form_ = AddressForm::full;
    std::string key_;
};

} // namespace surehop
