// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the checks need to know of this machine's files. The command line looks; tests say.

namespace surehop {

// Unseen: whoever looks may not see it.
enum class Connectable : std::uint8_t { yes, missing, not_a_socket, forbidden, unseen };

class Surroundings {
  public:
    virtual ~Surroundings() = default;
    virtual bool exists(const std::string& path) const = 0;
    // What is in a folder; nothing where it cannot be read.
    virtual std::vector<std::string> names(const std::string& folder) const = 0;
    virtual std::optional<std::string> read(const std::string& path) const = 0;
    // Links resolved as far as they can be; the path itself where it is not there.
    virtual std::string real_path(const std::string& path) const = 0;
    // Whether this user, with the groups that it has, may connect to the UNIX socket.
    virtual Connectable connectable(const std::string& path, const std::string& user) const = 0;
};

} // namespace surehop
