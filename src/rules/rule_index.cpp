// SPDX-License-Identifier: Apache-2.0
#include "rules/rule_index.h"

#include <algorithm>

namespace surehop {

RuleIndex::RuleIndex(const std::vector<Rule>& rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].recipients.empty())
            anybody_.push_back(i);
        for (const AddressPattern& pattern : rules[i].recipients.patterns()) {
            if (!pattern.domain())
                anybody_.push_back(i);
            else if (pattern.kind() == AddressPattern::Kind::suffix)
                suffixes_[pattern.domain()->text()].push_back(i);
            else
                domains_[pattern.domain()->text()].push_back(i);
        }
    }
}

std::vector<std::size_t> RuleIndex::about(const std::optional<Domain>& domain) const {
    std::vector<std::size_t> out = anybody_;
    const auto add = [&](const auto& places, const std::string& name) {
        if (const auto found = places.find(name); found != places.end())
            out.insert(out.end(), found->second.begin(), found->second.end());
    };
    if (domain) {
        add(domains_, domain->text());
        if (!suffixes_.empty())
            for (auto dot = domain->text().find('.'); dot != std::string::npos;
                 dot = domain->text().find('.', dot + 1))
                add(suffixes_, domain->text().substr(dot + 1));
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

} // namespace surehop
