// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resolve/dns.h"
#include "resolve/loop.h"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

// Does our resolver validate? RFC 7672 §2.1.1 wants a security-aware resolver, and an AD bit is
// worth something only if it is also withheld: `. SOA` must come with AD, and each configured bogus
// name must give SERVFAIL. One that answers NOERROR means that validation is lost; one that is gone
// (NXDOMAIN, timeout) is a warning, and if none of them shows anything the last proof is kept, as
// it is when the resolver does not answer. One that has shown nothing at all yet, as while a
// machine starts (it is silent, or has no uplink and answers SERVFAIL), stays untested: it may
// validate, so DANE is unknown. One server each; run at start and every `retest`.

namespace surehop {

struct SelfTestResult {
    Validation validation = Validation::untested;
    bool reachable = false;
    std::vector<std::string> warnings; // sentences for the log and doctor
};

class SelfTest {
  public:
    SelfTest(Dns& dns, bool trusted_path, std::vector<std::string> bogus_names);

    asio::awaitable<SelfTestResult> run();                // on the loop; also moves validation()
    Validation validation() const { return validation_; } // from any thread

  private:
    Dns& dns_;
    bool trusted_path_;
    std::vector<std::string> bogus_names_;
    std::atomic<Validation> validation_{Validation::untested};
};

} // namespace surehop
