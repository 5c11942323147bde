// SPDX-License-Identifier: Apache-2.0
#include "address/nexthop.h"

#include "fuzz/require.h"

#include <string>
#include <vector>

using namespace surehop;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = fuzz::text_of(data, size);
    if (const auto address = canonical_address(input))
        require(canonical_address(*address) == address, "a canonical address stays what it is");

    const auto list = next_hop_list(input);
    for (const std::string_view element : list)
        require(!element.empty() && element.find_first_of(", \t\r\n") == std::string_view::npos,
                "elements of a list, and not what separates them");

    const auto hop = NextHop::parse(input);
    require(!hop || (list.size() == 1 && list.front() == input), "one next hop is a list of one");
    if (!hop) {
        fuzz::require_error(hop.error());
        return 0;
    }
    const std::string key = hop->key();
    require(key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.:[]") ==
                std::string::npos,
            "a key has no blank, comma or upper case");
    require(hop->port() != 0, "a port");
    require(hop->domain().has_value() == (hop->kind() != HopKind::address), "a name or an address");
    if (hop->domain())
        require(hop->domain()->text() == hop->name(), "the name is the domain's");
    else
        require(canonical_address(hop->name()) == hop->name(), "the name is an address");

    const auto again = NextHop::parse(key);
    require(again && *again == *hop && again->key() == key, "a key is read as the same next hop");
    const std::string both = "a.test, " + key + "\t";
    require(next_hop_list(both) == std::vector<std::string_view>{"a.test", key},
            "a key is an element of a list");
    const auto elsewhere = NextHop::parse(input, 2525);
    require(elsewhere && elsewhere->name() == hop->name() &&
                (elsewhere->port() == 2525 || elsewhere->port() == hop->port()),
            "the default port changes only the port");
    return 0;
}
