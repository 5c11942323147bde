// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Postfix's effective configuration, as its own postconf prints it: all parameters of main.cf, the
// services of master.cf, and what these change for themselves. Values as they are printed, with
// $names expanded by postconf -x.

namespace surehop {

using PostfixVersion = std::array<std::uint32_t, 3>; // 3.10.5; a snapshot has 0 for the last
std::optional<PostfixVersion> parse_postfix_version(std::string_view text);

struct PostfixService {
    std::string name, type; // smtp, inet
    bool chrooted = false;
    std::string program;                                       // smtpd
    std::map<std::string, std::string, std::less<>> overrides; // -o name=value

    std::string label() const { return name + "/" + type; }
};

class PostfixConfig {
  public:
    // What these print: `postconf -x`, `postconf -M`, `postconf -Px`, `postconf -dh mail_version`.
    // Errors: one of them has printed something else.
    static Result<PostfixConfig> parse(std::string_view parameters, std::string_view services,
                                       std::string_view overrides, std::string_view version);

    const PostfixVersion& version() const { return version_; }
    bool at_least(std::uint32_t major, std::uint32_t minor, std::uint32_t patch = 0) const {
        return version_ >= PostfixVersion{major, minor, patch};
    }
    // "" where the parameter is empty, and where this Postfix does not know it.
    std::string value(std::string_view name) const;
    bool knows(std::string_view name) const { return parameters_.contains(name); }

    const std::vector<PostfixService>& services() const { return services_; }
    const PostfixService* service(std::string_view name, std::string_view type) const;

  private:
    std::map<std::string, std::string, std::less<>> parameters_;
    std::vector<PostfixService> services_;
    PostfixVersion version_{};
};

// The configuration as one service sees it, or with no service main.cf itself.
class PostfixView {
  public:
    explicit PostfixView(const PostfixConfig& config, const PostfixService* service = nullptr)
        : config_(config), service_(service) {}
    std::string value(std::string_view name) const;
    bool overrides(std::string_view name) const {
        return service_ != nullptr && service_->overrides.contains(name);
    }
    // "smtp_dns_support_level", of a service that says it by itself "... of relay/unix".
    std::string spell(std::string_view name) const;
    // The command that mends it: writes the value to main.cf, or takes the service's own away.
    std::string set(std::string_view name, std::string_view value) const;
    const PostfixConfig& config() const { return config_; }
    const PostfixService* service() const { return service_; }

  private:
    const PostfixConfig& config_;
    const PostfixService* service_;
};

// The elements of a list: separated by commas and blanks, {...} stays whole.
std::vector<std::string> postfix_list(std::string_view text);
bool postfix_yes(std::string_view value);
// "5d", "3600s"; a bare number counts in `unit`.
std::optional<Millis> postfix_time(std::string_view text, char unit);
// For a shell: in single quotes.
std::string quoted_for_shell(std::string_view text);

} // namespace surehop
