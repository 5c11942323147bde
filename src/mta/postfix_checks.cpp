// SPDX-License-Identifier: Apache-2.0
#include "mta/postfix_checks.h"

#include <algorithm>

namespace surehop {

void each_delivery(const PostfixConfig& config, const std::vector<std::string_view>& parameters,
                   const std::function<void(const PostfixView&)>& look) {
    bool main_counts = false;
    std::vector<const PostfixService*> own;
    for (const PostfixService& service : config.services()) {
        if (service.program != "smtp")
            continue;
        const auto overridden =
            std::count_if(parameters.begin(), parameters.end(),
                          [&](std::string_view name) { return service.overrides.contains(name); });
        if (overridden > 0)
            own.push_back(&service);
        main_counts |= static_cast<std::size_t>(overridden) < parameters.size();
    }
    if (main_counts)
        look(PostfixView(config));
    for (const PostfixService* service : own)
        look(PostfixView(config, service));
}

Findings examine_postfix(const PostfixSeen& seen) {
    Findings out;
    for (const auto& group : {postfix_lock_checks(), postfix_tls_checks(), postfix_gate_checks()})
        for (const PostfixCheck& check : group) {
            const std::size_t before = out.size();
            check.look(seen, out);
            if (out.size() == before)
                out.ok(check.name, std::string(check.good));
        }
    return out;
}

} // namespace surehop
