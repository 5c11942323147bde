// SPDX-License-Identifier: Apache-2.0
#include "base/der.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <limits>
#include <memory>

namespace surehop {

namespace {

// What libcrypto complains of while it reads a stranger's octets must not stay in the thread's
// error queue, where TLS code would later find it.
class QuietErrors {
  public:
    QuietErrors() { ERR_set_mark(); }
    ~QuietErrors() { ERR_pop_to_mark(); }
    QuietErrors(const QuietErrors&) = delete;
    QuietErrors& operator=(const QuietErrors&) = delete;
};

bool fits(std::span<const std::uint8_t> data) {
    return !data.empty() &&
           data.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max());
}

} // namespace

// Both as in SSL_dane_tlsa_add, so that what counts here is what the MTA's library will accept.
bool is_der_certificate(std::span<const std::uint8_t> data) {
    if (!fits(data))
        return false;
    const QuietErrors quiet;
    const unsigned char* at = data.data();
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        d2i_X509(nullptr, &at, static_cast<long>(data.size())), X509_free);
    return certificate && at == data.data() + data.size() &&
           X509_get0_pubkey(certificate.get()) != nullptr;
}

bool is_der_public_key(std::span<const std::uint8_t> data) {
    if (!fits(data))
        return false;
    const QuietErrors quiet;
    const unsigned char* at = data.data();
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        d2i_PUBKEY(nullptr, &at, static_cast<long>(data.size())), EVP_PKEY_free);
    return key && at == data.data() + data.size();
}

} // namespace surehop
