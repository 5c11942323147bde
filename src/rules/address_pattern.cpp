// SPDX-License-Identifier: Apache-2.0
#include "rules/address_pattern.h"

#include "base/text.h"

#include <fmt/format.h>

namespace surehop {

namespace {

Error bad(std::string_view text, std::string_view why) {
    return {fmt::format("'{}' is not an address pattern: {}; write user@example.org, @example.org, "
                        "*.example.org, * or <>",
                        printable(text), why)};
}

} // namespace

Result<AddressPattern> AddressPattern::parse(std::string_view text) {
    if (text == "*")
        return AddressPattern();
    if (text == "<>")
        return AddressPattern(Kind::null_sender, "<>");

    if (text.starts_with("*.") || text.starts_with('.')) {
        auto domain = Domain::parse(text.substr(text.find('.') + 1));
        if (!domain)
            return bad(text, domain.error());
        AddressPattern pattern(Kind::suffix, "*." + domain->text());
        pattern.domain_ = *std::move(domain);
        return pattern;
    }

    const bool whole_domain = text.starts_with('@') || text.find('@') == std::string_view::npos;
    // Legal in a local part (RFC 5321 §4.1.2), but whoever writes one here means something else.
    if (text.find('*') != std::string_view::npos)
        return bad(text, "a star stands alone or before the first dot of a domain");

    if (whole_domain) {
        const std::string_view name = text.substr(text.starts_with('@') ? 1 : 0);
        if (!name.starts_with('[')) {
            auto domain = Domain::parse(name);
            if (!domain)
                return bad(text, domain.error());
            AddressPattern pattern(Kind::domain, "@" + domain->text());
            pattern.domain_ = *std::move(domain);
            return pattern;
        }
        const auto path = Path::parse(fmt::format("anybody@{}", name)); // it knows all literals
        if (!path)
            return bad(text, path.error());
        const auto& literal = path->literal();
        if (!literal)
            return bad(text, "no such address literal");
        AddressPattern pattern(Kind::domain, fmt::format("@[{}]", *literal));
        pattern.literal_ = literal;
        return pattern;
    }

    const auto path = Path::parse(lower(text));
    if (!path)
        return bad(text, path.error());
    if (!path->domain() && !path->literal())
        return bad(text, "it has no domain");
    AddressPattern pattern(Kind::address, path->text());
    pattern.local_ = path->local();
    pattern.domain_ = path->domain();
    pattern.literal_ = path->literal();
    return pattern;
}

bool AddressPattern::matches(const Path& path) const {
    const auto& domain = path.domain();
    switch (kind_) {
    case Kind::any:
        return true;
    case Kind::null_sender:
        return path.is_null();
    case Kind::address:
        return domain == domain_ && path.literal() == literal_ && !path.is_null() &&
               same_ignoring_case(path.local(), local_);
    case Kind::domain:
        return literal_ ? path.literal() == literal_ : domain == domain_;
    case Kind::suffix:
        return domain && matches_domain(*domain);
    }
    return false;
}

bool AddressPattern::matches_domain(const Domain& domain) const {
    switch (kind_) {
    case Kind::any:
        return true;
    case Kind::domain:
        return domain_ == domain;
    case Kind::suffix:
        return domain_ && domain != *domain_ && domain.is_within(*domain_);
    case Kind::null_sender:
    case Kind::address:
        return false;
    }
    return false;
}

bool AddressPattern::on_domain_alone() const {
    return kind_ == Kind::any || kind_ == Kind::domain || kind_ == Kind::suffix;
}

} // namespace surehop
