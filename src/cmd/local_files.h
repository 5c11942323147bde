// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mta/surroundings.h"

#include <optional>
#include <string>
#include <vector>

// This machine's files, as the user sees them who runs the command line.

namespace surehop {

class LocalFiles final : public Surroundings {
  public:
    bool exists(const std::string& path) const override;
    std::vector<std::string> names(const std::string& folder) const override;
    std::optional<std::string> read(const std::string& path) const override; // 64 MB at most
    std::string real_path(const std::string& path) const override;
    Connectable connectable(const std::string& path, const std::string& user) const override;
};

} // namespace surehop
