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

void each_view(const PostfixConfig& config, std::string_view parameter,
               const std::function<void(const PostfixView&)>& look) {
    look(PostfixView(config));
    for (const PostfixService& service : config.services())
        if (service.overrides.contains(parameter))
            look(PostfixView(config, &service));
}

bool delivers_from_chroot(const PostfixView& view) {
    if (view.service() != nullptr)
        return view.service()->chrooted;
    const auto& all = view.config().services();
    return std::any_of(all.begin(), all.end(), [](const PostfixService& one) {
        return one.program == "smtp" && one.chrooted;
    });
}

bool is_our_milter(const PostfixMilter& milter, const PostfixSeen& seen, bool chrooted) {
    return milter.socket &&
           is_same_socket(*milter.socket, seen.surehop.milter, seen.postfix, chrooted, seen.around);
}

bool is_our_milter(const PostfixMilter& milter, const PostfixSeen& seen) {
    return is_our_milter(milter, seen, true) || is_our_milter(milter, seen, false);
}

Findings examine_postfix(const PostfixSeen& seen) {
    Findings out;
    for (const auto& group : {postfix_lock_checks(), postfix_tls_checks(), postfix_gate_checks()})
        for (const PostfixCheck& check : group)
            out.look(check.name, check.good, [&] { check.look(seen, out); });
    return out;
}

} // namespace surehop
