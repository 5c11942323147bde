// SPDX-License-Identifier: Apache-2.0
#include "rules/address_set.h"

#include "base/text.h"

#include <string_view>
#include <utility>

namespace surehop {

void AddressSet::add(std::vector<AddressPattern> patterns, std::string from) {
    for (AddressPattern& pattern : patterns) {
        texts_.insert(pattern.text());
        on_domain_alone_ = on_domain_alone_ && pattern.on_domain_alone();
        if (pattern.kind() == AddressPattern::Kind::address && pattern.domain())
            address_domains_.insert(pattern.domain()->text());
        patterns_.push_back(std::move(pattern));
    }
    from_.push_back(std::move(from));
}

// A suffix over this domain.
bool AddressSet::has_above(const Domain& domain) const {
    for (std::string_view above = domain.parent(); !above.empty();) {
        if (has("*." + std::string(above)))
            return true;
        const auto dot = above.find('.');
        above = dot == std::string_view::npos ? std::string_view() : above.substr(dot + 1);
    }
    return false;
}

bool AddressSet::matches(const Path& path) const {
    if (any())
        return true;
    if (path.is_null())
        return has("<>");
    if (has(lower(path.text())))
        return true;
    if (const auto& literal = path.literal())
        return has("@[" + *literal + "]");
    return path.domain() && matches_domain(*path.domain());
}

bool AddressSet::matches_domain(const Domain& domain) const {
    return any() || has("@" + domain.text()) || has_above(domain);
}

bool AddressSet::reaches(const Domain& domain) const {
    return matches_domain(domain) || address_domains_.contains(domain.text());
}

bool AddressSet::any() const { return has("*"); }

bool AddressSet::covers(const AddressPattern& pattern) const {
    if (any() || has(pattern.text()))
        return true;
    const auto& domain = pattern.domain();
    if (!domain)
        return false;
    return (pattern.kind() == AddressPattern::Kind::address && has("@" + domain->text())) ||
           has_above(*domain);
}

} // namespace surehop
