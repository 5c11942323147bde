// SPDX-License-Identifier: Apache-2.0
#include "control/judge.h"

#include <utility>
#include <variant>

namespace surehop {

asio::awaitable<Decision> judge_patiently(const Context& context, const CommandParts& parts,
                                          Millis most) {
    const SitePtr site = parts.site();
    auto judged = parts.gate.judge_known(context, *site, parts.clock.now());
    if (const auto* miss = std::get_if<Miss>(&judged)) {
        Learnt learnt = Learnt::done;
        for (const NextHop& next_hop : miss->next_hops)
            if (const Learnt one = co_await parts.gate.resolver().learn(
                    next_hop, most / static_cast<int>(miss->next_hops.size()));
                one != Learnt::done)
                learnt = one;
        judged = parts.gate.judge_known(context, *site, parts.clock.now());
        if (std::holds_alternative<Miss>(judged))
            judged =
                parts.gate.judge_unlearnt(context, *site, reason_of(learnt), parts.clock.now());
    }
    co_return std::get<Decision>(std::move(judged));
}

} // namespace surehop
