// SPDX-License-Identifier: Apache-2.0
#include "facts/facts_json.h"

#include <utility>

namespace surehop {

namespace {

Json nullable(std::optional<bool> value) { return value ? Json(*value) : Json(nullptr); }

Json standing_json(const Standing& standing) {
    return {{"state", name_of(standing.state)}, {"reason", token_of(standing.reason)}};
}

Json host_json(const Host& host, bool has_preference) {
    Json json;
    json["name"] = host.name.text();
    if (has_preference)
        json["preference"] = host.preference;
    json["addresses"] = standing_json(host.addresses);
    json["addresses"]["secure"] = nullable(host.addresses_secure);
    const std::size_t usable = host.usable();
    json["tlsa"] = standing_json(host.tlsa);
    json["tlsa"]["usable"] = usable;
    json["tlsa"]["unusable"] = host.records.size() + host.unreadable - usable;
    return json;
}

Json sts_json(const StsFacts& sts) {
    Json json = standing_json(sts.standing);
    if (sts.refresh != sts.standing)
        json["refresh"] = standing_json(sts.refresh);
    if (sts.standing.state != State::present)
        return json;
    json["id"] = sts.id;
    json["mode"] = mtasts::name_of(sts.policy.mode);
    json["max_age"] = sts.policy.max_age.count();
    json["mx"] = Json::array();
    for (const mtasts::MxPattern& pattern : sts.policy.mx)
        json["mx"].push_back(pattern.text());
    json["fetched"] = format_time(sts.fetched);
    json["expires"] = format_time(sts.expires);
    return json;
}

} // namespace

Json to_json(const Facts& facts) {
    Json hosts = Json::array();
    for (const Host& host : facts.hosts)
        hosts.push_back(host_json(host, facts.mx.has_value()));

    Json json;
    if (facts.mx) {
        Json mx = standing_json(*facts.mx);
        mx["secure"] = nullable(facts.mx_secure);
        mx["null_mx"] = facts.null_mx;
        if (facts.implicit_mx)
            mx["implicit"] = true;
        mx["hosts"] = std::move(hosts);
        json["mx"] = std::move(mx);
    } else {
        json["mx"] = nullptr;
        json["hosts"] = std::move(hosts);
    }
    // RFC 8461 binds a policy to a domain whose MX is looked up; a bare host has none.
    if (facts.mx || facts.sts.standing.state == State::present)
        json["mta_sts"] = sts_json(facts.sts);
    else
        json["mta_sts"] = nullptr;
    return json;
}

} // namespace surehop
