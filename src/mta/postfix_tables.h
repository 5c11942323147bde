// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "mta/postfix_checks.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

// What stands in Postfix's tables, as far as it can be listed, and the next hops that the
// configuration names there and elsewhere.

namespace surehop {

struct TableEntry {
    std::string key, value;
};
using ListedTable = Result<std::vector<TableEntry>>; // the error says why it cannot be listed

// `postmap`: what `postmap -s TABLE` prints. Tables of patterns (regexp, pcre, cidr) are read here:
// their key is the pattern, and a value that it computes ($1) is an error of the whole table.
ListedTable list_table(const std::string& table, const Surroundings& around,
                       const std::function<Result<std::string>(const std::string& table)>& postmap);
using Tables = std::function<ListedTable(const std::string& table)>;

// A next hop by name, whose mail goes there and who says so.
struct NamedHop {
    std::string next_hop;  // example.org, [relay.example]:587
    std::string where;     // "transport_maps has partner.example"
    std::string recipient; // an address that goes there; "" for any
    std::string sender;    // of those that depend on it
};
struct NamedHops {
    std::vector<NamedHop> hops;
    Findings findings; // what cannot be listed, what goes to a program
};
NamedHops named_hops(const PostfixSeen& seen, const Tables& tables);

// smtpd_milter_maps: whether it takes clients past surehop's milter.
void examine_milter_maps(const PostfixSeen& seen, const Tables& tables, Findings& out);

} // namespace surehop
