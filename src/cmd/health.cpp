// SPDX-License-Identifier: Apache-2.0
#include "cmd/health.h"

#include <fmt/format.h>

namespace surehop {

std::vector<std::string> troubles(const Json& status) {
    std::vector<std::string> out;
    for (const Json& incident : status.at("incidents"))
        out.push_back(fmt::format("since {}: {}", incident.at("since").get<std::string>(),
                                  incident.at("text").get<std::string>()));
    if (const Json& store = status.at("store"); !store.at("writable").get<bool>())
        out.push_back(
            fmt::format("the store cannot be written, so what is enforced is deferred: {}",
                        store.at("text").get<std::string>()));
    if (!status.at("validates").get<bool>())
        out.emplace_back("no resolver answers and validates DNSSEC: DANE is unknown");
    for (const Json& resolver : status.at("resolvers")) {
        const auto server = resolver.at("server").get<std::string>();
        if (!resolver.at("answers").get<bool>())
            out.push_back(fmt::format("the resolver {} does not answer", server));
        else if (!resolver.at("validates").get<bool>())
            out.push_back(fmt::format("the resolver {} does not validate", server));
    }
    for (const Json& file : status.at("exception_files"))
        if (file.at("state") == "failed")
            out.push_back(file.at("text").get<std::string>());
    return out;
}

} // namespace surehop
