// SPDX-License-Identifier: Apache-2.0
#include "control/asked.h"

#include "address/ip_range.h"
#include "base/text.h"
#include "milter/field.h"

#include <fmt/format.h>

#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace surehop {

namespace {

std::optional<std::string> text_of(const Json& request, const char* name) {
    const auto found = request.find(name);
    if (found == request.end() || !found->is_string())
        return std::nullopt;
    return found->get<std::string>();
}

Status read_addresses(const Json& request, Context& context) {
    auto recipient = Path::parse(text_of(request, "address").value_or(""));
    if (!recipient)
        return Error{recipient.error()};
    if (recipient->is_null())
        return Error{"name the recipient's address"};
    context.recipient = *std::move(recipient);
    if (const std::string from = text_of(request, "from").value_or(""); !from.empty()) {
        auto sender = Path::parse(from);
        if (!sender)
            return Error{"--from: " + sender.error()};
        context.sender = *std::move(sender);
    }
    return Done{};
}

// As the milter reads them, encoded words and all.
Status read_fields(const Json& lines, Fields& fields) {
    fields.all = true;
    for (const Json& line : lines) {
        const std::string text = line.is_string() ? line.get<std::string>() : "";
        const auto colon = text.find(':');
        if (colon == std::string::npos || colon == 0)
            return Error{fmt::format("--header: '{}' is no header field; write --header 'X-Label: "
                                     "secret'",
                                     printable(text, 60))};
        const std::string_view line_text = text;
        FieldText field = readable(line_text.substr(colon + 1));
        fields.all = fields.all && field.whole;
        fields.values.emplace(lower(trim(line_text.substr(0, colon))), std::move(field.text));
    }
    return Done{};
}

} // namespace

Status read_question(const Json& request, Asked& asked) {
    Context& context = asked.context;
    asked.fields.all = true; // without a header line: there is none
    if (auto read = read_addresses(request, context); !read)
        return read;
    context.mailer = text_of(request, "mailer").value_or("");
    context.host = text_of(request, "host").value_or("");
    context.user = text_of(request, "user");
    context.listener = text_of(request, "listener");
    context.client = text_of(request, "client");
    if (context.client && !parse_ip(*context.client))
        return Error{fmt::format("--client: '{}' is no address", printable(*context.client, 60))};
    context.requiretls = request.value("requiretls", false);
    context.more_to_come = true;
    if (const auto header = request.find("header"); header != request.end()) {
        if (auto read = read_fields(*header, asked.fields); !read)
            return read;
        context.more_to_come = false;
    }
    if (const auto size = text_of(request, "size")) {
        context.size = parse_number(*size, std::numeric_limits<std::int64_t>::max());
        if (!context.size)
            return Error{fmt::format("--size: '{}' is no number of octets", printable(*size, 60))};
        context.more_to_come = false;
    }
    if (!context.more_to_come) { // the message has spoken
        asked.fields.all = asked.fields.all && request.value("header_all", true);
        context.fields = &asked.fields;
    }
    return Done{};
}

} // namespace surehop
