// SPDX-License-Identifier: Apache-2.0
#include "support/test_ca.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <unistd.h>

namespace surehop::test {

namespace {

Key new_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (extension == nullptr)
        throw std::runtime_error("no such extension: " + value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> new_certificate(const Subject& subject, EVP_PKEY* key) {
    static std::atomic<long> serial{1};
    std::shared_ptr<X509> certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), subject.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), subject.valid_until);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(subject.common_name.c_str()),
                               -1, -1, 0);
    return certificate;
}

} // namespace

TestCa::TestCa() : key_(new_key()) {
    const auto root = new_certificate(Subject{{}, "surehop test CA"}, key_.get());
    X509_set_issuer_name(root.get(), X509_get_subject_name(root.get()));
    extend(root.get(), root.get(), NID_basic_constraints, "critical,CA:TRUE");
    extend(root.get(), root.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(root.get(), root.get(), NID_subject_key_identifier, "hash");
    X509_sign(root.get(), key_.get(), EVP_sha256());
    root_ = {root, key_};
}

Certificate TestCa::mint(const Subject& subject) const {
    const Key key = new_key();
    const auto certificate = new_certificate(subject, key.get());
    X509* const raw = certificate.get();
    X509_set_issuer_name(raw, X509_get_subject_name(root_.x509.get()));
    std::string names;
    for (const std::string& name : subject.names)
        names += (names.empty() ? "" : ",") + name;
    if (!names.empty())
        extend(raw, root_.x509.get(), NID_subject_alt_name, names);
    extend(raw, root_.x509.get(), NID_ext_key_usage, "serverAuth");
    X509_sign(raw, key_.get(), EVP_sha256());
    return {certificate, key};
}

std::string TestCa::pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_X509(out.get(), root_.x509.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

TemporaryFile::TemporaryFile(const std::string& content) {
    path_ = (std::filesystem::temp_directory_path() / "surehop-test-XXXXXX").string();
    const int fd = mkstemp(path_.data());
    if (fd < 0 || write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
        throw std::runtime_error("cannot write " + path_);
    close(fd);
}

TemporaryFile::~TemporaryFile() { std::remove(path_.c_str()); }

} // namespace surehop::test
