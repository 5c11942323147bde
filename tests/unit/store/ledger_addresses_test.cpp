// SPDX-License-Identifier: Apache-2.0
#include "store/ledger_addresses.h"

#include <gtest/gtest.h>

#include <string>

namespace surehop {
namespace {

const std::string key(32, 'k');

TEST(LedgerAddresses, each_form_of_an_address) {
    const LedgerAddresses full, hashed(AddressForm::hashed, key), domain(AddressForm::domain, "");
    struct Row {
        std::string address, domain;
    };
    for (const Row& one : {
             Row{"bob@example.org", "@example.org"},
             Row{"\"a b@c\"@example.org", "@example.org"},
             Row{"b\xc3\xb6"
                 "b@example.org",
                 "@example.org"},
             Row{"bob@[192.0.2.1]", "@[192.0.2.1]"},
             Row{"postmaster", "@"},
             Row{"<@relay.test:bob>", "@"}, // cannot be read: what follows the @ may be anything
             Row{"bob@no name", "@"},
         }) {
        EXPECT_EQ(full.shown(one.address), one.address);
        EXPECT_EQ(domain.shown(one.address), one.domain);
        const std::string hash = hashed.shown(one.address);
        EXPECT_EQ(hash.size(), 21 + (one.domain.size() == 1 ? 0 : one.domain.size())) << hash;
        EXPECT_EQ(hash.front(), '#');
        EXPECT_EQ(hash.find_first_not_of("0123456789abcdef", 1),
                  one.domain.size() == 1 ? std::string::npos : 21);
        EXPECT_TRUE(one.domain == "@" || hash.ends_with(one.domain)) << hash;
        for (const char* told : {"bob", "a b", "postmaster"})
            EXPECT_EQ(hash.find(told), std::string::npos) << hash;
    }
    for (const LedgerAddresses& form : {full, hashed, domain})
        EXPECT_EQ(form.shown(""), "") << "the null sender";
}

TEST(LedgerAddresses, one_address_has_one_hash) {
    const LedgerAddresses hashed(AddressForm::hashed, key);
    const std::string hash = hashed.shown("bob@example.org");
    for (const std::string same : {"Bob@Example.ORG", "<bob@example.org>", "\"bob\"@example.org"})
        EXPECT_EQ(hashed.shown(same), hash) << same;
    for (const std::string other : {"bobb@example.org", "bob@example.net", "bob"})
        EXPECT_NE(hashed.shown(other).substr(0, 21), hash.substr(0, 21)) << other;
    EXPECT_NE(LedgerAddresses(AddressForm::hashed, key + "k").shown("bob@example.org"), hash);
}

TEST(LedgerAddresses, applied_to_what_is_about_mail_alone) {
    const LedgerAddresses domain(AddressForm::domain, "");
    LedgerRow row;
    row.kind = "decision";
    row.sender = "a@x.test";
    row.recipient = "b@y.test";
    row.detail = "address cannot be read: 'bob' is nothing; refused with the message";
    LedgerRow other = row;
    domain.apply(row);
    EXPECT_EQ(row.sender, "@x.test");
    EXPECT_EQ(row.recipient, "@y.test");
    EXPECT_EQ(row.detail, "address cannot be read");
    other.kind = "allow-add";
    const LedgerRow before = other;
    domain.apply(other);
    EXPECT_EQ(other, before);
    row.detail = "unbound";
    domain.apply(row);
    EXPECT_EQ(row.detail, "unbound");
    for (const char* kind : {"quarantine-hold", "quarantine-release", "quarantine-discard"}) {
        LedgerRow held;
        held.kind = kind;
        held.sender = "a@x.test";
        held.recipient = "b@y.test";
        domain.apply(held);
        EXPECT_EQ(held.sender + held.recipient, "@x.test@y.test") << kind;
    }
}

} // namespace
} // namespace surehop
