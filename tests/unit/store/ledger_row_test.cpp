// SPDX-License-Identifier: Apache-2.0
#include "store/ledger_row.h"

#include <gtest/gtest.h>

#include <string>

namespace surehop {
namespace {

TEST(LedgerRow, the_domain_that_it_concerns) {
    struct Row {
        std::string recipient, next_hop, domain;
    };
    for (const Row& one : {
             Row{"b@Example.ORG", "relay.test", "example.org"},
             Row{"@example.org", "", "example.org"}, // of counted refusals, and of exceptions
             Row{"\"a@b\"@example.org", "", "example.org"},
             Row{"b@[192.0.2.1]", "", "[192.0.2.1]"},
             Row{"#3fa9@example.org", "", "example.org"},
             Row{"", "example.org", "example.org"}, // of a downgrade
             Row{"", "[mx.example.org]:587", "mx.example.org"},
             Row{"", "[192.0.2.1]", ""},
             Row{"", "", ""},
             Row{"*.example.org", "", ""},
             Row{"postmaster", "example.org", ""},
             Row{"<@relay.test:bob>", "", ""}, // not even by mistake
             Row{"b@[mx.example.org]", "", ""},
             Row{"b@[", "", ""},
         }) {
        LedgerRow row;
        row.recipient = one.recipient;
        row.next_hop = one.next_hop;
        EXPECT_EQ(domain_of(row), one.domain) << one.recipient << " " << one.next_hop;
    }
}

} // namespace
} // namespace surehop
