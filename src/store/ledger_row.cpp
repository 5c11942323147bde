// SPDX-License-Identifier: Apache-2.0
#include "store/ledger_row.h"

#include "address/domain.h"
#include "address/nexthop.h"

namespace surehop {

std::string domain_in(std::string_view address) {
    const auto at = address.rfind('@');
    if (at == std::string_view::npos)
        return "";
    const std::string_view text = address.substr(at + 1);
    if (text.starts_with('[')) {
        const auto literal = NextHop::parse(text);
        return literal && literal->kind() == HopKind::address ? literal->key() : "";
    }
    const auto domain = Domain::parse(text);
    return domain ? domain->text() : "";
}

std::string domain_of(const LedgerRow& row) {
    if (!row.recipient.empty())
        return domain_in(row.recipient);
    if (row.next_hop.empty())
        return "";
    const auto next_hop = NextHop::parse(row.next_hop);
    return next_hop && next_hop->domain() ? next_hop->domain()->text() : "";
}

} // namespace surehop
