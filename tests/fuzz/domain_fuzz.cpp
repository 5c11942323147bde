// SPDX-License-Identifier: Apache-2.0
#include "address/domain.h"
#include "address/nexthop.h"
#include "base/text.h"

#include "fuzz/require.h"

#include <algorithm>
#include <string>

using namespace surehop;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto domain = Domain::parse(fuzz::text_of(data, size));
    if (!domain) {
        fuzz::require_error(domain.error());
        return 0;
    }
    const std::string& name = domain->text();
    require(!name.empty() && name.size() <= 253, "1 to 253 octets");
    for (const std::string_view label : split(name, '.')) {
        require(!label.empty() && label.size() <= 63, "labels of 1 to 63 octets");
        require(label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") ==
                    std::string_view::npos,
                "letters, digits, hyphen, underscore");
    }
    require(!canonical_address(name), "an address is not a name");

    std::string upper = name;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    for (const std::string& same : {name, name + ".", upper}) {
        const auto again = Domain::parse(same);
        require(again && *again == *domain, "what is printed is read as the same name");
    }

    require(domain->is_within(*domain), "a name is within itself");
    if (const auto above = Domain::parse(domain->parent())) {
        require(domain->is_within(*above), "a name is within its parent");
        require(!above->is_within(*domain), "and the parent is not within it");
    }
    return 0;
}
