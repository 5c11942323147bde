// SPDX-License-Identifier: Apache-2.0
#include "base/der.h"

#include "base/bytes.h"
#include "support/certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>

namespace surehop {
namespace {

TEST(Der, certificate) {
    const Bytes certificate = *from_hex(test::certificate), key = *from_hex(test::public_key);
    EXPECT_TRUE(is_der_certificate(certificate));
    EXPECT_FALSE(is_der_certificate(key));
    EXPECT_FALSE(is_der_certificate({}));

    Bytes longer = certificate;
    longer.push_back(0);
    EXPECT_FALSE(is_der_certificate(longer)); // octets left over
    for (std::size_t size = 0; size < certificate.size(); ++size)
        EXPECT_FALSE(is_der_certificate(std::span(certificate).first(size))) << size;

    // The OID of the curve, 1.2.840.10045.3.1.7, made one that nobody has: no key to compare.
    const Bytes curve = *from_hex("06082a8648ce3d030107");
    Bytes strange = certificate;
    const auto at = std::search(strange.begin(), strange.end(), curve.begin(), curve.end());
    ASSERT_NE(at, strange.end());
    at[9] = 0x7f;
    EXPECT_FALSE(is_der_certificate(strange));
}

TEST(Der, public_key) {
    const Bytes certificate = *from_hex(test::certificate), key = *from_hex(test::public_key);
    EXPECT_TRUE(is_der_public_key(key));
    EXPECT_FALSE(is_der_public_key(certificate));
    EXPECT_FALSE(is_der_public_key({}));

    Bytes longer = key;
    longer.push_back(0);
    EXPECT_FALSE(is_der_public_key(longer)); // octets left over
    for (std::size_t size = 0; size < key.size(); ++size)
        EXPECT_FALSE(is_der_public_key(std::span(key).first(size))) << size;

    Bytes off_the_curve = key;
    off_the_curve.back() ^= 1U;
    EXPECT_FALSE(is_der_public_key(off_the_curve));
}

TEST(Der, leaves_the_error_queue_of_the_thread_as_it_was) {
    ERR_clear_error();
    const Bytes nonsense = {0x30, 0x03, 0x02, 0x01, 0x00};
    EXPECT_FALSE(is_der_certificate(nonsense));
    EXPECT_FALSE(is_der_public_key(nonsense));
    EXPECT_EQ(ERR_peek_error(), 0U);
}

} // namespace
} // namespace surehop
