// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

// Whether octets are what a TLS library would take for a certificate or a public key. Octets left
// over at the end count as an error. Nothing is said about validity or trust.

namespace surehop {

// An X.509 certificate with a key that libcrypto can read.
bool is_der_certificate(std::span<const std::uint8_t> data);

// A SubjectPublicKeyInfo, RFC 5280 §4.1.2.7.
bool is_der_public_key(std::span<const std::uint8_t> data);

} // namespace surehop
