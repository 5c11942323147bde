// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

// Whether octets are what a TLS library would take for a certificate or a public key. Octets left
// over at the end count as an error. Nothing is said about validity or trust.

namespace surehop {

bool is_der_certificate(std::span<const std::uint8_t> data); // X.509, RFC 5280, with a usable key
bool is_der_public_key(
    std::span<const std::uint8_t> data); // SubjectPublicKeyInfo, RFC 5280 §4.1.2.7

} // namespace surehop
