// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "mta/postfix_tables.h"
#include "mta/sendmail_checks.h"

#include "fuzz/require.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

using namespace surehop;
using fuzz::require;

namespace {

// Every file has the same text.
struct OneText : Surroundings {
    explicit OneText(std::string all) : text(std::move(all)) {}
    bool exists(const std::string&) const override { return true; }
    std::vector<std::string> names(const std::string&) const override { return {text}; }
    std::optional<std::string> read(const std::string&) const override { return text; }
    std::string real_path(const std::string& path) const override { return path; }
    Connectable connectable(const std::string&, const std::string&) const override {
        return Connectable::yes;
    }
    std::string text;
};

bool has(const Findings& findings, std::string_view check, FindingState state) {
    for (const Finding& one : findings.all())
        if (one.check == check && one.state == state)
            return true;
    return false;
}

void require_sentences(const Findings& findings) {
    for (const Finding& one : findings.all())
        require(!one.check.empty() && !one.text.empty(), "each finding says something");
}

} // namespace

// What postconf -x, -M, -Px and a table have, separated by lines "%"; the first also as
// sendmail.cf.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::array<std::string, 4> parts;
    std::size_t at = 0;
    for (const std::string_view line : split(fuzz::text_of(data, size), '\n')) {
        if (line == "%" && at + 1 < parts.size())
            ++at;
        else
            parts.at(at) += std::string(line) + "\n";
    }
    Wiring surehop;
    surehop.lock = Lock::postfix;
    surehop.milter = "unix:/q/m";
    surehop.socketmap = {"unix:/q/s"};
    const OneText around(parts[3]);

    if (const auto postfix = PostfixConfig::parse(parts[0], parts[1], parts[2], "3.7.11")) {
        const PostfixSeen seen{*postfix, surehop, around};
        Findings found = examine_postfix(seen);
        const Tables tables = [&](const std::string& table) {
            return list_table(table, around,
                              [&](const std::string&) -> Result<std::string> { return parts[3]; });
        };
        examine_milter_maps(seen, tables, found);
        require_sentences(found);
        for (const NamedHop& hop : named_hops(seen, tables).hops)
            require(!hop.next_hop.empty() && !hop.where.empty(), "a next hop has a name");
        bool delivers = false;
        for (const PostfixService& service : postfix->services())
            delivers |=
                service.program == "smtp" &&
                postfix_list(PostfixView(*postfix, &service).value("smtp_tls_policy_maps")).empty();
        if (delivers)
            require(has(found, "policy-map", FindingState::failed) && !found.healthy(),
                    "a delivery that asks nobody is found");
    }
    surehop.lock = Lock::sendmail;
    if (const auto sendmail = SendmailConfig::parse(parts[0])) {
        const SendmailSeen seen{*sendmail, surehop, around};
        const Findings found = examine_sendmail(seen);
        require_sentences(found);
        for (const NamedHop& hop : named_hops(seen).hops)
            require(!hop.next_hop.empty() && !hop.where.empty(), "a next hop has a name");
        if (sendmail->map("sts") == nullptr)
            require(has(found, "sts-map", FindingState::failed), "a missing map is found");
    }
    return 0;
}
