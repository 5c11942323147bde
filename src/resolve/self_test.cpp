// SPDX-License-Identifier: Apache-2.0
#include "resolve/self_test.h"

#include "base/text.h"

#include <fmt/format.h>

#include <utility>

namespace surehop {

namespace {

bool is_silent(DnsStatus status) {
    return status == DnsStatus::timeout || status == DnsStatus::unreachable;
}

bool is_served(DnsStatus status) { // NOERROR, with or without records
    return status == DnsStatus::answer || status == DnsStatus::no_data;
}

// What one question showed. The worst counts: shown, then silence, then refuted.
enum class Proof : std::uint8_t { shown, nothing, refuted };

Proof worse(Proof a, Proof b) { return a > b ? a : b; }

} // namespace

SelfTest::SelfTest(Dns& dns, bool trusted_path, std::vector<std::string> bogus_names)
    : dns_(dns), trusted_path_(trusted_path), bogus_names_(std::move(bogus_names)) {}

asio::awaitable<SelfTestResult> SelfTest::run() {
    SelfTestResult result;
    const auto warn = [&](std::string text) { result.warnings.push_back(std::move(text)); };

    // The root zone is signed: whoever validates says so.
    Question root("", RrType::soa);
    const DnsAnswer signed_root = co_await dns_.ask(std::move(root));
    result.reachable = !is_silent(signed_root.status);
    Proof proof = Proof::nothing;
    if (!result.reachable) {
        warn("the resolver does not answer");
    } else if (!trusted_path_) {
        warn("the resolver is neither on this machine nor declared trusted: its DNSSEC validation "
             "does not count, and there is no DANE");
        proof = Proof::refuted;
    } else if (signed_root.status != DnsStatus::answer) {
        warn("the resolver cannot say who serves the root zone");
    } else if (!signed_root.authentic) {
        warn(
            "the resolver does not validate DNSSEC: its answer for the root zone comes without AD");
        proof = Proof::refuted;
    } else {
        proof = Proof::shown;
    }

    // An AD bit is worth something only where it is withheld too.
    Proof withheld = bogus_names_.empty() ? Proof::shown : Proof::nothing;
    for (const std::string& name : bogus_names_) {
        if (proof != Proof::shown)
            break;
        Question bogus(name, RrType::a);
        const DnsAnswer answer = co_await dns_.ask(std::move(bogus));
        if (is_served(answer.status)) {
            warn(fmt::format("the resolver does not validate DNSSEC: it answers for {}, whose "
                             "signatures are not valid",
                             printable(name)));
            withheld = Proof::refuted;
            break;
        }
        if (answer.status == DnsStatus::servfail)
            withheld = Proof::shown;
        else
            warn(fmt::format("{} proves nothing about the resolver now: it should give SERVFAIL",
                             printable(name)));
    }

    proof = worse(proof, withheld);
    if (proof == Proof::shown)
        validation_ = Validation::proven;
    else if (proof == Proof::refuted && validation_ == Validation::proven)
        validation_ = Validation::lost;
    else if (proof == Proof::refuted && validation_ == Validation::untested)
        validation_ = Validation::never;
    result.validation = validation_;
    co_return result;
}

} // namespace surehop
