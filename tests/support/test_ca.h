// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

// A certificate authority that lives as long as a test: mints certificates, good ones and bad ones.

namespace surehop::test {

using Key = std::shared_ptr<EVP_PKEY>;

struct Certificate {
    std::shared_ptr<X509> x509;
    Key key;
};

struct Subject {
    std::vector<std::string> names; // subjectAltName, as "DNS:mta-sts.example" or "IP:127.0.0.1"
    std::string common_name = "test";
    long valid_from = -3600, valid_until = 86400; // seconds from now
};

class TestCa {
  public:
    TestCa();
    Certificate mint(const Subject& subject) const;
    Certificate mint(const std::string& host) const {
        return mint(Subject{{"DNS:" + host}, "test"});
    }
    std::string pem() const;

  private:
    Key key_;
    Certificate root_;
};

// A file that is gone with the object.
class TemporaryFile {
  public:
    explicit TemporaryFile(const std::string& content);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

} // namespace surehop::test
